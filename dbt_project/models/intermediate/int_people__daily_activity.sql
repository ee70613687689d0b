with

events as (

    select * from {{ ref('int_events__attached') }}

),

actors as (

    select * from {{ ref('int_events__actors') }}

),

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

message_people as (

    select * from {{ ref('int_messages__people') }}
    where crm_id is not null

),

received_mail as (

    select * from {{ ref('int_people__received_mail') }}

),

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

people as (

    select distinct crm_id
    from {{ ref('int_enrollments__people') }}
    where crm_id is not null

),

records as (

    select * from {{ ref('int_crm__records') }}

),

tracking_opt_outs as (

    select * from {{ ref('int_people__tracking_opt_outs') }}

),

clock as (

    select * from {{ ref('int_clock') }}

),

-- An open or a click is the message's, whoever else's address the event bears (B3, H4).
engagement as (

    select
        message_people.crm_id,
        messages.sequence_id,
        events.occurred_at,
        case when events.event_type = 'opened' then 'open' else 'click' end as fact,
        actors.actor = 'human' as is_human,
        false as is_positive
    from events
    inner join actors on events.event_key = actors.event_key
    inner join messages on events.message_key = messages.message_key
    inner join message_people on events.message_key = message_people.message_key
    where
        events.event_type = 'opened'
        or (events.event_type = 'clicked' and events.is_tracked_domain)

),

sends as (

    select
        message_people.crm_id,
        messages.sequence_id,
        messages.sent_at as occurred_at,
        'send' as fact,
        false as is_human,
        false as is_positive
    from messages
    inner join message_people on messages.message_key = message_people.message_key
    where messages.sent_at is not null

),

replies as (

    select
        received_mail.crm_id,
        enrollments.sequence_id,
        received_mail.received_at as occurred_at,
        'reply' as fact,
        not received_mail.is_automated as is_human,
        received_mail.is_positive
    from received_mail
    inner join enrollments on received_mail.enrollment_id = enrollments.enrollment_id

),

-- Mail from somebody that answers no enrollment of theirs is a sign of life all the same.
other_mail as (

    select
        sender_crm_id as crm_id,
        cast(null as varchar) as sequence_id,
        received_at as occurred_at,
        'other_mail' as fact,
        not is_automated as is_human,
        false as is_positive
    from received_mail
    where sender_crm_id is distinct from crm_id

),

facts as (

    select * from engagement
    union all
    select * from sends
    union all
    select * from replies
    union all
    select * from other_mail

),

daily as (

    select
        facts.crm_id,
        facts.sequence_id,
        {{ local_day('facts.occurred_at') }} as active_on,
        count(case when facts.fact = 'send' then 1 end) as sent_count,
        count(case when facts.fact = 'open' then 1 end) as open_count,
        count(case when facts.fact = 'open' and facts.is_human then 1 end) as human_open_count,
        count(case when facts.fact = 'click' then 1 end) as click_count,
        count(case when facts.fact = 'click' and facts.is_human then 1 end) as human_click_count,
        count(case when facts.fact = 'reply' and facts.is_human then 1 end) as reply_count,
        count(case when facts.fact = 'reply' and facts.is_human and facts.is_positive then 1 end)
            as positive_reply_count,
        count(case when facts.fact = 'reply' and not facts.is_human then 1 end)
            as automatic_reply_count,
        count(case when facts.fact = 'other_mail' and facts.is_human then 1 end) as other_mail_count
    from facts
    inner join people on facts.crm_id = people.crm_id
    cross join clock
    -- What claims to be later than the clock's moment has not happened yet.
    where facts.occurred_at <= clock.as_of
    group by facts.crm_id, facts.sequence_id, {{ local_day('facts.occurred_at') }}

)

select
    records.crm_object,
    daily.crm_id,
    daily.sequence_id,
    daily.active_on,
    daily.sent_count,
    -- D9: of somebody who wants no tracking, nothing is known.
    {%- for count in ['open_count', 'human_open_count', 'click_count', 'human_click_count'] %}
        case when tracking_opt_outs.crm_id is null then daily.{{ count }} end as {{ count }},
    {%- endfor %}
    daily.reply_count,
    daily.positive_reply_count,
    daily.automatic_reply_count,
    daily.other_mail_count
from daily
inner join records on daily.crm_id = records.crm_id
left join tracking_opt_outs on daily.crm_id = tracking_opt_outs.crm_id
