with

messages as (

    select * from {{ ref('messages') }}
    where
        origin = 'sequence'
        and open_tracking_enabled
        and click_tracking_enabled
        and delivered_at is not null

),

strata as (

    select
        'sequence' as stratum,
        messages.sequence_id as stratum_value,
        messages.human_open_count,
        messages.human_click_count
    from messages

    union all

    select
        'mail_provider' as stratum,
        messages.mail_provider as stratum_value,
        messages.human_open_count,
        messages.human_click_count
    from messages

),

counted as (

    select
        stratum,
        stratum_value,
        count(*) as tracked_count,
        count(case when human_open_count > 0 then 1 end) as opened_count,
        count(case when human_click_count > 0 then 1 end) as clicked_count,
        count(case when human_open_count > 0 and human_click_count > 0 then 1 end) as both_count
    from strata
    where stratum_value is not null
    group by stratum, stratum_value

),

-- D6: opens and clicks are two captures of the same readers (Chapman 1951). Of those who clicked,
-- and so certainly read, the share whose open was recorded is the coverage of open tracking.
estimated as (

    select
        *,
        both_count >= {{ var('coverage_minimum_both') }} as has_estimate,
        (opened_count + 1.0) * (clicked_count + 1.0) / (both_count + 1.0) - 1 as readers_estimate
    from counted

)

select
    stratum,
    stratum_value,
    tracked_count,
    opened_count,
    clicked_count,
    both_count,
    case when has_estimate then {{ rate('both_count', 'clicked_count') }} end as coverage_rate,
    case when has_estimate then {{ wilson_bound('both_count', 'clicked_count', 'low') }} end
        as coverage_low,
    case when has_estimate then {{ wilson_bound('both_count', 'clicked_count', 'high') }} end
        as coverage_high,
    case
        when has_estimate
            then cast(least(1.0, readers_estimate / nullif(tracked_count, 0)) as double)
    end as estimated_open_rate
from estimated
