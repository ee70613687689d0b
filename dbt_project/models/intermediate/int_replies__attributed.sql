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

reply_labels as (

    select * from {{ ref('reply_labels') }}

),

delivery_reports as (

    select * from {{ ref('int_mail__delivery_reports') }}

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
        threads.message_key,
        case
            when threads.origin = 'sequence' then messages.enrollment_id
            else active_enrollments.enrollment_id
        end as enrollment_id,
        coalesce(copies.mailbox, inbound.mailbox) as answered_mailbox
    from inbound
    left join threads on inbound.mail_key = threads.mail_key
    left join messages on threads.message_key = messages.message_key
    left join copies
        on inbound.mail_key = copies.mail_key and messages.mailbox = copies.mailbox
    left join known_people on inbound.sender_email = known_people.email
    left join active_enrollments
        on inbound.mail_key = active_enrollments.mail_key and active_enrollments.preference = 1

),

-- What lies in the spam folder may bear anybody's name; what answers a message of ours knows it.
attributed as (

    select * from matched
    where
        not is_spam
        or (
            match in ('in_thread', 'probable')
            and thread_rule != 'automatic_from_recipient'
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

labels as (

    select
        enrollments.enrollment_id,
        enrollments.reply_labels,
        enrollments.reply_received_at,
        reply_labels.reply_class,
        coalesce(reply_labels.is_automated, false) as is_automated
    from enrollments
    left join reply_labels
        on lower(split_part(enrollments.reply_labels, ', ', 1)) = lower(reply_labels.label)
    where enrollments.reply_labels is not null

),

-- E6: the platform's label wins. It names no mail, so it goes to one of the enrollment that came
-- within minutes of it: to a person's before a machine's if it is a person's label, and so on.
labelled as (

    select
        attributed.mail_key,
        labels.reply_labels,
        labels.reply_class,
        labels.is_automated,
        row_number() over (
            partition by labels.enrollment_id
            order by
                (attributed.inbound_kind != 'human') = labels.is_automated desc,
                abs({{ seconds_between('labels.reply_received_at', 'attributed.received_at') }}),
                attributed.mail_key
        ) as nearness
    from attributed
    inner join labels on attributed.enrollment_id = labels.enrollment_id
    where
        abs({{ seconds_between('labels.reply_received_at', 'attributed.received_at') }}) <= 300
        -- What looks like a person's mail may be a machine's after all, but not the reverse.
        and (attributed.inbound_kind = 'human' or labels.is_automated)

)

select
    attributed.mail_key as reply_key,
    attributed.message_id,
    attributed.match,
    attributed.thread_rule,
    attributed.message_key,
    attributed.enrollment_id,
    attributed.answered_mailbox as mailbox,
    attributed.sender_email,
    attributed.subject,
    attributed.body_text,
    attributed.received_at,
    attributed.inbound_kind,
    case
        when attributed.inbound_kind = 'delivery_report'
            then coalesce(reported.bounce_subtype, 'undetermined')
    end as bounce_subtype,
    reported.delivery_action,
    attributed.inbound_kind != 'human' or coalesce(labelled.is_automated, false) as is_automated,
    coalesce(labelled.reply_class, case
        when attributed.inbound_kind = 'delivery_report' and reported.bounce_subtype = 'hard'
            then 'Hard Bounce'
        when attributed.inbound_kind = 'delivery_report' then 'Soft Bounce'
        when attributed.inbound_kind = 'auto_reply' and (
            attributed.is_out_of_office_subject
            or coalesce(attributed.auto_submitted, '') like 'auto-replied%'
        ) then 'OOO'
        when attributed.inbound_kind = 'human' then 'Unclassified'
        else 'Automated'
    end) as reply_class,
    case
        when labelled.reply_class is not null then 'platform'
        else attributed.kind_rule
    end as classified_by,
    labelled.reply_labels as tags,
    attributed.loaded_at
from attributed
left join labelled on attributed.mail_key = labelled.mail_key and labelled.nearness = 1
left join reported on attributed.mail_key = reported.mail_key and reported.preference = 1
