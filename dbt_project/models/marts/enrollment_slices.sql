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

answers as (

    select * from {{ ref('int_enrollments__reply_classes') }}

),

deliveries as (

    select
        enrollment_id,
        count(case when is_delivered then 1 end) > 0 as has_delivery
    from messages
    group by enrollment_id

),

-- Of the replies that may count: a person's where the enrollment is replied, else a machine's.
counted_replies as (

    select
        replies.enrollment_id,
        case
            when answered.message_key is not null then answered.step_number
            when latest.message_key is not null then latest.step_number
            else enrollments.last_step_number
        end as step_number,
        row_number() over (
            partition by replies.enrollment_id
            order by
                replies.received_at asc,
                replies.reply_key asc,
                latest.sent_at desc,
                latest.step_number desc nulls last,
                latest.message_key desc
        ) as from_first
    from replies
    inner join enrollments
        on
            replies.enrollment_id = enrollments.enrollment_id
            and replies.is_automated = (enrollments.status != 'replied')
    left join messages as answered on replies.message_key = answered.message_key
    -- Mail out of sequence answers no message: it counts for the last step sent before it.
    left join messages as latest
        on
            replies.enrollment_id = latest.enrollment_id
            and replies.received_at >= latest.sent_at
    where not replies.is_automated or replies.match in ('in_thread', 'probable')

),

-- G1: an enrollment counts as replied when it stands as Finished: Replied.
flagged as (

    select
        enrollments.enrollment_id,
        coalesce(enrollments.sequence_id, 'unknown') as sequence_id,
        people.person_key,
        coalesce(enrollments.mailbox, 'unknown') as mailbox,
        coalesce(cast({{ week_of('enrollments.enrolled_at') }} as varchar), 'unknown')
            as enrolled_week,
        coalesce(deliveries.has_delivery, false) as has_delivery,
        enrollments.status = 'replied' as is_replied,
        enrollments.status = 'replied' or answers.initial_automated_class is not null
            as is_replied_or_automated,
        coalesce(
            cast(case
                when counted_replies.enrollment_id is not null then counted_replies.step_number
                else enrollments.last_step_number
            end as varchar),
            'none'
        ) as reply_step,
        case
            when enrollments.status = 'replied'
                then coalesce(answers.initial_human_class, 'Unclassified')
            else answers.initial_automated_class
        end as reply_class
    from enrollments
    inner join people on enrollments.enrollment_id = people.enrollment_id
    left join answers on enrollments.enrollment_id = answers.enrollment_id
    left join deliveries on enrollments.enrollment_id = deliveries.enrollment_id
    left join counted_replies
        on
            enrollments.enrollment_id = counted_replies.enrollment_id
            and counted_replies.from_first = 1

),

-- Whoever was written to without a step, or not yet, is at none.
steps as (

    select
        enrollments.enrollment_id,
        coalesce(cast(messages.step_number as varchar), 'none') as step,
        count(case when messages.is_delivered then 1 end) > 0 as has_delivery
    from enrollments
    left join messages on enrollments.enrollment_id = messages.enrollment_id
    group by enrollments.enrollment_id, coalesce(cast(messages.step_number as varchar), 'none')

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
    enrolled_week as slice_value,
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
    steps.step as slice_value,
    flagged.is_replied and flagged.reply_step = steps.step as is_replied,
    flagged.is_replied_or_automated and flagged.reply_step = steps.step
        as is_replied_or_automated
from flagged
inner join steps on flagged.enrollment_id = steps.enrollment_id

union all

-- In which vein they answered; a machine's answer where no person's counts. Whoever gave none is
-- in the denominator all the same: it is that of the slice `all`.
select
    enrollment_id,
    person_key,
    has_delivery,
    'reply_class' as slice,
    reply_class as slice_value,
    is_replied,
    is_replied_or_automated
from flagged
where reply_class is not null
