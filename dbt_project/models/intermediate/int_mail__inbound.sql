with

mail as (

    select * from {{ ref('stg_mailboxes__mail') }}

),

mailboxes as (

    select * from {{ ref('int_mailboxes') }}

),

auto_reply_subjects as (

    select * from {{ ref('auto_reply_subjects') }}

),

copies as (

    select
        mail.*,
        row_number() over (
            partition by mail.mail_key
            order by mail.received_at, mail.mailbox, mail.content_hash, mail.loaded_at
        ) as copy_number
    from mail
    left join mailboxes on mail.from_address = mailboxes.mailbox
    where mailboxes.mailbox is null

),

-- Patterns meet each distinct subject once, however many mails bear it.
subjects as (

    select distinct subject
    from copies
    where subject is not null

),

subject_hits as (

    select
        subjects.subject,
        max(cast(auto_reply_subjects.is_out_of_office as integer)) = 1 as is_out_of_office
    from subjects
    inner join auto_reply_subjects
        on {{ matches('trim(subjects.subject)', 'auto_reply_subjects.pattern') }}
    group by subjects.subject

),

-- E1 in its order: a bounce that carries an auto-reply header is a bounce.
decided as (

    select
        copies.*,
        coalesce(subject_hits.is_out_of_office, false) as is_out_of_office_subject,
        case
            when
                coalesce(copies.report_type, '') = 'delivery-status'
                or copies.failed_recipients is not null
                then 'delivery_report_headers'
            when
                coalesce(copies.report_type, '') not in
                ('feedback-report', 'disposition-notification')
                and {{ matches(
                    "split_part(coalesce(copies.from_address, ''), '@', 1)",
                    "'^(mailer-daemon|postmaster|mail.?delivery)'"
                ) }}
                then 'delivery_report_sender'
            when coalesce(copies.report_type, '') = 'feedback-report' then 'abuse_report_headers'
            when copies.is_read_receipt then 'read_receipt_headers'
            when
                coalesce(lower(copies.auto_submitted), 'no') not like 'no%'
                or copies.autoresponder_header is not null
                or coalesce(copies.precedence, '') = 'auto_reply'
                then 'auto_reply_headers'
            when subject_hits.subject is not null then 'auto_reply_subject'
            when
                copies.list_id is not null
                or coalesce(copies.precedence, '') in ('bulk', 'list', 'junk')
                then 'list_headers'
            when copies.return_path = '<>' then 'auto_reply_null_return_path'
            else 'human_by_default'
        end as kind_rule
    from copies
    left join subject_hits on copies.subject = subject_hits.subject
    where copies.copy_number = 1

)

select
    mail_key,
    message_id,
    in_reply_to,
    reference_ids,
    gmail_thread_id,
    mailbox,
    from_address as sender_email,
    subject,
    {{ subject_key('subject') }} as subject_key,
    body_text,
    case
        when kind_rule like 'delivery_report%' then 'delivery_report'
        when kind_rule like 'abuse_report%' then 'abuse_report'
        when kind_rule like 'read_receipt%' then 'read_receipt'
        when kind_rule like 'auto_reply%' then 'auto_reply'
        when kind_rule like 'list%' then 'list'
        else 'human'
    end as inbound_kind,
    kind_rule,
    is_out_of_office_subject,
    lower(auto_submitted) as auto_submitted,
    {{ email_key('failed_recipient') }} as failed_recipient,
    delivery_action,
    {{ bounce_subtype('delivery_status', 'diagnostic_code') }} as bounce_subtype,
    original_message_id,
    received_at,
    loaded_at
from decided
