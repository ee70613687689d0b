with

-- D2: only where both captures were possible.
messages as (

    select * from {{ ref('messages') }}
    where
        origin = 'sequence'
        and open_tracking_enabled
        and click_tracking_enabled
        and is_delivered
        and sequence_id is not null

),

mailings as (

    select
        sequence_id,
        mail_provider,
        recipient_email,
        count(*) as tracked_count,
        count(case when human_open_count > 0 then 1 end) as opened_count,
        count(case when human_click_count > 0 then 1 end) as clicked_count,
        count(case when human_open_count > 0 and human_click_count > 0 then 1 end) as both_count
    from messages
    group by sequence_id, mail_provider, recipient_email

),

parts as (

    select
        'all' as stratum,
        'all' as stratum_value,
        mailings.*
    from mailings

    union all

    select
        'sequence' as stratum,
        mailings.sequence_id as stratum_value,
        mailings.*
    from mailings

    union all

    select
        'mail_provider' as stratum,
        mailings.mail_provider as stratum_value,
        mailings.*
    from mailings

),

-- Messages to one person are not independent of each other, so what follows counts by person.
people as (

    select
        stratum,
        stratum_value,
        mail_provider,
        recipient_email,
        sum(tracked_count) as tracked_count,
        sum(opened_count) as opened_count,
        sum(clicked_count) as clicked_count,
        sum(both_count) as both_count
    from parts
    group by stratum, stratum_value, mail_provider, recipient_email

),

cells as (

    select
        stratum,
        stratum_value,
        mail_provider,
        sum(tracked_count) as tracked_count,
        sum(opened_count) as opened_count,
        sum(clicked_count) as clicked_count,
        sum(both_count) as both_count,
        sum(both_count * both_count) as squares_of_both,
        sum(both_count * opened_count) as products,
        sum(opened_count * opened_count) as squares_of_opened
    from people
    group by stratum, stratum_value, mail_provider

),

ranked as (

    select
        *,
        sum(both_count) over (
            partition by stratum, stratum_value
            order by both_count, mail_provider
            rows between unbounded preceding and current row
        ) - both_count as both_count_of_smaller
    from cells

),

-- Providers with too few are put together, and with them the next larger one if all of them are
-- too few even so.
strata as (

    select
        stratum,
        stratum_value,
        sum(tracked_count) as tracked_count,
        sum(opened_count) as opened_count,
        sum(clicked_count) as clicked_count,
        sum(both_count) as both_count,
        sum(squares_of_both) as squares_of_both,
        sum(products) as products,
        sum(squares_of_opened) as squares_of_opened
    from ranked
    group by
        stratum,
        stratum_value,
        case
            when
                both_count >= {{ var('coverage_minimum_both') }}
                and both_count_of_smaller >= {{ var('coverage_minimum_both') }}
                then mail_provider
        end

),

-- D6: opens and clicks are two captures of the same readings.
estimated as (

    select
        *,
        {{ chapman_estimate('opened_count', 'clicked_count', 'both_count') }} as readers,
        {{ unseen_estimate('opened_count', 'clicked_count', 'both_count') }} as unseen,
        {{ unseen_log_variance('opened_count', 'clicked_count', 'both_count') }} as log_variance,
        {{ variance_inflation(
            'squares_of_both', 'products', 'squares_of_opened', 'opened_count', 'both_count'
        ) }} as inflation
    from strata

),

summed as (

    select
        stratum,
        stratum_value,
        count(*) as strata_count,
        sum(tracked_count) as tracked_count,
        sum(opened_count) as opened_count,
        sum(clicked_count) as clicked_count,
        sum(both_count) as both_count,
        sum(opened_count + clicked_count - both_count) as seen_count,
        sum(readers) as readers,
        sum(unseen) as unseen,
        sum(unseen * unseen * log_variance * inflation) as variance
    from estimated
    group by stratum, stratum_value

),

bounded as (

    select
        *,
        {{ log_normal_bound(
            'seen_count - 0.5 * strata_count', 'unseen', 'variance / (unseen * unseen)', 'low'
        ) }} as readers_low,
        {{ log_normal_bound(
            'seen_count - 0.5 * strata_count', 'unseen', 'variance / (unseen * unseen)', 'high'
        ) }} as readers_high
    from summed

),

-- Nobody reads what was not sent, and whoever left a sign has read.
shown as (

    select
        *,
        least(readers, tracked_count) as readers_estimate,
        least(greatest(readers_low, seen_count), readers, tracked_count) as readers_floor,
        least(greatest(readers_high, readers), tracked_count) as readers_ceiling
    from bounded
    where both_count >= {{ var('coverage_minimum_both') }}

)

select
    summed.stratum,
    summed.stratum_value,
    case when shown.stratum is null then 'too_few' else 'estimated' end as status,
    cast(summed.tracked_count as bigint) as tracked_count,
    cast(summed.opened_count as bigint) as opened_count,
    cast(summed.clicked_count as bigint) as clicked_count,
    cast(summed.both_count as bigint) as both_count,
    cast(summed.seen_count as bigint) as seen_count,
    shown.strata_count,
    cast(shown.readers_estimate as double) as readers_estimate,
    {{ rate('shown.opened_count', 'shown.readers_estimate') }} as coverage_rate,
    {{ rate('shown.opened_count', 'shown.readers_ceiling') }} as coverage_low,
    {{ rate('shown.opened_count', 'shown.readers_floor') }} as coverage_high,
    {{ rate('shown.readers_estimate', 'shown.tracked_count') }} as estimated_open_rate,
    {{ rate('shown.readers_floor', 'shown.tracked_count') }} as estimated_open_rate_low,
    {{ rate('shown.readers_ceiling', 'shown.tracked_count') }} as estimated_open_rate_high
from summed
left join shown
    on summed.stratum = shown.stratum and summed.stratum_value = shown.stratum_value
