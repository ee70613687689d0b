with

source as (

    select
        load_id,
        file,
        line,
        loaded_at,
        {{ json_record('payload', {
            'event': 'varchar',
            'ts': 'varchar',
            '_id': 'varchar',
            'url': 'varchar',
            'ip': 'varchar',
            'user_agent': 'varchar',
            'msg': {
                'email': 'varchar',
                'diag': 'varchar',
                'bounce_description': 'varchar',
                'metadata': custom_argument_fields(),
            },
        }) }} as event
    from {{ source('raw', 'mandrill_events') }}

),

typed as (

    select
        *,
        case event.event
            when 'send' then 'sent'
            when 'deferral' then 'deferred'
            when 'delivered' then 'delivered'
            when 'hard_bounce' then 'bounced'
            when 'soft_bounce' then 'bounced'
            when 'reject' then 'rejected'
            when 'open' then 'opened'
            when 'click' then 'clicked'
            when 'spam' then 'complained'
            when 'unsub' then 'unsubscribed'
        end as event_type,
        {{ bounce_subtype('null', 'event.msg.diag') }} as subtype_by_code
    from source

),

renamed as (

    select
        ----------  ids
        -- `_id` is the message's: each of its events repeats it.
        cast(null as varchar) as provider_event_id,
        event._id as provider_message_id,
        cast(null as varchar) as message_id,
        {{ id_text(custom_argument('event.msg.metadata', 'enrollment_id')) }} as enrollment_id,
        {{ id_text(custom_argument('event.msg.metadata', 'sequence_id')) }} as sequence_id,
        {{ custom_argument('event.msg.metadata', 'step_number') }} as step_number,

        ----------  what happened
        event_type,
        case
            when event_type != 'bounced' then null
            when subtype_by_code = 'block' then 'block'
            -- Mandrill goes on sending to it, so no code makes it hard.
            when event.event = 'soft_bounce' then 'soft'
            when subtype_by_code = 'undetermined' then 'hard'
            else subtype_by_code
        end as event_subtype,
        {{ email_key('event.msg.email') }} as recipient_email,
        case when event_type = 'clicked' then event.url end as url,
        case when event_type in ('opened', 'clicked') then event.ip end as ip,
        case when event_type in ('opened', 'clicked') then event.user_agent end as user_agent,
        false as is_flagged_machine,
        false as is_flagged_unknown,
        case when event_type = 'delivered' then {{ receiving_host('event.msg.diag') }} end
            as receiving_host,
        case
            when event_type in ('bounced', 'deferred', 'rejected')
                then coalesce(nullif(event.msg.diag, ''), event.msg.bounce_description)
        end as reason,
        cast(null as varchar) as attempt,

        ----------  when
        {{ utc_from_epoch('event.ts') }} as occurred_at,
        cast(null as timestamp) as received_at,
        loaded_at,

        ----------  whence
        load_id,
        file as source_file,
        line as source_line
    from typed

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
