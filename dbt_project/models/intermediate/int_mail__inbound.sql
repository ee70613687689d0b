{{ config(
    pre_hook="{{ remember_patterns('mail_patterns', [ref('auto_reply_subjects'), ref('report_patterns')]) }}"
) }}

with

mail as (

    select * from {{ ref('int_mail__copies') }}

),

mailboxes as (

    select * from {{ ref('int_mailboxes') }}

),

auto_reply_subjects as (

    select * from {{ ref('auto_reply_subjects') }}

),

report_patterns as (

    select * from {{ ref('report_patterns') }}

),

copies as (

    select
        mail.*,
        min(cast(mail.is_spam as integer)) over (partition by mail.mail_key) = 1 as is_only_spam,
        row_number() over (
            partition by mail.mail_key
            order by mail.received_at, mail.mailbox
        ) as copy_number
    from mail
    left join mailboxes on mail.from_address = mailboxes.mailbox
    where mailboxes.mailbox is null

),

-- Patterns meet each distinct text once, however many mails bear it.
distinct_texts as (

    select
        'subject' as applies_to,
        subject as wording
    from copies
    where subject is not null
    union distinct
    select
        'sender' as applies_to,
        split_part(from_address, '@', 1) as wording
    from copies
    where from_address is not null
    union distinct
    select
        'name' as applies_to,
        from_name as wording
    from copies
    where from_name is not null

),

texts as (

    select * from distinct_texts
    where {{ may_match_remembered('trim(wording)', 'mail_patterns') }}

),

report_hits as (

    select
        texts.applies_to,
        texts.wording,
        -- a delivery report goes before an abuse report
        max(report_patterns.inbound_kind) as inbound_kind
    from texts
    inner join report_patterns
        on
            texts.applies_to = report_patterns.applies_to
            and {{ matches('trim(texts.wording)', 'report_patterns.pattern') }}
    group by texts.applies_to, texts.wording

),

auto_reply_hits as (

    select
        texts.wording as subject,
        max(cast(auto_reply_subjects.is_out_of_office as integer)) = 1 as is_out_of_office
    from texts
    inner join auto_reply_subjects
        on
            texts.applies_to = 'subject'
            and {{ matches('trim(texts.wording)', 'auto_reply_subjects.pattern') }}
    group by texts.wording

),

evidence as (

    select
        copies.*,
        auto_reply_hits.subject is not null as has_auto_reply_subject,
        coalesce(auto_reply_hits.is_out_of_office, false) as is_out_of_office_subject,
        subject_hits.inbound_kind as subject_kind,
        coalesce(sender_hits.inbound_kind, name_hits.inbound_kind) as sender_kind,
        coalesce(trim(copies.return_path), '') = '<>' as has_null_return_path,
        -- What machines do and people do not: they leave no sender to answer to.
        coalesce(trim(copies.return_path), '') = '<>'
        or copies.from_address is null as has_no_sender,
        copies.original_message_id is not null as encloses_mail
    from copies
    left join auto_reply_hits on copies.subject = auto_reply_hits.subject
    left join report_hits as subject_hits
        on subject_hits.applies_to = 'subject' and copies.subject = subject_hits.wording
    left join report_hits as sender_hits
        on
            sender_hits.applies_to = 'sender'
            and split_part(copies.from_address, '@', 1) = sender_hits.wording
    left join report_hits as name_hits
        on name_hits.applies_to = 'name' and copies.from_name = name_hits.wording
    where copies.copy_number = 1

),

-- E1 in its order: a bounce that carries an auto-reply header is a bounce.
decided as (

    select
        *,
        case
            when
                coalesce(report_type, '') = 'delivery-status'
                or failed_recipients is not null
                or delivery_report_source = 'part'
                then 'delivery_report_headers'
            when
                delivery_report_source = 'notification' and feedback_type is null
                then 'delivery_report_notification'
            when
                sender_kind = 'delivery_report'
                and feedback_type is null
                and coalesce(report_type, '') not in
                ('feedback-report', 'disposition-notification')
                then 'delivery_report_sender'
            when
                delivery_report_source = 'text'
                and (
                    has_no_sender
                    or encloses_mail
                    or coalesce(subject_kind, '') = 'delivery_report'
                )
                then 'delivery_report_text'
            -- People attach mails too, and write of deliveries: the subject alone tells nothing.
            when
                subject_kind = 'delivery_report'
                and has_no_sender
                and not coalesce(is_read_receipt, false)
                then 'delivery_report_subject'
            when
                coalesce(report_type, '') = 'feedback-report' or feedback_type is not null
                then 'abuse_report_headers'
            when
                subject_kind = 'abuse_report'
                and (has_no_sender or encloses_mail)
                then 'abuse_report_subject'
            when is_read_receipt then 'read_receipt_headers'
            when
                coalesce(lower(auto_submitted), 'no') not like 'no%'
                or autoresponder_header is not null
                or coalesce(precedence, '') in ('auto_reply', 'auto-reply')
                then 'auto_reply_headers'
            when has_auto_reply_subject then 'auto_reply_subject'
            when
                list_id is not null or coalesce(precedence, '') in ('bulk', 'list', 'junk')
                then 'list_headers'
            when has_null_return_path then 'auto_reply_null_return_path'
            else 'human_by_default'
        end as kind_rule
    from evidence

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
    is_only_spam as is_spam,
    case when kind_rule like 'delivery_report%' then delivery_reports end as delivery_reports,
    original_message_id,
    received_at,
    loaded_at
from decided
