with

events as (

    select * from {{ ref('int_events__distinct') }}

),

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

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

by_step_and_recipient as (

    select
        enrollment_id,
        step_number,
        recipient_email,
        min(message_key) as message_key
    from messages
    where enrollment_id is not null and step_number is not null
    group by enrollment_id, step_number, recipient_email

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

link_kinds as (

    select * from {{ ref('int_links__kinds') }}

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
candidates as (

    select
        events.*,
        by_provider_id_and_recipient.message_key as own_by_provider_id,
        by_message_id_and_recipient.message_key as own_by_message_id,
        by_step_and_recipient.message_key as own_by_step,
        by_provider_id.message_key as any_by_provider_id,
        by_message_id.message_key as any_by_message_id,
        by_step.message_key as any_by_step
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
    left join by_step_and_recipient
        on
            events.enrollment_id = by_step_and_recipient.enrollment_id
            and events.step_number = by_step_and_recipient.step_number
            and events.recipient_email = by_step_and_recipient.recipient_email
    left join by_step
        on
            events.enrollment_id = by_step.enrollment_id
            and events.step_number = by_step.step_number

),

-- Messages whose own recipient an event of theirs names, by the kinds of id that it bears: whoever
-- else is named under such an id had a copy.
own_by_provider_id as (

    select distinct own_by_provider_id as message_key
    from candidates

),

own_by_message_id as (

    select distinct own_by_message_id as message_key
    from candidates
    where coalesce(own_by_provider_id, own_by_message_id) = own_by_message_id

),

own_by_step as (

    select distinct own_by_step as message_key
    from candidates
    where coalesce(own_by_provider_id, own_by_message_id, own_by_step) = own_by_step

),

judged as (

    select
        candidates.*,
        candidates.recipient_email is not null
        and coalesce(
            candidates.own_by_provider_id, candidates.own_by_message_id, candidates.own_by_step
        ) is null
        and coalesce(
            own_by_provider_id.message_key, own_by_message_id.message_key, own_by_step.message_key
        ) is not null as is_other_recipient
    from candidates
    left join own_by_provider_id
        on candidates.any_by_provider_id = own_by_provider_id.message_key
    left join own_by_message_id on candidates.any_by_message_id = own_by_message_id.message_key
    left join own_by_step on candidates.any_by_step = own_by_step.message_key

),

-- Where no event names the recipient, the provider knows them by another address: an alias, a
-- forward. A copy's event is neither the message's nor the enrollment's.
attached as (

    select
        *,
        case
            when not is_other_recipient
                then coalesce(
                    own_by_provider_id,
                    own_by_message_id,
                    own_by_step,
                    any_by_provider_id,
                    any_by_message_id,
                    any_by_step
                )
        end as message_key,
        case
            when is_other_recipient then null
            when own_by_provider_id is not null then 'provider_message_id'
            when own_by_message_id is not null then 'message_id'
            when own_by_step is not null then 'enrollment_and_step'
            when any_by_provider_id is not null then 'provider_message_id'
            when any_by_message_id is not null then 'message_id'
            when any_by_step is not null then 'enrollment_and_step'
        end as attached_by
    from judged

)

select
    attached.event_key,
    attached.message_key,
    attached.attached_by,
    attached.is_other_recipient,
    case
        when not attached.is_other_recipient
            then coalesce(messages.enrollment_id, attached.enrollment_id)
    end as enrollment_id,
    case
        when not attached.is_other_recipient
            then coalesce(messages.sequence_id, attached.sequence_id)
    end as sequence_id,
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
    link_kinds.link_kind,
    attached.ip,
    attached.user_agent,
    attached.is_flagged_machine,
    attached.is_flagged_unknown,
    attached.source_place,
    attached.delivery_count,
    {{ number_of_text('coalesce(
        attached.message_key,
        case when not attached.is_other_recipient then enrollments.enrollment_id end,
        attached.recipient_email
    )') }} as belongs_to_number
from attached
left join messages on attached.message_key = messages.message_key
left join enrollments on attached.enrollment_id = enrollments.enrollment_id
left join tracked_hosts on {{ url_host('attached.url') }} = tracked_hosts.host
left join link_kinds on attached.url = link_kinds.url
