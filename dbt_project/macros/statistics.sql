{#-
    Wilson score interval of a proportion (Wilson 1927, JASA 22:209): better than the normal
    interval for the small counts and low rates of sales email. Null without a denominator.
-#}
{% macro wilson_bound(successes, total, side) -%}
    {%- set z = var('interval_z') -%}
    {%- set p = '(' ~ successes ~ ' * 1.0 / ' ~ total ~ ')' -%}
    case
        when {{ total }} > 0
            then cast(
                {{ 'greatest(0.0' if side == 'low' else 'least(1.0' }}, (
                    {{ p }} + {{ z * z / 2 }} / {{ total }}
                    {{ '-' if side == 'low' else '+' }} {{ z }} * sqrt(
                        ({{ p }} * (1 - {{ p }}) + {{ z * z / 4 }} / {{ total }}) / {{ total }}
                    )
                ) / (1 + {{ z * z }} / {{ total }})) as double
            )
    end
{%- endmacro %}

{% macro rate(successes, total) -%}
    cast({{ successes }} * 1.0 / nullif({{ total }}, 0) as double)
{%- endmacro %}

{#- The middle value of a group; between two, their mean. -#}
{% macro median(value) -%}
    {{ adapter.dispatch('median', 'touchline')(value) }}
{%- endmacro %}

{% macro duckdb__median(value) -%}
    median({{ value }})
{%- endmacro %}
