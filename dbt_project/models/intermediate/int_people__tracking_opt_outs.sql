with

individuals as (

    select
        *,
        row_number() over (
            partition by individual_id
            order by system_modstamp_at desc, load_id desc
        ) as recency
    from {{ ref('stg_salesforce__individuals') }}

),

records as (

    select * from {{ ref('int_crm__records') }}

)

-- What one of several records of a person says holds for the person.
select distinct records.stands_for_id as crm_id
from records
inner join individuals on records.individual_id = individuals.individual_id
where
    individuals.recency = 1
    and not individuals.is_deleted
    and individuals.has_opted_out_of_tracking
