with

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

records as (

    select * from {{ ref('int_crm__records') }}

),

versions as (

    select * from {{ ref('int_crm__record_versions') }}

),

addresses as (

    select * from {{ ref('int_crm__addresses') }}

),

people as (

    select
        person_email,
        crm_record_id
    from enrollments
    union
    -- Mail written by hand knows only the address.
    select
        recipient_email as person_email,
        cast(null as varchar) as crm_record_id
    from messages

),

-- H3: records that bear an address, or bore it, and are gone. Of several reasons, one.
gone as (

    select
        versions.email,
        min(records.unwritable_reason) as unwritable_reason
    from versions
    inner join records on versions.crm_id = records.crm_id
    where not records.is_writable
    group by versions.email

),

matched as (

    select
        people.person_email,
        people.crm_record_id,
        {{ is_email('people.person_email') }} as is_email,
        nullif(trim(people.crm_record_id), '') is not null as has_carried_id,
        carried.crm_id is not null as has_known_record,
        carried.is_writable as is_carried_writable,
        carried.unwritable_reason as carried_reason,
        carried.stands_for_object as carried_object,
        carried.stands_for_id as carried_id,
        addresses.stands_for_object as address_object,
        addresses.stands_for_id as address_id,
        addresses.is_current as is_address_current,
        gone.unwritable_reason as gone_reason
    from people
    -- An id has 15 characters that count; reports show these, the API three more to check them.
    left join records as carried
        on left(trim(people.crm_record_id), 15) = left(carried.crm_id, 15)
    left join addresses on people.person_email = addresses.email and addresses.is_chosen
    left join gone on people.person_email = gone.email

),

decided as (

    select
        person_email,
        crm_record_id,
        case
            when has_known_record and is_carried_writable then carried_object
            when not has_known_record then address_object
        end as crm_object,
        case
            when has_known_record and is_carried_writable then carried_id
            when not has_known_record then address_id
        end as crm_id,
        case
            when has_known_record and is_carried_writable then 'crm_id'
            when has_known_record or address_id is null then null
            when is_address_current then 'email'
            else 'earlier_email'
        end as matched_by,
        case
            when has_known_record then carried_reason
            when address_id is not null then null
            when has_carried_id then 'unknown_record_id'
            when person_email is null then 'no_email'
            when not is_email then 'invalid_email'
            else coalesce(gone_reason, 'no_record_with_this_email')
        end as unmatched_reason
    from matched

)

select
    person_email,
    crm_record_id,
    crm_object,
    crm_id,
    matched_by,
    unmatched_reason,
    -- Who somebody is: the record, or else the address, or else the id that nobody knows.
    coalesce(crm_id, person_email, crm_record_id) as person_key
from decided
