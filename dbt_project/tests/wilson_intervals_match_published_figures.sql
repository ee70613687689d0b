-- G1: Newcombe (1998), Statistics in Medicine 17:857, table I, method 3.
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
where abs(computed_low - low) > 0.00006 or abs(computed_high - high) > 0.00006
