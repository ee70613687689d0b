-- G1: Newcombe (1998), Statistics in Medicine 17:857, table I, method 3. Below those, of nobody and
-- of all, where rounding must not put the bound beside the rate.
-- depends_on: {{ ref('reply_rates') }}
with

published as (

    select
        81 as successes,
        263 as total,
        0.2553 as low,
        0.3662 as high
    union all
    select
        15 as successes,
        148 as total,
        0.0624 as low,
        0.1605 as high
    union all
    select
        0 as successes,
        20 as total,
        0.0000 as low,
        0.1611 as high
    union all
    select
        1 as successes,
        29 as total,
        0.0061 as low,
        0.1718 as high
    union all
    select
        0 as successes,
        235 as total,
        0.0000 as low,
        0.0161 as high
    union all
    select
        250 as successes,
        250 as total,
        0.9849 as low,
        1.0000 as high

),

computed as (

    select
        *,
        {{ wilson_bound('successes', 'total', 'low') }} as computed_low,
        {{ wilson_bound('successes', 'total', 'high') }} as computed_high
    from published

)

select *
from computed
where
    abs(computed_low - low) > 0.00006
    or abs(computed_high - high) > 0.00006
    or computed_low < 0
    or computed_low > {{ rate('successes', 'total') }}
    or computed_high < {{ rate('successes', 'total') }}
    or computed_high > 1
