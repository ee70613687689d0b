-- C2: some rule decides every open and click, and it is certain which.
with

rules as (

    select * from {{ ref('int_actor_rules') }}

),

last_place as (

    select max(priority) as priority
    from rules

),

default_rule as (

    select count(*) as is_there
    from rules
    cross join last_place
    where
        rules.rule_id = 'R16_default'
        and rules.applies_to = 'both'
        and rules.priority = last_place.priority
        and rules.priority < 1000000

)

select 'R16_default must be switched on and have the highest priority' as remedy
from default_rule
where is_there = 0
