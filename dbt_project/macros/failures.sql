{#- Ends the query with a message that says what to do; it is asked only of rows that it is met for. -#}
{% macro fail_with(message) -%}
    {{ adapter.dispatch('fail_with', 'touchline')(message) }}
{%- endmacro %}

{% macro duckdb__fail_with(message) -%}
    error({{ message }})
{%- endmacro %}
