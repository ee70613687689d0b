with

contacts as (

    select
        contact_id as crm_id,
        payload,
        last_modified_at,
        last_modified_by_id,
        row_number() over (
            partition by contact_id
            order by system_modstamp_at desc, load_id desc
        ) as recency
    from {{ ref('stg_salesforce__contacts') }}

),

leads as (

    select
        lead_id as crm_id,
        payload,
        last_modified_at,
        last_modified_by_id,
        row_number() over (
            partition by lead_id
            order by system_modstamp_at desc, load_id desc
        ) as recency
    from {{ ref('stg_salesforce__leads') }}

),

records as (

    select * from contacts
    union all
    select * from leads

),

parsed as (

    select
        crm_id,
        last_modified_at,
        last_modified_by_id,
        {{ mapped_fields_record('payload') }} as record
    from records
    where recency = 1

)

select
    crm_id,
    last_modified_at,
    last_modified_by_id,
    {{ mapped_values('record') }}
from parsed
