-- F1, F5: the history has one open row per enrollment, and its rows meet without gap or overlap.
{{ config(meta={'dagster': {'ref': {'name': 'enrollment_status_history'}}}) }}

with

history as (

    select * from {{ ref('enrollment_status_history') }}

),

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

now as (

    select
        enrollments.enrollment_id,
        count(history.enrollment_id) as open_rows
    from enrollments
    left join history
        on enrollments.enrollment_id = history.enrollment_id and history.valid_to is null
    group by enrollments.enrollment_id

),

periods as (

    select
        enrollment_id,
        valid_from,
        valid_to,
        lead(valid_from) over (
            partition by enrollment_id order by valid_from, valid_to nulls last
        ) as next_valid_from
    from history

)

select enrollment_id
from now
where open_rows != 1

union all

select enrollment_id
from periods
where
    valid_to <= valid_from
    or valid_to is distinct from next_valid_from
