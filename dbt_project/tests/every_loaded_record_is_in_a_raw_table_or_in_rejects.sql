-- A8: what the loads say that they took and rejected is what the raw tables hold.
-- Read from sources only; it is shown at, and holds back, what is built from them.
-- depends_on: {{ ref('email_events') }}
{{ config(meta={'dagster': {'ref': {'name': 'email_events'}}}) }}

with

loads as (

    select
        coalesce(sum(rows), 0) as row_count,
        coalesce(sum(rejected), 0) as rejected_count
    from {{ source('raw', 'loads') }}
    where source != 'salesforce'

),

records as (

    select count(*) as row_count from {{ source('raw', 'sendgrid_events') }}
    union all
    select count(*) as row_count from {{ source('raw', 'mailgun_events') }}
    union all
    select count(*) as row_count from {{ source('raw', 'postmark_events') }}
    union all
    select count(*) as row_count from {{ source('raw', 'enrollments') }}
    union all
    select count(*) as row_count from {{ source('raw', 'messages') }}
    union all
    select count(*) as row_count from {{ source('raw', 'sequence_records') }}
    union all
    select count(*) as row_count from {{ source('raw', 'mailbox_messages') }}

),

record_total as (

    select sum(row_count) as row_count from records

),

rejects as (

    select count(*) as rejected_count from {{ source('raw', 'rejects') }}

)

select
    loads.row_count as loaded_count,
    record_total.row_count as raw_count,
    loads.rejected_count,
    rejects.rejected_count as rejects_count
from loads
cross join record_total
cross join rejects
where
    loads.row_count != record_total.row_count
    or loads.rejected_count != rejects.rejected_count
