-- D5: every slice of a rate is a part of the same whole, and nothing is in two parts of it.
with

rates as (

    select * from {{ ref('engagement_rates') }}

),

whole as (

    select * from rates
    where slice = 'all'

),

sums as (

    select
        slice,
        sum(delivered_count) as delivered_count,
        sum(open_tracked_count) as open_tracked_count,
        sum(opened_count) as opened_count,
        sum(possibly_opened_count) as possibly_opened_count,
        sum(click_tracked_count) as click_tracked_count,
        sum(clicked_count) as clicked_count
    from rates
    group by slice

)

select sums.slice
from sums
cross join whole
where
    sums.delivered_count != whole.delivered_count
    or sums.open_tracked_count != whole.open_tracked_count
    or sums.opened_count != whole.opened_count
    or sums.possibly_opened_count != whole.possibly_opened_count
    or sums.click_tracked_count != whole.click_tracked_count
    or sums.clicked_count != whole.clicked_count

union all

select 'floor, ceiling: ' || slice as slice
from rates
where opened_count > possibly_opened_count or possibly_opened_count > open_tracked_count
