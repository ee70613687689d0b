{#- 1, 2, 3, … as long as the list, for numbering its rows when both are unnested together. -#}
{% macro list_positions(list) -%}
    {{ adapter.dispatch('list_positions', 'touchline')(list) }}
{%- endmacro %}

{% macro duckdb__list_positions(list) -%}
    generate_series(1, len({{ list }}))
{%- endmacro %}
