with

events as (

    select * from {{ ref('email_events') }}

),

provider_events as (

    select * from {{ ref('int_events__attached') }}

)

select
    events.event_key,
    events.source,
    events.event_type,
    events.occurred_at,
    events.recipient_email,
    events.provider_event_id,
    case
        when
            events.event_type in ('replied', 'auto_replied') and events.enrollment_id is not null
            then 'mail_outside_every_thread'
        when events.event_type in ('replied', 'auto_replied') then 'mail_in_no_thread_of_ours'
        when
            events.event_type in ('bounced', 'complained', 'deferred', 'delivered')
            and events.source = 'mailboxes' then 'report_on_no_message_of_ours'
        when provider_events.is_other_recipient then 'other_recipient'
        else 'no_message_with_these_ids'
    end as reason
from events
left join provider_events on events.event_key = provider_events.event_key
where events.message_key is null
