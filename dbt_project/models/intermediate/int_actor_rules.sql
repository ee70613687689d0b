{#- C1, the what-if: {'R07_too_fast_click': {'seconds': 2}} stands in for what the seed
    says. -#}
{%- set changes = var('actor_rule_changes') -%}
{%- set parameters = [
    'priority', 'is_enabled', 'verdict', 'seconds', 'minimum_count', 'minimum_domains',
] -%}

with

rules as (

    select * from {{ ref('actor_rules') }}

),

changed as (

    select
        rule_id,
        applies_to,
        {%- for parameter in parameters %}
            {{ changed_parameter(parameter, changes) }} as {{ parameter }},
        {%- endfor %}
        source
    from rules

)

select
    rule_id,
    applies_to,
    priority,
    verdict,
    seconds,
    minimum_count,
    minimum_domains,
    source
from changed
where is_enabled
