with

audiences as (

    select * from {{ ref('audiences') }}

),

events as (

    select * from {{ ref('email_events') }}

),

enrollments as (

    select * from {{ ref('enrollments') }}
    where crm_id is not null

),

messages as (

    select * from {{ ref('int_messages__people') }}
    where crm_id is not null

),

tracking_opt_outs as (

    select * from {{ ref('int_messages__tracking_opt_outs') }}

),

clock as (

    select * from {{ ref('int_clock') }}

),

engagement as (

    select
        messages.crm_object,
        messages.crm_id,
        case events.event_type when 'opened' then 'human_opens' else 'human_clicks' end as metric,
        false as is_automated,
        events.occurred_at
    from events
    inner join messages on events.message_key = messages.message_key
    left join tracking_opt_outs on events.message_key = tracking_opt_outs.message_key
    where
        tracking_opt_outs.message_key is null
        and events.actor = 'human'
        and (
            events.event_type = 'opened'
            or (events.event_type = 'clicked' and events.is_tracked_domain)
        )

    union all

    select
        enrollments.crm_object,
        enrollments.crm_id,
        'replies' as metric,
        events.event_type = 'auto_replied' as is_automated,
        events.occurred_at
    from events
    inner join enrollments on events.enrollment_id = enrollments.enrollment_id
    where events.event_type in ('replied', 'auto_replied')

),

measured as (

    select
        audiences.audience,
        audiences.threshold,
        engagement.crm_object,
        engagement.crm_id,
        audiences.metric,
        count(*) as value
    from audiences
    cross join clock
    inner join engagement
        on
            audiences.metric = engagement.metric
            and (audiences.includes_automated or not engagement.is_automated)
            and engagement.occurred_at > {{ add_days('clock.as_of', '-audiences.window_days') }}
    where audiences.comparison = 'at_least'
    group by
        audiences.audience,
        audiences.threshold,
        engagement.crm_object,
        engagement.crm_id,
        audiences.metric

)

select
    audience,
    crm_object,
    crm_id,
    metric,
    cast(value as double) as value
from measured
where value >= threshold
