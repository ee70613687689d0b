with

source as (

    select
        load_id,
        file,
        line,
        loaded_at,
        {{ json_record('payload', custom_argument_fields({
            'event': 'varchar',
            'timestamp': 'varchar',
            'email': 'varchar',
            'sg_event_id': 'varchar',
            'sg_message_id': 'varchar',
            'smtp-id': 'varchar',
            'url': 'varchar',
            'ip': 'varchar',
            'useragent': 'varchar',
            'sg_machine_open': 'boolean',
            'type': 'varchar',
            'status': 'varchar',
            'reason': 'varchar',
            'response': 'varchar',
            'bounce_classification': 'varchar',
            'attempt': 'varchar',
        })) }} as event
    from {{ source('raw', 'sendgrid_events') }}

),

judged as (

    select
        *,
        {{ bounce_subtype(
            'event.status', 'coalesce(event.reason, event.response)'
        ) }} as subtype_by_code
    from source

),

-- Custom arguments lie beside SendGrid's own keys and may bear their names: of an event only what
-- SendGrid itself says in events of that type is taken. The `ip` of a delivery is the sender's.
renamed as (

    select
        ----------  ids
        event.sg_event_id as provider_event_id,
        -- Mail that was dropped never got an id: the filter's name stands in its place.
        case
            when event.sg_message_id not like 'filter%'
                then split_part(event.sg_message_id, '.', 1)
        end as provider_message_id,
        nullif(trim(event."smtp-id", '<> '), '') as message_id,
        {{ id_text(custom_argument('event', 'enrollment_id')) }} as enrollment_id,
        {{ id_text(custom_argument('event', 'sequence_id')) }} as sequence_id,
        {{ custom_argument('event', 'step_number') }} as step_number,

        ----------  what happened
        case event.event
            when 'processed' then 'queued'
            when 'deferred' then 'deferred'
            when 'delivered' then 'delivered'
            when 'bounce' then 'bounced'
            when 'dropped' then 'rejected'
            when 'open' then 'opened'
            when 'click' then 'clicked'
            when 'spamreport' then 'complained'
            when 'unsubscribe' then 'unsubscribed'
            when 'group_unsubscribe' then 'unsubscribed'
            when 'group_resubscribe' then 'resubscribed'
        end as event_type,
        case
            when event.event != 'bounce' then null
            when event.type = 'blocked' then 'block'
            when subtype_by_code != 'undetermined' then subtype_by_code
            when {{ matches('event.bounce_classification', "'^invalid address'") }} then 'hard'
            when {{ matches('event.bounce_classification', "'^(mailbox unavailable|technical)'") }}
                then 'soft'
            when {{ matches('event.bounce_classification', "'^(content|reputation|frequency)'") }}
                then 'block'
            else subtype_by_code
        end as event_subtype,
        {{ email_key('event.email') }} as recipient_email,
        case when event.event = 'click' then event.url end as url,
        case when event.event in ('open', 'click') then event.ip end as ip,
        case when event.event in ('open', 'click') then event.useragent end as user_agent,
        event.event = 'open' and coalesce(event.sg_machine_open, false) as is_flagged_machine,
        false as is_flagged_unknown,
        case when event.event = 'delivered' then {{ receiving_host('event.response') }} end
            as receiving_host,
        case
            when event.event in ('bounce', 'dropped', 'deferred')
                then coalesce(event.reason, event.response)
        end as reason,
        case when event.event in ('bounce', 'deferred') then event.attempt end as attempt,

        ----------  when
        {{ utc_from_epoch('event.timestamp') }} as occurred_at,
        cast(null as timestamp) as received_at,
        loaded_at,

        ----------  whence
        load_id,
        file as source_file,
        line as source_line
    from judged

)

select
    provider_event_id,
    provider_message_id,
    message_id,
    enrollment_id,
    sequence_id,
    step_number,
    event_type,
    event_subtype,
    recipient_email,
    url,
    ip,
    user_agent,
    is_flagged_machine,
    is_flagged_unknown,
    receiving_host,
    reason,
    attempt,
    occurred_at,
    received_at,
    loaded_at,
    load_id,
    source_file,
    source_line
from renamed
