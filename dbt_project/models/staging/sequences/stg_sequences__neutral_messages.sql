with

source as (

    select
        load_id,
        file,
        line,
        loaded_at,
        cast(payload as varchar) as version_text,
        {{ json_record('payload', {
            'record_type': 'varchar',
            'platform': 'varchar',
            'id': 'varchar',
            'message_id': 'varchar',
            'provider_message_id': 'varchar',
            'thread_id': 'varchar',
            'enrollment_id': 'varchar',
            'sequence_id': 'varchar',
            'step_number': 'integer',
            'mailbox': 'varchar',
            'to': 'varchar',
            'subject': 'varchar',
            'body_text': 'varchar',
            'sent_at': 'varchar',
            'track_opens': 'boolean',
            'track_clicks': 'boolean',
            'format': 'varchar',
        }) }} as message
    from {{ source('raw', 'sequence_records') }}

),

renamed as (

    select
        ----------  ids
        lower(trim(message.platform)) as platform,
        {{ id_text('message.id') }} as platform_message_id,
        trim(message.message_id, '<> ') as message_id,
        message.provider_message_id,
        message.thread_id,
        {{ id_text('message.enrollment_id') }} as enrollment_id,
        {{ id_text('message.sequence_id') }} as sequence_id,
        message.step_number,

        ----------  the mail
        {{ email_key('message.mailbox') }} as mailbox,
        {{ email_key('message.to') }} as recipient_email,
        message.subject,
        message.body_text,
        coalesce(message.track_opens, coalesce(message.format, 'html') != 'plain')
            as open_tracking_enabled,
        coalesce(message.track_clicks, coalesce(message.format, 'html') != 'plain')
            as click_tracking_enabled,
        coalesce(message.format, 'html') as body_format,

        ----------  when
        {{ utc_from_iso('message.sent_at') }} as sent_at,
        loaded_at,

        ----------  whence
        load_id,
        file as source_file,
        line as source_line,
        version_text
    from source
    where message.record_type = 'message'

)

select
    platform,
    platform_message_id,
    message_id,
    provider_message_id,
    thread_id,
    enrollment_id,
    sequence_id,
    step_number,
    mailbox,
    recipient_email,
    subject,
    body_text,
    open_tracking_enabled,
    click_tracking_enabled,
    body_format,
    sent_at,
    loaded_at,
    load_id,
    source_file,
    source_line,
    version_text
from renamed
