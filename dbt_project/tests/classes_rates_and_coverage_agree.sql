-- D4, D5, D6: what is opened and clicked is the same to classes, rates and coverage, and the parts
-- of the coverage are those of the whole.
{{ config(meta={'dagster': {'ref': {'name': 'engagement_rates'}}}) }}

with

messages as (

    select * from {{ ref('messages') }}
    where origin = 'sequence'

),

rates as (

    select * from {{ ref('engagement_rates') }}
    where slice = 'all'

),

coverage as (

    select * from {{ ref('tracking_coverage') }}

),

classes as (

    select
        count(
            case when discrepancy_class in ('opened_and_clicked', 'opened_without_click') then 1 end
        ) as opened_count,
        count(
            case when discrepancy_class in ('opened_and_clicked', 'clicked_without_open') then 1 end
        ) as clicked_count
    from messages

),

parts as (

    select
        stratum,
        sum(tracked_count) as tracked_count,
        sum(opened_count) as opened_count,
        sum(clicked_count) as clicked_count,
        sum(both_count) as both_count
    from coverage
    group by stratum

)

select 'classes and rates' as what_differs
from classes
cross join rates
where
    classes.opened_count != rates.opened_count
    or classes.clicked_count != rates.clicked_count

union all

select 'coverage by ' || parts.stratum as what_differs
from parts
inner join parts as whole on whole.stratum = 'all'
where
    parts.tracked_count != whole.tracked_count
    or parts.opened_count != whole.opened_count
    or parts.clicked_count != whole.clicked_count
    or parts.both_count != whole.both_count
