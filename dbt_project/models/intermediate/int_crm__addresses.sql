with

versions as (

    select * from {{ ref('int_crm__record_versions') }}
    -- H2: what is no address belongs to nobody.
    where {{ is_email('email') }}

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
    group by email, crm_id

),

-- What a record bears that stands for another (H3) is an earlier address of that one, and it is
-- that one's last change and object that count.
meant as (

    select
        addresses.email,
        addresses.crm_id,
        records.stands_for_id,
        records.stands_for_object,
        addresses.is_current and addresses.crm_id = records.stands_for_id as is_current,
        targets.last_modified_at
    from addresses
    inner join records on addresses.crm_id = records.crm_id
    inner join records as targets on records.stands_for_id = targets.crm_id
    where records.is_writable

),

ranked as (

    select
        *,
        row_number() over (
            partition by email
            order by
                is_current desc,
                {%- if var('contacts_before_leads') %}
                    stands_for_object asc,
                {%- endif %}
                last_modified_at desc nulls last,
                stands_for_object asc,
                stands_for_id desc,
                crm_id desc
        ) as preference
    from meant

)

select
    email,
    crm_id,
    stands_for_id,
    stands_for_object,
    is_current,
    preference = 1 as is_chosen
from ranked
