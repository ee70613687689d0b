with

source as (

    select
        load_id,
        file,
        line,
        loaded_at,
        {{ json_record('payload', {
            'RecordType': 'varchar',
            'ID': 'varchar',
            'Type': 'varchar',
            'MessageID': 'varchar',
            'Recipient': 'varchar',
            'Email': 'varchar',
            'Details': 'varchar',
            'Description': 'varchar',
            'DeliveredAt': 'varchar',
            'BouncedAt': 'varchar',
            'ReceivedAt': 'varchar',
            'ChangedAt': 'varchar',
            'SuppressSending': 'boolean',
            'SuppressionReason': 'varchar',
            'OriginalLink': 'varchar',
            'UserAgent': 'varchar',
            'Geo': {'IP': 'varchar'},
            'Metadata': custom_argument_fields(),
        }) }} as event
    from {{ source('raw', 'postmark_events') }}

),

-- What Postmark files under bounces is more than bounces. A change of subscription tells its cause:
-- somebody opted out unless it was a bounce or a complaint (opt-outs win).
named as (

    select
        *,
        case
            when event.RecordType = 'Bounce' then event.Type
            when event.RecordType != 'SubscriptionChange' then event.RecordType
            when not event.SuppressSending then 'Subscribe'
            when event.SuppressionReason in ('HardBounce', 'SpamComplaint')
                then event.SuppressionReason
            else 'ManualSuppression'
        end as record_name
    from source

),

typed as (

    select
        *,
        case
            when record_name = 'Delivery' then 'delivered'
            when record_name = 'Open' then 'opened'
            when record_name = 'Click' then 'clicked'
            when record_name = 'SpamComplaint' then 'complained'
            when record_name in ('Unsubscribe', 'ManualSuppression') then 'unsubscribed'
            when record_name = 'Subscribe' then 'resubscribed'
            -- Sent back to the envelope's sender by a machine that has the message.
            when record_name in ('AutoResponder', 'AddressChange', 'ChallengeVerification')
                then 'auto_replied'
            -- Both are "temporary" in Postmark's words; a bounce follows if it stays so.
            when record_name in ('Transient', 'DnsError') then 'deferred'
            -- Not sent at all: no address, or one that Postmark does not send to any more.
            when record_name in ('BadEmailAddress', 'ManuallyDeactivated', 'Unconfirmed')
                then 'rejected'
            when record_name in ('SMTPApiError', 'TemplateRenderingFailed') then 'send_failed'
            else 'bounced'
        end as event_type,
        {{ bounce_subtype('null', 'event.Details') }} as subtype_by_code
    from named

),

renamed as (

    select
        ----------  ids
        event.ID as provider_event_id,
        event.MessageID as provider_message_id,
        -- The form that Postmark gives it on the wire, where replies refer to it.
        case
            when event.MessageID like '%@%' then event.MessageID
            else event.MessageID || '@mtasv.net'
        end as message_id,
        {{ id_text(custom_argument('event.Metadata', 'enrollment_id')) }} as enrollment_id,
        {{ id_text(custom_argument('event.Metadata', 'sequence_id')) }} as sequence_id,
        {{ custom_argument('event.Metadata', 'step_number') }} as step_number,

        ----------  what happened
        event_type,
        case
            when event_type != 'bounced' then null
            when
                subtype_by_code = 'block'
                or record_name in (
                    'Blocked', 'SpamNotification', 'VirusNotification', 'DMARCPolicy'
                )
                then 'block'
            -- Postmark goes on sending to it, so no code makes it hard.
            when record_name = 'SoftBounce' then 'soft'
            when record_name = 'HardBounce' and subtype_by_code = 'undetermined' then 'hard'
            else subtype_by_code
        end as event_subtype,
        {{ email_key('coalesce(event.Recipient, event.Email)') }} as recipient_email,
        case when event_type = 'clicked' then event.OriginalLink end as url,
        case when event_type in ('opened', 'clicked') then event.Geo.IP end as ip,
        case when event_type in ('opened', 'clicked') then event.UserAgent end as user_agent,
        false as is_flagged_machine,
        false as is_flagged_unknown,
        case when event_type = 'delivered' then {{ receiving_host('event.Details') }} end
            as receiving_host,
        case
            when event_type not in ('delivered', 'opened', 'clicked')
                then coalesce(
                    nullif(event.Details, ''),
                    nullif(event.Description, ''),
                    nullif(event.SuppressionReason, '')
                )
        end as reason,
        cast(null as varchar) as attempt,

        ----------  when
        {{ utc_from_iso(
            'coalesce(event.DeliveredAt, event.BouncedAt, event.ReceivedAt, event.ChangedAt)'
        ) }} as occurred_at,
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
