{#- What makes a mail meet each rule of the kind (E1). The order is the seed's, and the first that
    applies wins: a bounce that carries an auto-reply header is a bounce. -#}
{%- set rules = {
    'delivery_report_headers': 'reports_in_headers',
    'delivery_report_notification':
        "delivery_report_source = 'notification' and not is_feedback",
    'delivery_report_sender':
        "sender_kind = 'delivery_report' and not is_feedback and not is_receipt",
    'delivery_report_text':
        "delivery_report_source = 'text'
        and (has_no_sender or encloses_mail or subject_kind = 'delivery_report')",
    'delivery_report_subject':
        "subject_kind = 'delivery_report' and has_no_sender and not is_receipt",
    'abuse_report_headers': 'is_feedback',
    'abuse_report_subject':
        "subject_kind = 'abuse_report' and (has_no_sender or encloses_mail)",
    'read_receipt_headers': 'is_receipt',
    'auto_reply_headers': 'is_marked_automatic',
    'auto_reply_subject': 'has_auto_reply_subject',
    'list_conversation':
        'is_from_list and (is_answer or takes_posts or is_sent_to_list)
        or is_bulk and is_kept_by_owner and is_answer',
    'list_headers': 'is_from_list or is_bulk',
    'auto_reply_null_return_path': 'has_null_return_path',
    'human_answer': 'is_answer',
    'human_by_default': 'true',
} -%}
{%- set list_names = ['copies.list_id', 'copies.list_address'] -%}
{%- set recipients = ['copies.to_addresses', 'copies.cc_addresses'] -%}
{{ config(
    pre_hook="{{ remember_patterns('mail_patterns', [
        ref('auto_reply_subjects'), ref('report_patterns')
    ]) }}"
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

inbound_rules as (

    select * from {{ ref('inbound_rules') }}
    where decides = 'kind'

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

auto_reply_patterns as (

    select
        case
            when is_bare_word then '(?:' || pattern || '){{ after_a_bare_word() }}'
            else pattern
        end as pattern,
        is_out_of_office
    from auto_reply_subjects

),

auto_reply_hits as (

    select
        texts.wording as subject,
        max(cast(auto_reply_patterns.is_out_of_office as integer)) = 1 as is_out_of_office
    from texts
    inner join auto_reply_patterns
        on
            texts.applies_to = 'subject'
            and {{ matches('trim(texts.wording)', 'auto_reply_patterns.pattern') }}
    group by texts.wording

),

evidence as (

    select
        copies.*,
        auto_reply_hits.subject is not null as has_auto_reply_subject,
        coalesce(auto_reply_hits.is_out_of_office, false) as is_out_of_office_subject,
        coalesce(subject_hits.inbound_kind, '') as subject_kind,
        coalesce(sender_hits.inbound_kind, name_hits.inbound_kind, '') as sender_kind,
        coalesce(copies.report_type, '') = 'delivery-status'
        or copies.failed_recipients is not null
        or coalesce(copies.delivery_report_source, '') = 'part' as reports_in_headers,
        coalesce(copies.report_type, '') = 'feedback-report'
        or copies.feedback_type is not null as is_feedback,
        coalesce(copies.is_read_receipt, false) as is_receipt,
        coalesce(lower(copies.auto_submitted), 'no') not like 'no%'
        or copies.autoresponder_header is not null
        or coalesce(copies.precedence, '') in ('auto_reply', 'auto-reply') as is_marked_automatic,
        copies.list_id is not null
        or copies.list_address is not null
        or coalesce(copies.precedence, '') = 'list' as is_from_list,
        -- Older lists say that they are bulk, and have bounces sent to whoever keeps the list.
        {{ matches(
            "coalesce(copies.return_path, '')", "'^<?(owner-[^@]+|[^@]+-(owner|bounces?))[@+]'"
        ) }} as is_kept_by_owner,
        -- A list that only announces says NO, or nothing, and writes to its readers.
        coalesce(lower(copies.list_post), '') like '%<mailto:%' as takes_posts,
        {{ is_sent_to_list(list_names, recipients) }} as is_sent_to_list,
        coalesce(copies.precedence, '') in ('bulk', 'junk') as is_bulk,
        copies.in_reply_to is not null
        or {{ list_length('copies.reference_ids') }} > 0 as is_answer,
        coalesce(trim(copies.return_path), '') = '<>' as has_null_return_path,
        -- What machines do and people do not: they leave no sender to answer to. People attach
        -- mails, too, and write of deliveries: subjects and texts alone tell nothing.
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

met_rules as (

    {%- for rule, condition in rules.items() %}
        select
            mail_key,
            '{{ rule }}' as rule_id
        from evidence
        where {{ condition }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}

),

decided as (

    select
        met_rules.mail_key,
        inbound_rules.rule_id,
        inbound_rules.verdict as inbound_kind,
        inbound_rules.is_automated,
        row_number() over (
            partition by met_rules.mail_key order by inbound_rules.priority
        ) as preference
    from met_rules
    inner join inbound_rules on met_rules.rule_id = inbound_rules.rule_id

)

select
    evidence.mail_key,
    evidence.message_id,
    evidence.in_reply_to,
    evidence.reference_ids,
    evidence.gmail_thread_id,
    evidence.mailbox,
    evidence.from_address as sender_email,
    evidence.from_name as sender_name,
    evidence.subject,
    {{ subject_key('evidence.subject') }} as subject_key,
    evidence.body_text,
    evidence.own_text,
    decided.inbound_kind,
    decided.rule_id as kind_rule,
    decided.is_automated,
    evidence.is_out_of_office_subject,
    lower(evidence.auto_submitted) as auto_submitted,
    evidence.is_only_spam as is_spam,
    case when decided.inbound_kind = 'delivery_report' then evidence.delivery_reports end
        as delivery_reports,
    evidence.original_message_id,
    evidence.received_at,
    evidence.loaded_at
from evidence
inner join decided on evidence.mail_key = decided.mail_key and decided.preference = 1
