with

mail as (

    select * from {{ ref('stg_mailboxes__mail') }}

),

mail_folders as (

    select * from {{ ref('mail_folders') }}

),

labels as (

    select
        load_id,
        source_file,
        source_line,
        {{ json_list_rows('labels') }} as folder
    from mail

),

folders as (

    select
        labels.load_id,
        labels.source_file,
        labels.source_line,
        max(cast(mail_folders.kind = 'unsent' as integer)) = 1 as is_unsent,
        max(cast(mail_folders.kind = 'spam' as integer)) = 1 as is_spam
    from labels
    inner join mail_folders
        -- Gmail's own labels may bear its name.
        on
            {{ replace_pattern('lower(trim(labels.folder))', "'^\\[g[^/]*mail\\]/'", "''") }}
            = mail_folders.name
    group by labels.load_id, labels.source_file, labels.source_line

),

-- A9: a mail that was caught half-written is there again as a whole.
replaced as (

    select distinct
        mailbox,
        replaced_hash
    from mail
    where replaced_hash is not null

),

-- Somebody else's mail was sent, whatever its headers say and wherever it is kept.
own_addresses as (

    select distinct mailbox as address from mail

),

sent_or_received as (

    select
        mail.*,
        coalesce(folders.is_spam, false) as is_spam
    from mail
    left join folders
        on
            mail.load_id = folders.load_id
            and mail.source_file = folders.source_file
            and mail.source_line = folders.source_line
    left join replaced
        on mail.mailbox = replaced.mailbox and mail.content_hash = replaced.replaced_hash
    left join own_addresses on mail.from_address = own_addresses.address
    where
        replaced.replaced_hash is null
        and not (
            (mail.is_draft or coalesce(folders.is_unsent, false))
            and (mail.from_address is null or own_addresses.address is not null)
        )

),

-- A Message-ID is not always one mail's alone: some servers give all of theirs the same. Copies of
-- a mail share its date. The id names our own mail if it is among them, else the earliest.
dated as (

    select
        *,
        first_value(header_date_at) over (
            partition by message_id
            order by
                coalesce(from_address = mailbox, false) and not is_spam desc,
                header_date_at asc nulls last
        ) as named_date_at
    from sent_or_received

),

-- Copies of a mail without an id differ in what the servers on their way wrote into them.
keyed as (

    select
        *,
        case
            when message_id is null and (from_address is null or header_date_at is null)
                then 'mail-' || content_hash
            when message_id is null
                then 'mail-' || {{ fingerprint([
                    'from_address', 'header_date_at', 'subject', list_of_texts('to_addresses'),
                    'original_message_id', json_first('delivery_reports') ~ '.final_recipient',
                ]) }}
            when named_date_at is null or header_date_at = named_date_at then message_id
            else message_id || ' ' || coalesce(cast(header_date_at as varchar), content_hash)
        end as mail_key
    from dated

),

numbered as (

    select
        *,
        min(cast(is_spam as integer)) over (partition by mail_key, mailbox) = 1 as is_only_spam,
        row_number() over (
            partition by mail_key, mailbox
            order by
                size_bytes desc nulls last,
                -- What was read of a mail once more tells more of it.
                own_text is null asc,
                received_at asc,
                content_hash asc,
                load_id asc,
                source_file asc,
                source_line asc
        ) as copy_number
    from keyed

)

select
    mail_key,
    content_hash,
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
    is_only_spam as is_spam,
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
    {{ source_place('source_file', 'source_line') }} as source_place
from numbered
where copy_number = 1
