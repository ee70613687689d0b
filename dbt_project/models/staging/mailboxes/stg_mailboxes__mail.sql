with

source as (

    select
        load_id,
        file,
        line,
        loaded_at,
        {{ json_record('payload', {
            'mailbox': 'varchar',
            'content_hash': 'varchar',
            'replaces': 'varchar',
            'bytes': 'bigint',
            'message_id': 'varchar',
            'in_reply_to': 'varchar',
            'references': ['varchar'],
            'gmail_thread_id': 'varchar',
            'labels': ['varchar'],
            'is_draft': 'boolean',
            'from_address': 'varchar',
            'from_name': 'varchar',
            'to_addresses': ['varchar'],
            'cc_addresses': ['varchar'],
            'subject': 'varchar',
            'header_date': 'varchar',
            'received_at': 'varchar',
            'headers': {
                'auto-submitted': 'varchar',
                'x-autoreply': 'varchar',
                'x-autorespond': 'varchar',
                'x-autoresponse': 'varchar',
                'x-auto-reply-from': 'varchar',
                'x-auto-response-suppress': 'varchar',
                'x-ms-exchange-inbox-rules-loop': 'varchar',
                'precedence': 'varchar',
                'list-id': 'varchar',
                'list-post': 'varchar',
                'x-mailing-list': 'varchar',
                'return-path': 'varchar',
                'x-failed-recipients': 'varchar',
            },
            'content_type': 'varchar',
            'report_type': 'varchar',
            'feedback_type': 'varchar',
            'feedback_recipient': 'varchar',
            'delivery_report_source': 'varchar',
            'delivery_reports': [{
                'final_recipient': 'varchar',
                'action': 'varchar',
                'status': 'varchar',
                'diagnostic_code': 'varchar',
            }],
            'original_message_id': 'varchar',
            'body_text': 'varchar',
            'own_text': 'varchar',
        }) }} as mail
    from {{ source('raw', 'mailbox_messages') }}

),

renamed as (

    select
        ----------  ids
        mail.content_hash,
        mail.replaces as replaced_hash,
        mail.message_id,
        mail.in_reply_to,
        mail.references as reference_ids,
        mail.gmail_thread_id,

        ----------  the mail
        {{ email_key('mail.mailbox') }} as mailbox,
        {{ email_key('mail.from_address') }} as from_address,
        mail.from_name,
        mail.to_addresses,
        mail.cc_addresses,
        mail.subject,
        mail.body_text,
        mail.own_text,
        mail.bytes as size_bytes,

        ----------  where it lies
        mail.labels,
        coalesce(mail.is_draft, false) as is_draft,

        ----------  what its headers say of it (E1)
        mail.headers."auto-submitted" as auto_submitted,
        coalesce(
            mail.headers."x-autoreply",
            mail.headers."x-autorespond",
            mail.headers."x-autoresponse",
            mail.headers."x-auto-reply-from",
            -- Outlook writes the first on much that people send; the second, a rule only.
            case
                when lower(mail.headers."x-auto-response-suppress") like '%all%'
                    then mail.headers."x-ms-exchange-inbox-rules-loop"
            end
        ) as autoresponder_header,
        lower(mail.headers.precedence) as precedence,
        mail.headers."list-id" as list_id,
        mail.headers."list-post" as list_post,
        mail.headers."x-mailing-list" as list_address,
        mail.headers."return-path" as return_path,
        mail.headers."x-failed-recipients" as failed_recipients,

        ----------  what it reports
        coalesce(mail.report_type, '') = 'disposition-notification' as is_read_receipt,
        mail.report_type,
        mail.feedback_type,
        {{ email_key('mail.feedback_recipient') }} as feedback_recipient,
        mail.delivery_report_source,
        mail.delivery_reports,
        mail.original_message_id,

        ----------  when
        {{ utc_from_iso('mail.header_date') }} as header_date_at,
        coalesce(
            {{ utc_from_iso('mail.received_at') }}, {{ utc_from_iso('mail.header_date') }}
        ) as received_at,
        loaded_at,

        ----------  whence
        load_id,
        file as source_file,
        line as source_line
    from source

)

select
    content_hash,
    replaced_hash,
    message_id,
    in_reply_to,
    reference_ids,
    gmail_thread_id,
    mailbox,
    from_address,
    from_name,
    to_addresses,
    cc_addresses,
    subject,
    body_text,
    own_text,
    size_bytes,
    labels,
    is_draft,
    auto_submitted,
    autoresponder_header,
    precedence,
    list_id,
    list_post,
    list_address,
    return_path,
    failed_recipients,
    is_read_receipt,
    report_type,
    feedback_type,
    feedback_recipient,
    delivery_report_source,
    delivery_reports,
    original_message_id,
    header_date_at,
    received_at,
    loaded_at,
    load_id,
    source_file,
    source_line
from renamed
