with

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

history as (

    select * from {{ ref('enrollment_status_history') }}
    where valid_to is null

),

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

replies as (

    select * from {{ ref('int_replies__attributed') }}
    where enrollment_id is not null

),

told_replies as (

    select * from {{ ref('int_enrollments__told_replies') }}

),

events as (

    select * from {{ ref('int_events__attached') }}

),

inbound as (

    select * from {{ ref('int_inbound_events') }}

),

opt_outs as (

    select * from {{ ref('int_people__opt_outs') }}

),

people as (

    select * from {{ ref('int_enrollments__people') }}

),

replied_enrollments as (

    select distinct enrollment_id
    from {{ ref('int_enrollments__status_facts') }}
    where status = 'replied'

),

sends as (

    select
        enrollment_id,
        max(step_number) as last_step_number,
        max(sent_at) as last_step_at,
        count(*) as message_count
    from messages
    where enrollment_id is not null
    group by enrollment_id

),

human_replies as (

    select
        enrollment_id,
        min(received_at) as first_replied_at,
        max(received_at) as last_replied_at
    from replies
    where not is_automated
    group by enrollment_id

),

inbound_replies as (

    select
        enrollment_id,
        reply_key,
        reply_class,
        tags,
        received_at
    from replies
    where inbound_kind != 'list' or not is_automated

    union all

    select
        enrollment_id,
        cast(null as varchar) as reply_key,
        reply_class,
        tags,
        received_at
    from told_replies

),

ordered_replies as (

    select
        *,
        row_number() over (
            partition by enrollment_id order by received_at nulls last, reply_key
        ) as from_first,
        row_number() over (
            partition by enrollment_id order by received_at desc nulls last, reply_key desc
        ) as from_last
    from inbound_replies

),

reply_classes as (

    select
        enrollment_id,
        max(case when from_first = 1 then reply_class end) as initial_reply_class,
        max(case when from_last = 1 then reply_class end) as latest_reply_class,
        max(case when from_first = 1 then tags end) as initial_reply_tags,
        max(case when from_last = 1 then tags end) as latest_reply_tags,
        max(case when from_first = 1 then received_at end) as first_inbound_at,
        max(case when from_last = 1 then received_at end) as last_inbound_at
    from ordered_replies
    group by enrollment_id

),

-- What happened to its mail besides: bounces, in the providers' logs or in a mailbox, and opt-outs.
other_events as (

    select
        enrollment_id,
        occurred_at
    from events
    where event_type = 'bounced'

    union all

    select
        enrollment_id,
        occurred_at
    from inbound
    where event_type = 'bounced'

    union all

    select
        enrollment_id,
        occurred_at
    from opt_outs

),

other_activity as (

    select
        enrollment_id,
        max(occurred_at) as last_occurred_at
    from other_events
    where enrollment_id is not null
    group by enrollment_id

)

select
    enrollments.enrollment_id,
    enrollments.sequence_id,
    enrollments.sequence_name,
    enrollments.person_email,
    people.crm_object,
    people.crm_id,
    enrollments.mailbox,
    enrollments.created_at as enrolled_at,
    history.status,
    history.status_reason,
    history.valid_from as status_at,
    history.event_key as status_event_key,
    history.reason_chain as status_reason_chain,
    sends.last_step_number,
    sends.last_step_at,
    coalesce(sends.message_count, 0) as message_count,
    coalesce(replied_enrollments.enrollment_id, human_replies.enrollment_id) is not null
        as is_replied,
    human_replies.first_replied_at as replied_at,
    human_replies.last_replied_at,
    reply_classes.initial_reply_class,
    reply_classes.latest_reply_class,
    reply_classes.initial_reply_tags,
    reply_classes.latest_reply_tags,
    reply_classes.first_inbound_at,
    reply_classes.last_inbound_at,
    greatest(
        enrollments.created_at,
        coalesce(sends.last_step_at, enrollments.created_at),
        coalesce(human_replies.last_replied_at, enrollments.created_at),
        coalesce(other_activity.last_occurred_at, enrollments.created_at),
        coalesce(enrollments.finished_at, enrollments.created_at)
    ) as last_activity_at
from enrollments
inner join history on enrollments.enrollment_id = history.enrollment_id
inner join people on enrollments.enrollment_id = people.enrollment_id
left join sends on enrollments.enrollment_id = sends.enrollment_id
left join replied_enrollments on enrollments.enrollment_id = replied_enrollments.enrollment_id
left join human_replies on enrollments.enrollment_id = human_replies.enrollment_id
left join reply_classes on enrollments.enrollment_id = reply_classes.enrollment_id
left join other_activity on enrollments.enrollment_id = other_activity.enrollment_id
