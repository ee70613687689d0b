-- F6: a play that names a status, class or group that does not exist fails the build, by name.
{{ config(meta={'dagster': {'ref': {'name': 'status_plays'}}}) }}

with

plays as (

    select * from {{ ref('status_plays') }}

),

statuses as (

    select status from {{ ref('status_precedence') }}

),

reply_classes as (

    select * from {{ ref('reply_classes') }}

),

named as (

    select
        priority,
        'play ' || priority || ': status ' || status as mistake
    from plays
    where status not in (select statuses.status from statuses)

    union all

    select
        priority,
        'play ' || priority || ': reply class ' || reply_class as mistake
    from plays
    where reply_class not in (select reply_classes.reply_class from reply_classes)

    union all

    select
        priority,
        'play ' || priority || ': reply group ' || reply_group as mistake
    from plays
    where reply_group not in (select reply_classes.reply_group from reply_classes)

),

listed as (

    select
        count(*) as mistake_count,
        {{ join_texts('mistake', 'priority, mistake') }} as mistakes
    from named

)

select mistakes
from listed
where case
    when mistake_count > 0
        then {{ fail_with("'Plays name what there is not: ' || mistakes
            || '. Mend seeds/status_plays.csv and run again; the names are those of the seeds '
            || 'status_precedence and reply_classes.'") }}
end
