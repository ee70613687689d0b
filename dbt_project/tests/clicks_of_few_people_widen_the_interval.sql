-- D6: the factor on the variance, by hand. Four people open three messages each, so pi = 6 / 12.
-- One click each time apart, or two each and evenly: at least 1. All six by two of them:
-- (2 * (3 - 1.5)^2 + 2 * (0 - 1.5)^2) / (12 * 0.5 * 0.5) = 9 / 3 = 3. No clicks, or nothing but
-- clicks: 1.
-- depends_on: {{ ref('tracking_coverage') }}
with

people as (

    select
        'even' as example,
        1 as both_count,
        3 as opened_count,
        2 as people_count,
        1.0 as factor
    union all
    select
        'even' as example,
        2 as both_count,
        3 as opened_count,
        2 as people_count,
        1.0 as factor
    union all
    select
        'few' as example,
        3 as both_count,
        3 as opened_count,
        2 as people_count,
        3.0 as factor
    union all
    select
        'few' as example,
        0 as both_count,
        3 as opened_count,
        2 as people_count,
        3.0 as factor
    union all
    select
        'none' as example,
        0 as both_count,
        3 as opened_count,
        4 as people_count,
        1.0 as factor
    union all
    select
        'full' as example,
        3 as both_count,
        3 as opened_count,
        4 as people_count,
        1.0 as factor

),

summed as (

    select
        example,
        max(factor) as factor,
        sum(people_count * both_count) as both_count,
        sum(people_count * opened_count) as opened_count,
        sum(people_count * both_count * both_count) as squares_of_both,
        sum(people_count * both_count * opened_count) as products,
        sum(people_count * opened_count * opened_count) as squares_of_opened
    from people
    group by example

),

computed as (

    select
        *,
        {{ variance_inflation(
            'squares_of_both', 'products', 'squares_of_opened', 'opened_count', 'both_count'
        ) }} as computed
    from summed

)

select *
from computed
where abs(computed - factor) > 0.000001
