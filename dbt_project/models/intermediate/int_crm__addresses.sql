with

versions as (

    select * from {{ ref('int_crm__record_versions') }}

),

records as (

    select * from {{ ref('int_crm__records') }}

),

addresses as (

    select
        email,
        crm_id,
        max(cast(is_current as integer)) = 1 as is_current
    from versions
    where email is not null
    group by email, crm_id

),

ranked as (

    select
        addresses.email,
        addresses.is_current,
        records.crm_id,
        records.stands_for_id,
        records.stands_for_object,
        row_number() over (
            partition by addresses.email
            order by
                addresses.is_current desc,
                records.last_modified_at desc,
                records.crm_object asc,
                records.crm_id desc
        ) as preference
    from addresses
    inner join records on addresses.crm_id = records.crm_id
    where records.is_writable

)

select
    email,
    crm_id,
    stands_for_id,
    stands_for_object,
    is_current,
    preference = 1 as is_chosen
from ranked
