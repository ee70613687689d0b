-- E1: some rule decides what kind of mail every mail is.
{{ config(meta={'dagster': {'ref': {'name': 'inbound_rules'}}}) }}

with

rules as (

    select * from {{ ref('inbound_rules') }}
    where decides = 'kind'

),

last_place as (

    select max(priority) as priority
    from rules

),

default_rule as (

    select count(*) as is_there
    from rules
    inner join last_place on rules.priority = last_place.priority
    where rules.rule_id = 'human_by_default' and rules.verdict = 'human'

)

select 'human_by_default must be there and have the highest priority of its kind' as remedy
from default_rule
where is_there = 0
