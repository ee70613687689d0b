with

enrollments as (

    select * from {{ ref('enrollments') }}

),

people as (

    select * from {{ ref('int_enrollments__people') }}

),

messages as (

    select * from {{ ref('messages') }}
    where enrollment_id is not null

),

replies as (

    select * from {{ ref('replies') }}
    where enrollment_id is not null

),

deliveries as (

    select
        enrollment_id,
        count(case when is_delivered then 1 end) > 0 as has_delivery
    from messages
    group by enrollment_id

),

first_human_replies as (

    select
        replies.enrollment_id,
        replies.reply_class,
        coalesce(answered.step_number, latest.step_number) as step_number,
        row_number() over (
            partition by replies.enrollment_id
            order by replies.received_at asc, replies.reply_key asc, latest.sent_at desc
        ) as from_first
    from replies
    left join messages as answered on replies.message_key = answered.message_key
    -- Mail out of sequence answers no message: it counts for the last step sent before it.
    left join messages as latest
        on
            replies.enrollment_id = latest.enrollment_id
            and replies.received_at >= latest.sent_at
    where not replies.is_automated

),

automated_replies as (

    select distinct enrollment_id
    from replies
    where is_automated and match in ('in_thread', 'probable')

),

-- G1: an enrollment counts as replied when it stands as Finished: Replied.
flagged as (

    select
        enrollments.enrollment_id,
        enrollments.sequence_id,
        enrollments.sequence_name,
        people.person_key,
        enrollments.mailbox,
        {{ week_of('enrollments.enrolled_at') }} as enrolled_week,
        coalesce(deliveries.has_delivery, false) as has_delivery,
        enrollments.status = 'replied' as is_replied,
        enrollments.status = 'replied' or automated_replies.enrollment_id is not null
            as is_replied_or_automated,
        coalesce(first_human_replies.step_number, enrollments.last_step_number) as reply_step,
        first_human_replies.reply_class
    from enrollments
    inner join people on enrollments.enrollment_id = people.enrollment_id
    left join deliveries on enrollments.enrollment_id = deliveries.enrollment_id
    left join first_human_replies
        on
            enrollments.enrollment_id = first_human_replies.enrollment_id
            and first_human_replies.from_first = 1
    left join automated_replies on enrollments.enrollment_id = automated_replies.enrollment_id

),

steps as (

    select
        enrollment_id,
        step_number,
        count(case when is_delivered then 1 end) > 0 as has_delivery
    from messages
    where step_number is not null
    group by enrollment_id, step_number

),

classes as (

    select distinct reply_class
    from flagged
    where is_replied and reply_class is not null

)

select
    enrollment_id,
    person_key,
    has_delivery,
    'all' as slice,
    'all' as slice_value,
    is_replied,
    is_replied_or_automated
from flagged

union all

select
    enrollment_id,
    person_key,
    has_delivery,
    'sequence' as slice,
    sequence_id as slice_value,
    is_replied,
    is_replied_or_automated
from flagged

union all

select
    enrollment_id,
    person_key,
    has_delivery,
    'mailbox' as slice,
    mailbox as slice_value,
    is_replied,
    is_replied_or_automated
from flagged

union all

select
    enrollment_id,
    person_key,
    has_delivery,
    'week' as slice,
    cast(enrolled_week as varchar) as slice_value,
    is_replied,
    is_replied_or_automated
from flagged

union all

-- Of those who got the step, how many answered it.
select
    flagged.enrollment_id,
    flagged.person_key,
    steps.has_delivery,
    'step' as slice,
    cast(steps.step_number as varchar) as slice_value,
    flagged.is_replied and flagged.reply_step = steps.step_number as is_replied,
    flagged.is_replied_or_automated and flagged.reply_step = steps.step_number
        as is_replied_or_automated
from flagged
inner join steps on flagged.enrollment_id = steps.enrollment_id

union all

-- Of all, how many answered in this vein.
select
    flagged.enrollment_id,
    flagged.person_key,
    flagged.has_delivery,
    'reply_class' as slice,
    classes.reply_class as slice_value,
    flagged.is_replied and coalesce(flagged.reply_class, '') = classes.reply_class as is_replied,
    flagged.is_replied and coalesce(flagged.reply_class, '') = classes.reply_class
        as is_replied_or_automated
from flagged
cross join classes
