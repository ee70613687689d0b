{#- What is said of a row by the rows before it. -#}

{#- The last value up to this row that is not null, within a partition and in an order. -#}
{% macro last_known(value, partition, order) -%}
    {{ adapter.dispatch('last_known', 'touchline')(value, partition, order) }}
{%- endmacro %}

{% macro duckdb__last_known(value, partition, order) -%}
    last_value({{ value }} ignore nulls) over (
        partition by {{ partition }}
        order by {{ order }}
        rows between unbounded preceding and current row
    )
{%- endmacro %}
