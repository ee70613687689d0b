{%- set fields = var('crm_fields') %}
{%- set types = {} %}
{%- for field in fields.values() %}{% do types.update({field: 'varchar'}) %}{% endfor %}

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
        {{ json_record('payload', types) }} as record
    from records
    where recency = 1

)

select
    crm_id,
    last_modified_at,
    last_modified_by_id,
    {% for metric, field in fields.items() -%}
    {{ crm_value('record."' ~ field ~ '"', metric, is_crm_text=true) }} as {{ metric }}
    {{- ',' if not loop.last }}
    {% endfor -%}
from parsed
