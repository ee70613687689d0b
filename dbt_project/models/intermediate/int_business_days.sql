{#- A break of more days than this has no end in sight. -#}
{%- set days_ahead = 60 -%}

with recursive

replies as (

    select * from {{ ref('int_replies__attributed') }}

),

spells as (

    select * from {{ ref('int_audiences__spells') }}

),

holidays as (

    select * from {{ ref('holidays') }}

),

offsets as (

    select 0 as day_count
    union all
    select day_count + 1 as day_count
    from offsets
    where day_count < {{ days_ahead }}

),

asked_for as (

    select {{ local_day('received_at') }} as day_on
    from replies
    union
    select since_on as day_on
    from spells

),

days as (

    select distinct {{ days_later('asked_for.day_on', 'offsets.day_count') }} as day_on
    from asked_for
    cross join offsets

),

marked as (

    select
        days.day_on,
        {{ day_of_week('days.day_on') }} not in ({{ var('weekend_days') | join(', ') }})
        and holidays.holiday_on is null as is_business_day
    from days
    left join holidays on days.day_on = holidays.holiday_on

),

followed as (

    select
        day_on,
        is_business_day,
        min(case when is_business_day then day_on end) over (
            order by day_on rows between 1 following and unbounded following
        ) as next_business_day_on
    from marked

)

select
    followed.day_on,
    followed.is_business_day,
    followed.next_business_day_on
from followed
inner join asked_for on followed.day_on = asked_for.day_on
