with

records as (

    select * from {{ ref('int_crm__records') }}

),

addresses as (

    select * from {{ ref('int_crm__addresses') }}

),

versions as (

    select * from {{ ref('int_crm__record_versions') }}

),

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

people as (

    select * from {{ ref('int_enrollments__people') }}

),

written as (

    select distinct crm_id
    from people
    where crm_id is not null

),

-- H2: of several records with one email, all but the one that stands for the person.
duplicates as (

    select
        addresses.crm_id,
        addresses.email,
        'duplicate_email' as reason,
        min(people.crm_id) as written_crm_id
    from addresses
    inner join people on addresses.email = people.person_email and people.crm_id is not null
    left join written on addresses.crm_id = written.crm_id
    where addresses.is_current and written.crm_id is null
    group by addresses.crm_id, addresses.email

),

-- H3: what is written of these people is written to another record.
stood_for as (

    select
        records.crm_id,
        records.email,
        case when records.is_converted then 'converted' else 'merged' end as reason,
        records.stands_for_id as written_crm_id
    from records
    inner join written on records.stands_for_id = written.crm_id
    where records.crm_id != records.stands_for_id

),

asked_for as (

    select records.crm_id
    from records
    inner join enrollments
        on left(trim(enrollments.crm_record_id), 15) = left(records.crm_id, 15)
    union
    select versions.crm_id
    from versions
    inner join enrollments on versions.email = enrollments.person_email

),

gone as (

    select
        records.crm_id,
        records.email,
        records.unwritable_reason as reason,
        cast(null as varchar) as written_crm_id
    from records
    inner join asked_for on records.crm_id = asked_for.crm_id
    where not records.is_writable

),

skipped as (

    select * from duplicates
    union all
    select * from stood_for
    union all
    select * from gone

)

select
    records.crm_object,
    skipped.crm_id,
    skipped.email,
    skipped.reason,
    written_records.crm_object as written_crm_object,
    skipped.written_crm_id
from skipped
inner join records on skipped.crm_id = records.crm_id
left join records as written_records on skipped.written_crm_id = written_records.crm_id
