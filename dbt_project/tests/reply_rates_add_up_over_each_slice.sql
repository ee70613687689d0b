-- G1, E8: the parts of each slice are the whole, automated replies in and out. An enrollment is in
-- one part of sequence, mailbox and week; it counts as replied in one step and in one class, of all
-- those that it is in; a person may be in several parts of anything.
{{ config(meta={'dagster': {'ref': {'name': 'reply_rates'}}}) }}

with

rates as (

    select * from {{ ref('reply_rates') }}

),

whole as (

    select * from rates
    where slice = 'all'

),

expected as (

    select 'sequence' as slice
    union all
    select 'step' as slice
    union all
    select 'mailbox' as slice
    union all
    select 'week' as slice
    union all
    select 'reply_class' as slice

),

parts as (

    select
        slice,
        denominator,
        includes_automated,
        sum(replied_count) as replied_count,
        max(replied_count) as most_replied_count,
        sum(denominator_count) as denominator_count,
        min(denominator_count) as least_denominator_count,
        max(denominator_count) as most_denominator_count
    from rates
    where slice != 'all'
    group by slice, denominator, includes_automated

),

compared as (

    select
        parts.*,
        whole.replied_count as whole_replied_count,
        whole.denominator_count as whole_count
    from parts
    inner join whole
        on
            parts.denominator = whole.denominator
            and parts.includes_automated = whole.includes_automated

),

mistakes as (

    select
        slice,
        denominator,
        includes_automated,
        case
            when
                denominator = 'people' and not (
                    most_replied_count <= whole_replied_count
                    and whole_replied_count <= replied_count
                )
                then 'people who replied'
            when
                denominator = 'people' and not (
                    most_denominator_count <= whole_count and whole_count <= denominator_count
                )
                then 'people'
            when
                denominator = 'delivered'
                and slice = 'step'
                -- Here a step asks whether it was delivered itself.
                and replied_count > whole_replied_count
                then 'replied'
            when
                denominator != 'people'
                and not (denominator = 'delivered' and slice = 'step')
                and replied_count != whole_replied_count
                then 'replied'
            when
                denominator != 'people'
                and slice in ('sequence', 'mailbox', 'week')
                and denominator_count != whole_count
                then 'denominator'
            when
                slice = 'reply_class' and not (
                    least_denominator_count = whole_count and most_denominator_count = whole_count
                )
                then 'denominator'
            when slice = 'step' and denominator = 'enrolled' and denominator_count < whole_count
                then 'denominator'
        end as mistake
    from compared

)

select
    slice,
    denominator,
    includes_automated,
    mistake
from mistakes
where mistake is not null

union all

select
    slice,
    denominator,
    includes_automated,
    'rate of ' || slice_value as mistake
from rates
where
    replied_count > denominator_count
    or reply_rate < rate_low
    or reply_rate > rate_high

union all

-- Every slice is there, a reply class as soon as anybody answered.
select
    expected.slice,
    whole.denominator,
    whole.includes_automated,
    'no part' as mistake
from whole
cross join expected
left join parts
    on
        expected.slice = parts.slice
        and whole.denominator = parts.denominator
        and whole.includes_automated = parts.includes_automated
where parts.slice is null and (expected.slice != 'reply_class' or whole.replied_count > 0)
