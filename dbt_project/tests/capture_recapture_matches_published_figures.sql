-- D6: hepatitis A in a college, pairs of three lists (Chao et al. 2001, Statistics in Medicine
-- 20:3123; data HAV and interval of Chao 1987 in the R package CARE1), and the turtles of the
-- Wikipedia article "Mark and recapture": 10, 15 and 5, interval 22 to 65. The interval with half
-- counts has no published figures for the lists: worked out by hand from Sadinle (2009).
-- depends_on: {{ ref('tracking_coverage') }}
with

published as (

    select
        135 as listed,
        122 as listed_again,
        49 as both_count,
        333.56 as estimate,
        288.68 as low,
        403.41 as high,
        289.24 as half_low,
        409.31 as half_high
    union all
    select
        135 as listed,
        126 as listed_again,
        45 as both_count,
        374.48 as estimate,
        318.61 as low,
        460.76 as high,
        319.42 as half_low,
        468.37 as half_high
    union all
    select
        10 as listed,
        15 as listed_again,
        5 as both_count,
        28.33 as estimate,
        22.39 as low,
        49.11 as high,
        21.94 as half_low,
        64.67 as half_high

),

prepared as (

    select
        *,
        listed + listed_again - both_count as seen,
        {{ chapman_estimate('listed', 'listed_again', 'both_count') }} as computed,
        {{ unseen_estimate('listed', 'listed_again', 'both_count') }} as unseen,
        {{ unseen_log_variance('listed', 'listed_again', 'both_count') }} as log_variance,
        -- Seber's variance of Chapman's estimate, for the interval as published.
        (listed + 1.0)
        * (listed_again + 1)
        * (listed - both_count)
        * (listed_again - both_count)
        / ((both_count + 1) * (both_count + 1) * (both_count + 2)) as variance
    from published

),

computed as (

    select
        *,
        {{ log_normal_bound(
            'seen',
            '(computed - seen)',
            'ln(1 + variance / ((computed - seen) * (computed - seen)))',
            'low'
        ) }} as computed_low,
        {{ log_normal_bound(
            'seen',
            '(computed - seen)',
            'ln(1 + variance / ((computed - seen) * (computed - seen)))',
            'high'
        ) }} as computed_high,
        {{ log_normal_bound('seen - 0.5', 'unseen', 'log_variance', 'low') }} as computed_half_low,
        {{ log_normal_bound('seen - 0.5', 'unseen', 'log_variance', 'high') }}
            as computed_half_high
    from prepared

)

select *
from computed
where
    abs(computed - estimate) > 0.006
    or abs(computed_low - low) > 0.006
    or abs(computed_high - high) > 0.006
    or abs(computed_half_low - half_low) > 0.006
    or abs(computed_half_high - half_high) > 0.006
