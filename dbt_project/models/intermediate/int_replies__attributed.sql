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

-- E3: a person is known who was enrolled, written to, or is in the CRM, now or earlier.
known_people as (

    select person_email as email from {{ ref('stg_sequences__enrollments') }}
    union
    select recipient_email as email from messages
    union
    select email from addresses

),

last_sends as (

    select
        inbound.mail_key,
        enrollments.enrollment_id,
        max(messages.sent_at) as last_sent_at
    from inbound
    inner join enrollments on inbound.sender_email = enrollments.person_email
    inner join messages
        on
            enrollments.enrollment_id = messages.enrollment_id
            and inbound.received_at >= messages.sent_at
    where
        inbound.inbound_kind = 'human'
        and (enrollments.ended_at is null or enrollments.ended_at >= inbound.received_at)
    group by inbound.mail_key, enrollments.enrollment_id

),

-- A mail outside every sequence thread ends the enrollment that was active when it came.
active_enrollments as (

    select
        mail_key,
        enrollment_id,
        row_number() over (
            partition by mail_key
            order by last_sent_at desc, enrollment_id desc
        ) as preference
    from last_sends

),

attributed as (

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
        end as enrollment_id
    from inbound
    left join threads on inbound.mail_key = threads.mail_key
    left join messages on threads.message_key = messages.message_key
    left join known_people on inbound.sender_email = known_people.email
    left join active_enrollments
        on inbound.mail_key = active_enrollments.mail_key and active_enrollments.preference = 1

),

-- E6: the platform's label wins; it names no mail, so it goes to the nearest one of the enrollment.
labelled as (

    select
        attributed.mail_key,
        enrollments.reply_labels,
        row_number() over (
            partition by enrollments.enrollment_id
            order by
                abs(
                    {{ seconds_between('enrollments.reply_received_at', 'attributed.received_at') }}
                ),
                attributed.mail_key
        ) as nearness
    from attributed
    inner join enrollments on attributed.enrollment_id = enrollments.enrollment_id
    where
        enrollments.reply_labels is not null
        and abs({{ seconds_between('enrollments.reply_received_at', 'attributed.received_at') }})
        <= 300

)

select
    attributed.mail_key as reply_key,
    attributed.message_id,
    attributed.match,
    attributed.thread_rule,
    attributed.message_key,
    attributed.enrollment_id,
    attributed.mailbox,
    attributed.sender_email,
    attributed.subject,
    attributed.body_text,
    attributed.received_at,
    attributed.inbound_kind,
    attributed.bounce_subtype,
    attributed.delivery_action,
    attributed.inbound_kind != 'human' as is_automated,
    coalesce(reply_labels.reply_class, case
        when attributed.inbound_kind = 'delivery_report' and attributed.bounce_subtype = 'hard'
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
        when reply_labels.reply_class is not null then 'platform'
        else attributed.kind_rule
    end as classified_by,
    labelled.reply_labels as tags,
    attributed.loaded_at
from attributed
left join labelled on attributed.mail_key = labelled.mail_key and labelled.nearness = 1
left join reply_labels
    on
        lower(split_part(labelled.reply_labels, ', ', 1)) = lower(reply_labels.label)
        and (attributed.inbound_kind = 'human' or reply_labels.is_automated)
