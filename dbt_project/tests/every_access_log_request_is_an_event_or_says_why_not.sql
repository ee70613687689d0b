-- A4, A8, for each load: raw requests = events + those left out, each of which says why; all have a
-- time, and all were read by today's patterns (if these changed: run with --full-refresh). That
-- the events are in the marts is every_raw_event_is_counted_once.
{{ config(meta={'dagster': {'ref': {'name': 'int_access_logs__request_counts'}}}) }}

with

raw_requests as (

    select
        load_id,
        count(*) as request_count
    from {{ source('raw', 'access_log_requests') }}
    group by load_id

),

requests as (

    select
        load_id,
        sum(request_count) as request_count,
        sum(untimed_request_count) as untimed_request_count,
        min(patterns_hash) as first_patterns_hash,
        max(patterns_hash) as last_patterns_hash
    from {{ ref('int_access_logs__request_counts') }}
    group by load_id

)

select
    coalesce(raw_requests.load_id, requests.load_id) as load_id,
    raw_requests.request_count as raw_count,
    requests.request_count,
    requests.untimed_request_count,
    requests.last_patterns_hash
from raw_requests
full outer join requests on raw_requests.load_id = requests.load_id
where
    raw_requests.request_count is distinct from requests.request_count
    or requests.untimed_request_count != 0
    or requests.first_patterns_hash != '{{ local_md5(tojson(var("access_log_patterns"))) }}'
    or requests.last_patterns_hash != '{{ local_md5(tojson(var("access_log_patterns"))) }}'
