{#- Parts of the actor rules (C1, C2) that models share. -#}

{#- A parameter of a rule, or what the what-if puts in its place: {'R07': {'seconds': 2}}. -#}
{% macro changed_parameter(parameter, changes) -%}
    {%- set concerned = [] -%}
    {%- for rule, values in changes.items() if parameter in values -%}
        {%- do concerned.append(rule) -%}
    {%- endfor -%}
    {%- if concerned -%}
        case
            {%- for rule in concerned %}
            {%- set value = changes[rule][parameter] %}
            when '{{ rule }}' in (rule_id, split_part(rule_id, '_', 1))
                then {{ "'" ~ value ~ "'" if value is string else value | lower }}
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
