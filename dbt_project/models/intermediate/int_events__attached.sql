with

events as (

    select * from {{ ref('int_events__distinct') }}

),

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

-- SES and Mailgun know a message by what stands in the Message-ID of the mail that they send. One's
-- own pixel and links know it by the platform's id, which is there before the mail is sent (A4).
identified as (

    select
        message_key,
        recipient_email,
        provider_message_id
    from messages

    union distinct

    select
        message_key,
        recipient_email,
        {{ message_id_key('message_id') }} as provider_message_id
    from messages

    union distinct

    select
        message_key,
        recipient_email,
        platform_message_id as provider_message_id
    from messages

),

-- One API call may send to many (SendGrid's personalizations, mail by hand to several people): an
-- id names a message together with the recipient, and alone only where it is nobody else's.
by_provider_id_and_recipient as (

    select
        provider_message_id,
        recipient_email,
        min(message_key) as message_key
    from identified
    where provider_message_id is not null
    group by provider_message_id, recipient_email

),

by_provider_id as (

    select
        provider_message_id,
        min(message_key) as message_key
    from identified
    where provider_message_id is not null
    group by provider_message_id
    having count(*) = 1

),

by_message_id_and_recipient as (

    select
        {{ message_id_key('message_id') }} as id_key,
        recipient_email,
        min(message_key) as message_key
    from messages
    where message_id is not null
    group by {{ message_id_key('message_id') }}, recipient_email

),

by_message_id as (

    select
        {{ message_id_key('message_id') }} as id_key,
        min(message_key) as message_key
    from messages
    where message_id is not null
    group by {{ message_id_key('message_id') }}
    having count(*) = 1

),

by_step as (

    select
        enrollment_id,
        step_number,
        min(message_key) as message_key
    from messages
    where enrollment_id is not null and step_number is not null
    group by enrollment_id, step_number

),

tracked_domains as (

    select * from {{ ref('tracked_domains') }}

),

click_hosts as (

    select distinct {{ url_host('url') }} as host
    from events
    where event_type = 'clicked'

),

tracked_hosts as (

    select distinct click_hosts.host
    from click_hosts
    inner join tracked_domains
        on
            click_hosts.host = tracked_domains.domain
            or click_hosts.host like '%.' || tracked_domains.domain

),

-- B3: by provider message id, then Message-ID, then the custom arguments.
attached as (

    select
        events.*,
        coalesce(
            by_provider_id_and_recipient.message_key,
            by_provider_id.message_key,
            by_message_id_and_recipient.message_key,
            by_message_id.message_key,
            by_step.message_key
        ) as message_key,
        case
            when
                by_provider_id_and_recipient.message_key is not null
                or by_provider_id.message_key is not null
                then 'provider_message_id'
            when
                by_message_id_and_recipient.message_key is not null
                or by_message_id.message_key is not null
                then 'message_id'
            when by_step.message_key is not null then 'enrollment_and_step'
        end as attached_by
    from events
    left join by_provider_id_and_recipient
        on
            events.provider_message_id = by_provider_id_and_recipient.provider_message_id
            and events.recipient_email = by_provider_id_and_recipient.recipient_email
    left join by_provider_id on events.provider_message_id = by_provider_id.provider_message_id
    left join by_message_id_and_recipient
        on
            {{ message_id_key('events.message_id') }} = by_message_id_and_recipient.id_key
            and events.recipient_email = by_message_id_and_recipient.recipient_email
    left join by_message_id on {{ message_id_key('events.message_id') }} = by_message_id.id_key
    left join by_step
        on
            events.enrollment_id = by_step.enrollment_id
            and events.step_number = by_step.step_number

)

select
    attached.event_key,
    attached.message_key,
    attached.attached_by,
    coalesce(messages.enrollment_id, attached.enrollment_id) as enrollment_id,
    coalesce(messages.sequence_id, attached.sequence_id) as sequence_id,
    attached.event_type,
    attached.event_subtype,
    attached.occurred_at,
    attached.received_at,
    attached.loaded_at,
    coalesce(attached.recipient_email, messages.recipient_email) as recipient_email,
    attached.source,
    attached.provider_event_id,
    attached.provider_message_id,
    attached.url,
    case when attached.event_type = 'clicked' then tracked_hosts.host is not null end
        as is_tracked_domain,
    attached.ip,
    attached.user_agent,
    attached.is_flagged_machine,
    attached.is_flagged_unknown,
    attached.source_place
from attached
left join messages on attached.message_key = messages.message_key
left join tracked_hosts on {{ url_host('attached.url') }} = tracked_hosts.host
