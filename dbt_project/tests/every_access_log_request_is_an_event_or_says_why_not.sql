-- A4, A8: raw requests = events + those without a token + HEAD requests + errors.
{{ config(meta={'dagster': {'ref': {'name': 'stg_access_logs__requests'}}}) }}

with

raw_requests as (

    select count(*) as request_count from {{ source('raw', 'access_log_requests') }}

),

requests as (

    select
        count(*) as request_count,
        count(case when left_out_because = 'no_token' then 1 end) as without_token_count,
        count(case when left_out_because = 'head_request' then 1 end) as head_count,
        count(case when left_out_because = 'error_status' then 1 end) as error_count
    from {{ ref('stg_access_logs__requests') }}

),

events as (

    select count(*) as event_count from {{ ref('int_access_logs__events') }}

)

select
    raw_requests.request_count as raw_count,
    events.event_count,
    requests.without_token_count,
    requests.head_count,
    requests.error_count
from raw_requests
cross join requests
cross join events
where
    raw_requests.request_count != requests.request_count
    or requests.request_count
    != events.event_count
    + requests.without_token_count
    + requests.head_count
    + requests.error_count
