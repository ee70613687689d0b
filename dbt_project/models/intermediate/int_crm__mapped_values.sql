with

current_versions as (

    select * from {{ ref('int_crm__record_versions') }}
    where is_current

),

payloads as (

    select * from {{ ref('int_crm__record_payloads') }}

),

parsed as (

    select
        current_versions.crm_id,
        {{ mapped_fields('payloads.payload') }} as mapped
    from current_versions
    inner join payloads
        on
            current_versions.crm_id = payloads.crm_id
            and current_versions.system_modstamp_at = payloads.system_modstamp_at
            and current_versions.load_id = payloads.load_id

)

select
    crm_id,
    {{ mapped_values('mapped') }}
from parsed
