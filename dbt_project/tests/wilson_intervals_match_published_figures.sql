-- G1: Newcombe (1998), Statistics in Medicine 17:857, table I, method 3.
with

published as (

    select 81 as successes, 263 as total, 0.2553 as low, 0.3662 as high
    union all
    select 15, 148, 0.0624, 0.1605
    union all
    select 0, 20, 0.0000, 0.1611
    union all
    select 1, 29, 0.0061, 0.1718

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
