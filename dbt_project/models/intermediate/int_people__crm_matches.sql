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

matched as (

    select
        people.person_email,
        people.crm_record_id,
        carried.crm_id is not null as has_known_record,
        carried.is_writable as is_carried_writable,
        carried.stands_for_object as carried_object,
        carried.stands_for_id as carried_id,
        addresses.stands_for_object as address_object,
        addresses.stands_for_id as address_id,
        addresses.is_current as is_address_current
    from people
    left join records as carried on people.crm_record_id = carried.crm_id
    left join addresses on people.person_email = addresses.email and addresses.is_chosen

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
            when has_known_record and not is_carried_writable then 'record_deleted'
            when not has_known_record and person_email is null then 'no_email'
            when not has_known_record and address_id is null then 'no_record_with_this_email'
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
