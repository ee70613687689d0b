with

inbound as (

    select * from {{ ref('int_mail__inbound') }}

),

threads as (

    select * from {{ ref('int_mail__threads') }}

),

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

addresses as (

    select * from {{ ref('int_crm__addresses') }}

),

labels as (

    select * from {{ ref('int_enrollments__reply_labels') }}

),

delivery_reports as (

    select * from {{ ref('int_mail__delivery_reports') }}

),

text_hints as (

    select * from {{ ref('int_replies__text_hints') }}

),

inbound_rules as (

    select * from {{ ref('inbound_rules') }}

),

-- E3: a person is known who was enrolled, written to, or is in the CRM, now or earlier.
known_people as (

    select person_email as email from {{ ref('int_sequences__enrollments') }}
    union
    select recipient_email as email from messages
    union
    select email from addresses

),

people as (

    select * from {{ ref('int_enrollments__people') }}

),

mail as (

    select * from {{ ref('int_mail__copies') }}

),

-- Everybody may have an address at these.
consumer_domains as (

    select * from {{ ref('mail_providers') }}

),

-- A sender is the person whose record bears the address, or who was enrolled under it.
senders as (

    select
        inbound.mail_key,
        inbound.received_at,
        people.enrollment_id
    from inbound
    inner join addresses on inbound.sender_email = addresses.email and addresses.is_chosen
    inner join people on addresses.stands_for_id = people.person_key
    where inbound.inbound_kind = 'human'

    union distinct

    select
        inbound.mail_key,
        inbound.received_at,
        people.enrollment_id
    from inbound
    inner join people on inbound.sender_email = people.person_email
    where inbound.inbound_kind = 'human'

),

open_enrollments as (

    select
        senders.mail_key,
        enrollments.enrollment_id,
        coalesce(max(messages.sent_at), min(enrollments.started_at)) as last_touched_at
    from senders
    inner join enrollments
        on
            senders.enrollment_id = enrollments.enrollment_id
            and (
                enrollments.finished_at is null
                or senders.received_at <= enrollments.finished_at
            )
    left join messages
        on
            enrollments.enrollment_id = messages.enrollment_id
            and senders.received_at >= messages.sent_at
    where messages.sent_at is not null or enrollments.started_at <= senders.received_at
    group by senders.mail_key, enrollments.enrollment_id

),

-- A mail outside every sequence thread ends the enrollment that was active when it came.
active_enrollments as (

    select
        mail_key,
        enrollment_id,
        row_number() over (
            partition by mail_key
            order by last_touched_at desc, enrollment_id desc
        ) as preference
    from open_enrollments

),

-- A mail may lie in several connected mailboxes: the one that it answers counts.
copies as (

    select distinct
        mail_key,
        mailbox
    from mail

),

matched as (

    select
        inbound.*,
        case
            when threads.origin = 'sequence' and threads.is_certain then 'in_thread'
            when threads.origin = 'sequence' then 'probable'
            when known_people.email is not null or threads.message_key is not null
                then 'out_of_sequence'
            else 'unknown_sender'
        end as match,
        threads.thread_rule,
        threads.is_certain,
        threads.message_key,
        case
            when threads.origin = 'sequence' then messages.enrollment_id
            else active_enrollments.enrollment_id
        end as enrollment_id,
        coalesce(copies.mailbox, inbound.mailbox) as answered_mailbox,
        -- A bounce may come from one's own server.
        inbound.inbound_kind not in ('delivery_report', 'abuse_report')
        and coalesce(
            split_part(inbound.sender_email, '@', 2)
            = split_part(coalesce(messages.mailbox, inbound.mailbox), '@', 2),
            false
        )
        and consumer_domains.domain is null
        and case
            when messages.message_key is null then known_people.email is null
            else coalesce(inbound.sender_email != messages.recipient_email, true)
        end as is_from_own_house
    from inbound
    left join threads on inbound.mail_key = threads.mail_key
    left join messages on threads.message_key = messages.message_key
    left join copies
        on inbound.mail_key = copies.mail_key and messages.mailbox = copies.mailbox
    left join known_people on inbound.sender_email = known_people.email
    left join consumer_domains
        on split_part(inbound.sender_email, '@', 2) = consumer_domains.domain
    left join active_enrollments
        on inbound.mail_key = active_enrollments.mail_key and active_enrollments.preference = 1

),

-- What lies in the spam folder may bear anybody's name; what answers a message of ours knows it.
-- Within one's own house a thread is talked about, not answered.
attributed as (

    select * from matched
    where
        not is_from_own_house
        and (
            not is_spam
            or (
                match in ('in_thread', 'probable')
                and thread_rule != 'automatic_from_recipient'
            )
        )

),

