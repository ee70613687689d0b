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

),

opt_outs as (

    select * from {{ ref('int_people__opt_outs') }}

),

people as (

    select * from {{ ref('int_enrollments__people') }}

),

queued as (

    select
        enrollment_id,
        'queued' as status,
        'enrolled' as reason,
        created_at as starts_at,
        cast(null as timestamp) as ends_at,
        cast(null as varchar) as event_key
    from enrollments

),

first_sends as (

    select
        enrollment_id,
        min(sent_at) as first_sent_at
    from messages
    group by enrollment_id

),

engaged as (

    select
        enrollments.enrollment_id,
        'engaged' as status,
        case when first_sends.first_sent_at is null then 'started' else 'step_sent' end as reason,
        coalesce(first_sends.first_sent_at, enrollments.started_at) as starts_at,
        cast(null as timestamp) as ends_at,
        cast(null as varchar) as event_key
    from enrollments
    left join first_sends on enrollments.enrollment_id = first_sends.enrollment_id
    where coalesce(first_sends.first_sent_at, enrollments.started_at) is not null

),

paused_on_platform as (

    select
        enrollment_id,
        'paused' as status,
        case
            when is_paused then coalesce(state_reason, 'enrollment_paused')
            when is_sequence_paused then 'sequence_paused'
            else 'mailbox_paused'
        end as reason,
        coalesce(state_since, updated_at) as starts_at,
        cast(null as timestamp) as ends_at,
        cast(null as varchar) as event_key
    from enrollments
    where (is_paused or is_sequence_paused or is_mailbox_paused) and ended_at is null

),

-- E8: an out-of-office note pauses until the next message of the enrollment goes out.
paused_out_of_office as (

    select
        inbound.enrollment_id,
        'paused' as status,
        'ooo' as reason,
        inbound.occurred_at as starts_at,
        min(messages.sent_at) as ends_at,
        inbound.event_key
    from inbound
    left join messages
        on
            inbound.enrollment_id = messages.enrollment_id
            and inbound.occurred_at < messages.sent_at
    where
        {{ var('out_of_office_pauses') }}
        and inbound.reply_class = 'OOO'
        and inbound.enrollment_id is not null
        and inbound.match in ('in_thread', 'probable')
    group by inbound.enrollment_id, inbound.occurred_at, inbound.event_key

),

blocked as (

    select
        enrollment_id,
        'blocked' as status,
        coalesce(state_reason, 'platform') as reason,
        coalesce(state_since, updated_at) as starts_at,
        cast(null as timestamp) as ends_at,
        cast(null as varchar) as event_key
    from enrollments
    where is_blocked and ended_at is null

),

ended as (

    select
        enrollment_id,
        case
            when is_excluded then 'excluded'
            when is_canceled then 'canceled'
            else 'completed'
        end as status,
        case
            when is_excluded or is_canceled then coalesce(state_reason, 'platform') else 'ended'
        end as reason,
        finished_at as starts_at,
        cast(null as timestamp) as ends_at,
        cast(null as varchar) as event_key
    from enrollments
    where
        is_excluded
        or is_canceled
        or (ended_at is not null and not is_bounced and not is_opted_out)

),

bounce_events as (

    select
        enrollment_id,
        event_key,
        event_subtype,
        occurred_at
    from events
    where event_type = 'bounced' and message_key is not null

    union all

    select
        enrollment_id,
        event_key,
        event_subtype,
        occurred_at
    from inbound
    where event_type = 'bounced' and message_key is not null

),

bounces as (

    select
        enrollment_id,
        count(*) as bounce_count,
        max(occurred_at) as last_bounced_at
    from bounce_events
    group by enrollment_id

),

