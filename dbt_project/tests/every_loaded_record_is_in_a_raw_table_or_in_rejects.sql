-- A8, for each source: what the loads say that they took, rejected and skipped is what there is.
-- Read from sources only; it is shown at, and holds back, what is built from them.
-- depends_on: {{ ref('email_events') }}
{{ config(meta={'dagster': {'ref': {'name': 'email_events'}}}) }}

{#- One line per source: where its records are. -#}
{%- set tables = {
    'sendgrid': source('raw', 'sendgrid_events'),
    'ses': source('raw', 'ses_events'),
    'mailgun': source('raw', 'mailgun_events'),
    'postmark': source('raw', 'postmark_events'),
    'mandrill': source('raw', 'mandrill_events'),
    'enrollments': source('raw', 'enrollments'),
    'messages': source('raw', 'messages'),
    'sequence_records': source('raw', 'sequence_records'),
    'access_logs': source('raw', 'access_log_requests'),
    'mailboxes': source('raw', 'mailbox_messages'),
    'salesforce_exports': source('raw', 'salesforce_exports'),
} %}

with

said_and_found as (

    select
        source,
        rows as row_count,
        rejected as rejected_count,
        coalesce(skipped, 0) as skipped_count
    from {{ source('raw', 'loads') }}
    where source != 'salesforce'

    {% for name, table in tables.items() %}
        union all

        select
            '{{ name }}' as source,
            -count(*) as row_count,
            0 as rejected_count,
            0 as skipped_count
        from {{ table }}
    {% endfor %}

    union all

    select
        source,
        0 as row_count,
        -count(*) as rejected_count,
        0 as skipped_count
    from {{ source('raw', 'rejects') }}
    group by source

    union all

    select
        source,
        0 as row_count,
        0 as rejected_count,
        -records as skipped_count
    from {{ source('raw', 'skipped') }}

)

select
    source,
    sum(row_count) as rows_missing,
    sum(rejected_count) as rejects_missing,
    sum(skipped_count) as skipped_missing
from said_and_found
group by source
having sum(row_count) != 0 or sum(rejected_count) != 0 or sum(skipped_count) != 0
