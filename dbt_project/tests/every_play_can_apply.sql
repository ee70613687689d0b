-- F6: a play that another one always comes before, or that contradicts itself, never applies.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'status_plays'}}}) }}

with

plays as (

    select
        status_plays.*,
        coalesce(status_plays.reply_group, reply_classes.reply_group) as meant_group,
        reply_classes.reply_group as group_of_class
    from {{ ref('status_plays') }} as status_plays
    left join {{ ref('reply_classes') }} as reply_classes
        on status_plays.reply_class = reply_classes.reply_class

),

enrollments as (

    select distinct sequence_id
    from {{ ref('enrollments') }}

)

select
    play.priority,
    'play ' || earlier.priority || ' takes whatever it would' as why
from plays as play
inner join plays as earlier
    on
        play.priority > earlier.priority
        and (earlier.status is null or play.status = earlier.status)
        and (earlier.reply_class is null or play.reply_class = earlier.reply_class)
        and (earlier.reply_group is null or play.meant_group = earlier.reply_group)
        and (earlier.sequence_id is null or play.sequence_id = earlier.sequence_id)

union all

select
    priority,
    'its reply class is of the group ' || group_of_class as why
from plays
where reply_group != group_of_class

union all

select
    plays.priority,
    'nobody was ever enrolled in the sequence ' || plays.sequence_id as why
from plays
left join enrollments on plays.sequence_id = enrollments.sequence_id
where plays.sequence_id is not null and enrollments.sequence_id is null
