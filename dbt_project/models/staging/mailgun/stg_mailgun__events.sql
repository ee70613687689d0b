with

source as (

    select
        load_id,
        file,
        line,
        loaded_at,
        payload,
        {{ json_record('payload', {
            'event': 'varchar',
            'id': 'varchar',
            'timestamp': 'varchar',
            'recipient': 'varchar',
            'severity': 'varchar',
            'reason': 'varchar',
            'url': 'varchar',
            'ip': 'varchar',
            'message': {'headers': {'message-id': 'varchar', 'to': 'varchar'}},
            'delivery-status': {
                'code': 'varchar',
                'enhanced-code': 'varchar',
                'bounce-code': 'varchar',
                'message': 'varchar',
                'description': 'varchar',
                'attempt-no': 'varchar',
                'mx-host': 'varchar',
            },
            'reject': {'reason': 'varchar'},
            'client-info': {'user-agent': 'varchar', 'bot': 'varchar'},
            'user-variables': custom_argument_fields(),
        }) }} as event,
        {{ json_first(json_record('envelope', [{'signature': {'timestamp': 'varchar'}}])) }} as post
    from {{ source('raw', 'mailgun_events') }}

),

-- Until 2018 Mailgun posted events flat, without `message`. Asked for only where there is none, so
-- that no other event is parsed twice.
with_flat as (

    select
        *,
        {{ json_record("case when event.message is null then payload end", {
            'Message-Id': 'varchar',
            'user-agent': 'varchar',
            'code': 'varchar',
            'error': 'varchar',
            'description': 'varchar',
        }) }} as flat
    from source

),

typed as (

    select
        *,
        case event.event
            when 'accepted' then 'queued'
            when 'rejected' then 'rejected'
            when 'delivered' then 'delivered'
            when 'failed'
                then case
                    when event.severity = 'temporary' then 'deferred'
                    -- On a suppression list: it never left Mailgun.
                    when event.reason like 'suppress-%' then 'rejected'
                    else 'bounced'
                end
            when 'bounced' then 'bounced'
            when 'dropped' then 'rejected'
            when 'opened' then 'opened'
            when 'clicked' then 'clicked'
            when 'complained' then 'complained'
            when 'unsubscribed' then 'unsubscribed'
        end as event_type,
        event."user-variables" as arguments,
        trim(coalesce(event.message.headers."message-id", flat."Message-Id"), '<> ') as message_id,
        coalesce(event."delivery-status"."enhanced-code", event."delivery-status"."bounce-code")
            as enhanced_code,
        coalesce(event."delivery-status".code, flat.code) as code,
        coalesce(
            event.reject.reason,
            nullif(event."delivery-status".message, ''),
            nullif(event."delivery-status".description, ''),
            flat.error,
            flat.description,
            event.reason
        ) as explanation,
        -- A rejected message was not split by recipients yet: who it was for stands in its To
        -- header alone, and where that names several, nobody is named here.
        coalesce(
            event.recipient,
            {{ first_group('event.message.headers."to"', "'^[^<>@]*<([^<>@,]+@[^<>@,]+)>\\s*$'") }},
            {{ first_group('event.message.headers."to"', "'^\\s*([^<>@,]+@[^<>@,]+)$'") }}
        ) as recipient
    from with_flat

),

coded as (

    select
        *,
        {{ bounce_subtype('enhanced_code', "concat_ws(' ', code, explanation)") }}
            as subtype_by_code
    from typed

),

renamed as (

    select
        ----------  ids
        event.id as provider_event_id,
        message_id as provider_message_id,
        message_id,
        {{ id_text(custom_argument('arguments', 'enrollment_id')) }} as enrollment_id,
        {{ id_text(custom_argument('arguments', 'sequence_id')) }} as sequence_id,
        {{ custom_argument('arguments', 'step_number') }} as step_number,

        ----------  what happened
        event_type,
        case
            when event_type != 'bounced' then null
            when subtype_by_code != 'undetermined' then subtype_by_code
            -- No code decides, but Mailgun has a word for it; `old` is what it gave up trying.
            when event.reason = 'bounce' then 'hard'
            when event.reason = 'old' then 'soft'
            when event.reason = 'espblock' then 'block'
            else 'undetermined'
        end as event_subtype,
        {{ email_key('recipient') }} as recipient_email,
        case when event_type = 'clicked' then event.url end as url,
        case when event_type in ('opened', 'clicked') then event.ip end as ip,
        case
            when event_type in ('opened', 'clicked')
                then coalesce(event."client-info"."user-agent", flat."user-agent")
        end as user_agent,
        coalesce(event."client-info".bot not in ('', 'gmail'), false) as is_flagged_machine,
        coalesce(event."client-info".bot = 'gmail', false) as is_flagged_unknown,
        case
            when event_type = 'delivered' then lower(event."delivery-status"."mx-host")
        end as receiving_host,
        case when event_type in ('bounced', 'deferred', 'rejected') then explanation end as reason,
        event."delivery-status"."attempt-no" as attempt,

        ----------  when
        {{ utc_from_epoch('event.timestamp') }} as occurred_at,
        {{ utc_from_epoch('post.signature.timestamp') }} as received_at,
        loaded_at,

        ----------  whence
        load_id,
        file as source_file,
        line as source_line
    from coded

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
