with

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

replies as (

    select * from {{ ref('int_replies__attributed') }}
    where enrollment_id is not null

),

labels as (

    select * from {{ ref('reply_labels') }}

),

ordered_replies as (

    select
        enrollment_id,
        reply_class,
        is_automated,
        row_number() over (
            partition by enrollment_id, is_automated order by received_at, reply_key
        ) as from_first,
        row_number() over (
            partition by enrollment_id, is_automated order by received_at desc, reply_key desc
        ) as from_last
    from replies
    -- What a machine sends of its own accord answers nothing.
    where not is_automated or match in ('in_thread', 'probable')

),

heard as (

    select
        enrollment_id,
        max(case when not is_automated and from_first = 1 then reply_class end)
            as initial_human_class,
        max(case when not is_automated and from_last = 1 then reply_class end)
            as latest_human_class,
        max(case when is_automated and from_first = 1 then reply_class end)
            as initial_automated_class,
        max(case when is_automated and from_last = 1 then reply_class end)
            as latest_automated_class
    from ordered_replies
    group by enrollment_id

),

-- Of several labels, the first that means a class.
told as (

    select
        enrollments.enrollment_id,
        labels.reply_class,
        row_number() over (
            partition by enrollments.enrollment_id
            order by
                strpos(
                    ', ' || lower(enrollments.reply_labels) || ', ',
                    ', ' || lower(labels.label) || ', '
                ),
                labels.label
        ) as preference
    from enrollments
    inner join labels
        on
            strpos(
                ', ' || lower(enrollments.reply_labels) || ', ',
                ', ' || lower(labels.label) || ', '
            ) > 0
            and not labels.is_automated

)

-- E6: the label of a reply that no mailbox holds stands in for it.
select
    enrollments.enrollment_id,
    coalesce(heard.initial_human_class, told.reply_class) as initial_human_class,
    coalesce(heard.latest_human_class, told.reply_class) as latest_human_class,
    heard.initial_automated_class,
    heard.latest_automated_class
from enrollments
left join heard on enrollments.enrollment_id = heard.enrollment_id
left join told on enrollments.enrollment_id = told.enrollment_id and told.preference = 1
where coalesce(heard.enrollment_id, told.enrollment_id) is not null
