with

messages as (

    select * from {{ ref('messages') }}

),

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

matches as (

    select * from {{ ref('int_people__crm_matches') }}

),

addressed as (

    select
        messages.message_key,
        messages.enrollment_id,
        messages.mailbox,
        messages.recipient_email,
        messages.origin,
        messages.subject,
        messages.sent_at,
        messages.open_count,
        messages.human_open_count,
        messages.click_count,
        messages.human_click_count,
        messages.clicked_at,
        case
            when enrollments.enrollment_id is null then messages.recipient_email
            else enrollments.person_email
        end as person_email,
        enrollments.crm_record_id
    from messages
    left join enrollments on messages.enrollment_id = enrollments.enrollment_id

)

select
    addressed.message_key,
    addressed.enrollment_id,
    addressed.mailbox,
    addressed.recipient_email,
    addressed.origin,
    addressed.subject,
    addressed.sent_at,
    addressed.open_count,
    addressed.human_open_count,
    addressed.click_count,
    addressed.human_click_count,
    addressed.clicked_at,
    matches.crm_object,
    matches.crm_id,
    matches.matched_by
from addressed
left join matches
    on
        addressed.person_email is not distinct from matches.person_email
        and addressed.crm_record_id is not distinct from matches.crm_record_id
