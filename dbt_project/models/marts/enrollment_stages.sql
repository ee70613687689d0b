with

enrollments as (

    select * from {{ ref('enrollments') }}

),

answers as (

    select * from {{ ref('int_enrollments__reply_classes') }}

),

reply_classes as (

    select * from {{ ref('reply_classes') }}

),

plays as (

    select * from {{ ref('status_plays') }}

),

-- In what vein the person answered last; a machine's answer counts where no person's did.
answered as (

    select
        enrollments.enrollment_id,
        enrollments.sequence_id,
        enrollments.status,
        coalesce(
            answers.latest_human_class,
            case when enrollments.status = 'replied' then 'Unclassified' end,
            answers.latest_automated_class
        ) as reply_class
    from enrollments
    left join answers on enrollments.enrollment_id = answers.enrollment_id

),

described as (

    select
        answered.*,
        reply_classes.reply_group
    from answered
    left join reply_classes on answered.reply_class = reply_classes.reply_class

),

-- F6: an empty cell takes any; of the plays that apply, the first counts.
played as (

    select
        described.*,
        plays.priority as play_priority,
        plays.crm_value,
        row_number() over (
            partition by described.enrollment_id order by plays.priority
        ) as preference
    from described
    left join plays
        on
            (plays.status is null or described.status = plays.status)
            and (plays.reply_class is null or described.reply_class = plays.reply_class)
            and (plays.reply_group is null or described.reply_group = plays.reply_group)
            and (plays.sequence_id is null or described.sequence_id = plays.sequence_id)

)

select
    enrollment_id,
    status,
    reply_class,
    reply_group,
    crm_value as sequence_stage,
    play_priority
from played
where preference = 1
