{#- Parts of the actor rules (C1, C2) that models share. -#}

{#- A parameter of a rule, or what the what-if puts in its place: {'R07_too_fast_click': {'seconds': 2}}. -#}
{% macro changed_parameter(parameter, changes) -%}
    {%- set concerned = [] -%}
    {%- for rule_id, values in changes.items() if parameter in values -%}
        {%- do concerned.append(rule_id) -%}
    {%- endfor -%}
    {%- if concerned -%}
        case rule_id
            {%- for rule_id in concerned %}
            {%- set value = changes[rule_id][parameter] %}
            when '{{ rule_id }}' then {{ "'" ~ value ~ "'" if value is string else value | lower }}
            {%- endfor %}
            else {{ parameter }}
        end
    {%- else -%}
        {{ parameter }}
    {%- endif -%}
{%- endmacro %}

{#- A rule's parameter as a column of one row; null where the rule is switched off. -#}
{% macro rule_parameter(rule_id, parameter) -%}
    max(case when rule_id = '{{ rule_id }}' then {{ parameter }} end)
{%- endmacro %}

{#- The rows of a group that happened up to so many seconds before and after one of them. -#}
{% macro within_seconds(group_by, moment, before=none, after=none) -%}
    {{ adapter.dispatch('within_seconds', 'touchline')(group_by, moment, before, after) }}
{%- endmacro %}

{% macro duckdb__within_seconds(group_by, moment, before, after) -%}
    {#- sqlfluff knows no frame that a column bounds. -#}
    {%- set span = "interval '1' second" if target.name == 'lint' else 'to_seconds(%s)' -%}
    partition by {{ group_by }}
    order by {{ moment }}
    range between
    {{ span | replace('%s', before) ~ ' preceding' if before else 'current row' }}
    and {{ span | replace('%s', after) ~ ' following' if after else 'current row' }}
{%- endmacro %}

{#- How many different values such rows have; few engines count them over a window. -#}
{% macro distinct_within_seconds(value, group_by, moment, before=none, after=none) -%}
    {{ adapter.dispatch('distinct_within_seconds', 'touchline')(
        value, group_by, moment, before, after
    ) }}
{%- endmacro %}

{% macro duckdb__distinct_within_seconds(value, group_by, moment, before, after) -%}
    count(distinct {{ value }}) over (
        {{ touchline.within_seconds(group_by, moment, before, after) }}
    )
{%- endmacro %}
