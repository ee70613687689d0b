with

measured as (

    select * from {{ ref('int_audiences__measured') }}
    where action != 'none'

),

followed as (

    select
        *,
        lag(is_member) over (
            partition by audience, crm_id order by measured_on
        ) as was_member,
        min(case when not is_member then measured_on end) over (
            partition by audience, crm_id
            order by measured_on
            rows between 1 following and unbounded following
        ) as until_on
    from measured

)

select
    audience,
    metric,
    action,
    crm_object,
    crm_id,
    value,
    measured_on as since_on,
    until_on
from followed
where is_member and not coalesce(was_member, false)
