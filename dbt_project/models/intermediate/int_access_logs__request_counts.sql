{{ config(
    materialized='incremental',
    unique_key='load_id',
    incremental_strategy='delete+insert',
    on_schema_change='fail',
) }}

with

requests as (

    select * from {{ ref('stg_access_logs__requests') }}
    {% if is_incremental() %}
        where load_id > (select coalesce(max(load_id), 0) from {{ this }})
    {% endif %}

)

select
    load_id,
    left_out_because,
    '{{ local_md5(tojson(var("access_log_patterns"))) }}' as patterns_hash,
    count(*) as request_count,
    count(*) - count(requested_at) as untimed_request_count
from requests
group by load_id, left_out_because
