with

events as (

    select * from {{ ref('email_events') }}

)

select
    event_key,
    source,
    event_type,
    occurred_at,
    recipient_email,
    provider_event_id,
    case
        when event_type in ('replied', 'auto_replied') and enrollment_id is not null
            then 'mail_outside_every_thread'
        when event_type in ('replied', 'auto_replied') then 'mail_in_no_thread_of_ours'
        when
            event_type in ('bounced', 'complained', 'deferred', 'delivered')
            and source = 'mailboxes' then 'report_on_no_message_of_ours'
        else 'no_message_with_these_ids'
    end as reason
from events
where message_key is null