-- A report may speak of several people; of them, the one to whom the message went.
reported as (

    select
        attributed.mail_key,
        delivery_reports.delivery_action,
        delivery_reports.bounce_subtype,
        row_number() over (
            partition by attributed.mail_key
            order by
                coalesce(delivery_reports.recipient_email = messages.recipient_email, false) desc,
                delivery_reports.is_failure desc,
                delivery_reports.position asc
        ) as preference
    from attributed
    inner join delivery_reports on attributed.mail_key = delivery_reports.mail_key
    left join messages on attributed.message_key = messages.message_key

),

-- E6: the platform's label wins. It names no mail, so it goes to one of the enrollment that came
-- within minutes of it: to a person's before a machine's if it is a person's label, and so on.
nearest_mail as (

    select
        attributed.mail_key,
        labels.reply_received_at,
        labels.reply_labels,
        labels.reply_class,
        labels.is_automated,
        attributed.is_automated = labels.is_automated as is_of_its_kind,
        abs({{ seconds_between('labels.reply_received_at', 'attributed.received_at') }})
            as distance,
        row_number() over (
            partition by labels.enrollment_id, labels.reply_received_at
            order by
                attributed.is_automated = labels.is_automated desc,
                abs({{ seconds_between('labels.reply_received_at', 'attributed.received_at') }}),
                attributed.mail_key
        ) as nearness
    from attributed
    inner join labels on attributed.enrollment_id = labels.enrollment_id
    where
        abs({{ seconds_between('labels.reply_received_at', 'attributed.received_at') }}) <= 300
        -- What looks like a person's mail may be a machine's after all, but not the reverse.
        and (not attributed.is_automated or labels.is_automated)

),

-- Of labels minutes apart that all go to one mail, the nearest is its own.
labelled as (

    select
        mail_key,
        reply_labels,
        reply_class,
        is_automated,
        row_number() over (
            partition by mail_key
            order by is_of_its_kind desc, distance asc, reply_received_at desc
        ) as preference
    from nearest_mail
    where nearness = 1

),

-- E6: the platform's label, then what the mail's own words say, then what its headers and subject
-- made of it.
classified as (

    select
        attributed.*,
        attributed.is_automated or coalesce(labelled.is_automated, false) as is_machine,
        coalesce(text_hints.has_opt_out_hint, false) as has_opt_out_hint,
        coalesce(text_hints.has_left_job_hint, false) as has_left_job_hint,
        labelled.reply_class as label_class,
        labelled.reply_labels,
        reported.delivery_action,
        reported.bounce_subtype,
        -- D8: a report may also tell that a mail arrived, or was passed on.
        attributed.inbound_kind = 'delivery_report'
        and coalesce(reported.delivery_action, 'failed') = 'failed' as is_failure,
        attributed.inbound_kind = 'delivery_report'
        and coalesce(reported.delivery_action, 'failed') = 'delayed' as is_delay,
        case
            when labelled.reply_class is not null then 'platform'
            when text_hints.has_opt_out_hint then 'text_opt_out'
            when text_hints.has_left_job_hint then 'text_left_job'
            else attributed.kind_rule
        end as classified_by
    from attributed
    left join labelled on attributed.mail_key = labelled.mail_key and labelled.preference = 1
    left join reported on attributed.mail_key = reported.mail_key and reported.preference = 1
    left join text_hints on attributed.mail_key = text_hints.mail_key

)

select
    classified.mail_key as reply_key,
    classified.message_id,
    classified.match,
    classified.thread_rule,
    case
        when classified.is_certain then 'certain'
        when not classified.is_certain then 'probable'
    end as thread_confidence,
    classified.message_key,
    classified.enrollment_id,
    classified.answered_mailbox as mailbox,
    classified.sender_email,
    classified.sender_name,
    classified.subject,
    classified.body_text,
    classified.received_at,
    classified.inbound_kind,
    case
        when classified.is_failure or classified.is_delay
            then coalesce(classified.bounce_subtype, 'undetermined')
    end as bounce_subtype,
    classified.delivery_action,
    classified.is_machine as is_automated,
    case
        when classified.classified_by = 'platform' then classified.label_class
        when inbound_rules.decides = 'class' then inbound_rules.verdict
        when classified.is_failure and classified.bounce_subtype = 'hard' then 'Hard Bounce'
        when classified.is_failure or classified.is_delay then 'Soft Bounce'
        when classified.inbound_kind = 'auto_reply' and (
            classified.is_out_of_office_subject
            or coalesce(classified.auto_submitted, '') like 'auto-replied%'
        ) then 'OOO'
        when not classified.is_automated then 'Unclassified'
        else 'Automated'
    end as reply_class,
    classified.classified_by,
    inbound_rules.confidence,
    -- Who wrote it, whatever it says.
    case when classified.classified_by = 'platform' then 'platform' else classified.kind_rule end
        as actor_rule,
    classified.has_opt_out_hint,
    classified.has_left_job_hint,
    classified.reply_labels as tags,
    classified.loaded_at
from classified
left join inbound_rules on classified.classified_by = inbound_rules.rule_id
