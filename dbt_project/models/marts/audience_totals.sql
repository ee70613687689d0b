with

audiences as (

    select * from {{ ref('audiences') }}

),

measured as (

    select * from {{ ref('int_audiences__measured') }}
    where is_latest

),

totals as (

    select
        audience,
        count(value) as measured_count,
        count(case when is_member then 1 end) as member_count,
        sum(cast(value as decimal(18, 6))) as value_total,
        sum(cast(case when is_member then value end as decimal(18, 6))) as member_value_total
    from measured
    group by audience

)

select
    audiences.audience,
    audiences.metric,
    audiences.comparison,
    audiences.threshold,
    audiences.window_days,
    coalesce(audiences.includes_automated, false) as includes_automated,
    nullif(trim(audiences.sequence), '') as sequence,
    coalesce(nullif(trim(audiences.action), ''), 'none') as action,
    cast(coalesce(totals.measured_count, 0) as bigint) as measured_count,
    cast(coalesce(totals.member_count, 0) as bigint) as member_count,
    cast(totals.value_total as double) as value_total,
    cast(totals.member_value_total as double) as member_value_total
from audiences
left join totals on audiences.audience = totals.audience
