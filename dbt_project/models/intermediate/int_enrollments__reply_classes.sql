with

replies as (

    select * from {{ ref('int_replies__attributed') }}
    where enrollment_id is not null

),

told_replies as (

    select * from {{ ref('int_enrollments__told_replies') }}

),

answers as (

    select
        enrollment_id,
        reply_key,
        reply_class,
        is_automated,
        received_at
    from replies
    -- What a machine sends of its own accord answers nothing.
    where not is_automated or match in ('in_thread', 'probable')

    union all

    select
        enrollment_id,
        cast(null as varchar) as reply_key,
        reply_class,
        false as is_automated,
        received_at
    from told_replies

),

ordered_replies as (

    select
        enrollment_id,
        reply_class,
        is_automated,
        row_number() over (
            partition by enrollment_id, is_automated
            order by received_at nulls last, reply_key
        ) as from_first,
        row_number() over (
            partition by enrollment_id, is_automated
            order by received_at desc nulls last, reply_key desc
        ) as from_last
    from answers

)

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
