with

measured as (

    select * from {{ ref('int_audiences__measured') }}

)

select
    audience,
    crm_object,
    crm_id,
    metric,
    value
from measured
where is_latest and is_member
