with

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

messages as (

    select * from {{ ref('int_messages__outbound') }}
    where enrollment_id is not null

),

events as (

    select * from {{ ref('int_events__attached') }}

),

inbound as (

    select * from {{ ref('int_inbound_events') }}
    where enrollment_id is not null

),

ordered_sends as (

    select
        enrollment_id,
        message_key,
        sent_at,
        row_number() over (
            partition by enrollment_id order by sent_at, message_key
        ) as from_first
    from messages

),

engaged as (

    select
        enrollment_id,
        'engaged' as status,
        'step_sent' as reason,
        sent_at as starts_at,
        cast(null as timestamp) as ends_at,
        message_key,
        cast(null as varchar) as event_key
    from ordered_sends
    where from_first = 1

),

-- E8: an out-of-office note pauses until the next message of the enrollment goes out.
paused as (

    select
        inbound.enrollment_id,
        'paused' as status,
        'ooo' as reason,
        inbound.occurred_at as starts_at,
        min(messages.sent_at) as ends_at,
        inbound.message_key,
        inbound.event_key
    from inbound
    left join messages
        on
            inbound.enrollment_id = messages.enrollment_id
            and inbound.occurred_at < messages.sent_at
    where
        {{ var('out_of_office_pauses') }}
        and inbound.reply_class = 'OOO'
        and inbound.match in ('in_thread', 'probable')
    group by
        inbound.enrollment_id, inbound.occurred_at, inbound.message_key, inbound.event_key

),

bounces as (

    select
        enrollment_id,
        message_key,
        event_key,
        event_subtype,
        occurred_at
    from events
    where
        event_type = 'bounced'
        and message_key is not null
        and enrollment_id is not null

    union all

    select
        enrollment_id,
        message_key,
        event_key,
        event_subtype,
        occurred_at
    from inbound
    where event_type = 'bounced' and message_key is not null

),

ordered_bounces as (

    select
        *,
        row_number() over (
            partition by enrollment_id
            order by
                case when event_subtype = 'hard' then 1 else 2 end,
                occurred_at desc,
                event_key desc
        ) as preference
    from bounces

),

-- A hard bounce as soon as there is one, else the latest.
decisive_bounces as (

    select * from ordered_bounces
    where preference = 1

),

bounced as (

    select
        enrollment_id,
        'bounced' as status,
        'hard_bounce' as reason,
        occurred_at as starts_at,
        cast(null as timestamp) as ends_at,
        message_key,
        event_key
    from bounces
    where event_subtype = 'hard'

    union all

    -- The platform says that it stopped because of a bounce, and none that is logged was hard.
    select
        enrollments.enrollment_id,
        case when bounce.event_key is null then 'bounced' else 'bounce_stopped' end as status,
        case when bounce.event_key is null then 'platform' else 'not_hard' end as reason,
        coalesce(
            enrollments.bounced_at,
            enrollments.ended_at,
            bounce.occurred_at,
            enrollments.bounce_told_at
        ) as starts_at,
        cast(null as timestamp) as ends_at,
        bounce.message_key,
        bounce.event_key
    from enrollments
    left join decisive_bounces as bounce on enrollments.enrollment_id = bounce.enrollment_id
    where enrollments.is_bounced and bounce.event_subtype is distinct from 'hard'

),

-- F2, E10: a human reply counts up to the reply window after the end; E8: a machine's never does.
answers as (

    select
        inbound.enrollment_id,
        inbound.match,
        inbound.occurred_at,
        inbound.message_key,
        inbound.event_key,
        inbound.event_type = 'replied'
        and (
            enrollments.finished_at is null
            or inbound.occurred_at
            <= {{ add_days('enrollments.finished_at', var('reply_window_days')) }}
        ) as is_reply,
        case
            when enrollments.reply_received_at is null then inbound.event_type = 'replied'
            else abs({{ seconds_between(
                'enrollments.reply_received_at', 'inbound.occurred_at'
            ) }}) <= 300
        end as is_what_the_platform_saw
    from inbound
    inner join enrollments on inbound.enrollment_id = enrollments.enrollment_id
    where inbound.event_type in ('replied', 'auto_replied')

),

known_answers as (

    select distinct enrollment_id
    from answers
    where is_reply or is_what_the_platform_saw

),

platform_replies as (

    select
        enrollments.enrollment_id,
        enrollments.finished_at,
        coalesce(
            enrollments.reply_received_at, enrollments.ended_at, enrollments.reply_told_at
        ) as replied_at
    from enrollments
    left join known_answers on enrollments.enrollment_id = known_answers.enrollment_id
    where enrollments.is_replied and known_answers.enrollment_id is null

),

replied as (

    select
        enrollment_id,
        'replied' as status,
        match as reason,
        occurred_at as starts_at,
        cast(null as timestamp) as ends_at,
        message_key,
        event_key
    from answers
    where is_reply

    union all

    -- The platform may know of a reply that no mailbox export holds; one that we hold and know for
    -- a machine's, or for late, is none.
    select
        enrollment_id,
        'replied' as status,
        'platform' as reason,
        replied_at as starts_at,
        cast(null as timestamp) as ends_at,
        cast(null as varchar) as message_key,
        cast(null as varchar) as event_key
    from platform_replies
    where
        finished_at is null
        or replied_at <= {{ add_days('finished_at', var('reply_window_days')) }}

),

facts as (

    select * from engaged
    union all
    select * from paused
    union all
    select * from bounced
    union all
    select * from replied

)

select
    enrollment_id,
    status,
    reason,
    starts_at,
    ends_at,
    message_key,
    event_key
from facts