bounced as (

    select
        enrollment_id,
        'bounced' as status,
        'hard_bounce' as reason,
        occurred_at as starts_at,
        cast(null as timestamp) as ends_at,
        event_key
    from bounce_events
    where event_subtype = 'hard' and enrollment_id is not null

    union all

    select
        enrollments.enrollment_id,
        case when bounces.bounce_count is null then 'bounced' else 'bounce_stopped' end as status,
        case when bounces.bounce_count is null then 'platform' else 'not_hard' end as reason,
        coalesce(
            enrollments.bounced_at,
            enrollments.ended_at,
            bounces.last_bounced_at,
            enrollments.updated_at
        ) as starts_at,
        cast(null as timestamp) as ends_at,
        cast(null as varchar) as event_key
    from enrollments
    left join bounces on enrollments.enrollment_id = bounces.enrollment_id
    where
        enrollments.is_bounced
        and enrollments.enrollment_id not in (
            select bounce_events.enrollment_id
            from bounce_events
            where bounce_events.event_subtype = 'hard' and bounce_events.enrollment_id is not null
        )

),

-- F2, E10: a human reply counts up to the reply window after the end; E8: a machine's never does.
replied as (

    select
        inbound.enrollment_id,
        'replied' as status,
        inbound.match as reason,
        inbound.occurred_at as starts_at,
        cast(null as timestamp) as ends_at,
        inbound.event_key
    from inbound
    inner join enrollments on inbound.enrollment_id = enrollments.enrollment_id
    where
        inbound.event_type = 'replied'
        and (
            enrollments.finished_at is null
            or inbound.occurred_at
            <= {{ add_days('enrollments.finished_at', var('reply_window_days')) }}
        )

    union all

    -- The platform may know of a reply that no mailbox export holds; one that we hold and know for
    -- a machine's is none.
    select
        enrollments.enrollment_id,
        'replied' as status,
        'platform' as reason,
        coalesce(enrollments.reply_received_at, enrollments.ended_at, enrollments.updated_at)
            as starts_at,
        cast(null as timestamp) as ends_at,
        cast(null as varchar) as event_key
    from enrollments
    where
        enrollments.is_replied
        and not exists (
            select 1
            from inbound
            where
                inbound.enrollment_id = enrollments.enrollment_id
                and (
                    inbound.event_type = 'replied'
                    or (
                        inbound.event_type = 'auto_replied'
                        and abs({{ seconds_between(
                            'enrollments.reply_received_at', 'inbound.occurred_at'
                        ) }}) <= 300
                    )
                )
        )

),

-- An opt-out is a fact about a person: it reaches the enrollment that it came from and each other
-- one that had not ended by then. Subscribing again revives none; it only spares those that begin
-- afterwards.
opt_out_reach as (

    select
        opt_outs.enrollment_id,
        opt_outs.status,
        opt_outs.reason,
        opt_outs.occurred_at,
        opt_outs.event_key
    from opt_outs
    where opt_outs.enrollment_id is not null

    union distinct

    select
        people.enrollment_id,
        opt_outs.status,
        opt_outs.reason,
        opt_outs.occurred_at,
        opt_outs.event_key
    from opt_outs
    inner join people on opt_outs.person_key = people.person_key
    inner join enrollments on people.enrollment_id = enrollments.enrollment_id
    where
        (enrollments.finished_at is null or enrollments.finished_at > opt_outs.occurred_at)
        and (
            opt_outs.resubscribed_at is null
            or enrollments.created_at < opt_outs.resubscribed_at
        )

),

opted_out as (

    select
        opt_out_reach.enrollment_id,
        opt_out_reach.status,
        opt_out_reach.reason,
        greatest(opt_out_reach.occurred_at, enrollments.created_at) as starts_at,
        cast(null as timestamp) as ends_at,
        opt_out_reach.event_key
    from opt_out_reach
    inner join enrollments on opt_out_reach.enrollment_id = enrollments.enrollment_id

),

facts as (

    select * from queued
    union all
    select * from engaged
    union all
    select * from paused_on_platform
    union all
    select * from paused_out_of_office
    union all
    select * from blocked
    union all
    select * from ended
    union all
    select * from bounced
    union all
    select * from replied
    union all
    select * from opted_out

)

select
    enrollment_id,
    status,
    reason,
    starts_at,
    ends_at,
    event_key
from facts
-- Mail of an enrollment whose own record has not been delivered yet waits for it.
where starts_at is not null and enrollment_id in (select enrollments.enrollment_id from enrollments)
