{#- 1, 2, 3, … as long as the list, for numbering its rows when both are unnested together. -#}
{% macro list_positions(list) -%}
    {{ adapter.dispatch('list_positions', 'touchline')(list) }}
{%- endmacro %}

{% macro duckdb__list_positions(list) -%}
    generate_series(1, len({{ list }}))
{%- endmacro %}

{#- How many elements a list has; 0 where there is no list. -#}
{% macro list_length(list) -%}
    {{ adapter.dispatch('list_length', 'touchline')(list) }}
{%- endmacro %}

{% macro duckdb__list_length(list) -%}
    coalesce(len({{ list }}), 0)
{%- endmacro %}

{#- A list, or one null where it is empty: whoever makes rows of it loses nothing. -#}
{% macro list_of_at_least_one(list) -%}
    {{ adapter.dispatch('list_of_at_least_one', 'touchline')(list) }}
{%- endmacro %}

{% macro duckdb__list_of_at_least_one(list) -%}
    case when len({{ list }}) > 0 then {{ list }} else [null] end
{%- endmacro %}

{#- The last element of a list; null when it is empty. -#}
{% macro list_last(list) -%}
    {{ adapter.dispatch('list_last', 'touchline')(list) }}
{%- endmacro %}

{% macro duckdb__list_last(list) -%}
    {{ list }}[-1]
{%- endmacro %}

{#- The value of the first of {name, value} records with a name, in lower case or capitals. -#}
{% macro value_by_name(records, name) -%}
    {{ adapter.dispatch('value_by_name', 'touchline')(records, name) }}
{%- endmacro %}

{% macro duckdb__value_by_name(records, name) -%}
    list_filter({{ records }}, lambda r: lower(r.name) = lower('{{ name }}'))[1].value
{%- endmacro %}

{#- A list of texts without those that were there before, in whatever case: the order of the first. -#}
{% macro distinct_texts(texts) -%}
    {{ adapter.dispatch('distinct_texts', 'touchline')(texts) }}
{%- endmacro %}

{% macro duckdb__distinct_texts(texts) -%}
    {%- set known = "list_transform(" ~ texts ~ ", lambda text: lower(trim(text)))" -%}
    list_transform(
        list_sort(list_distinct(list_transform(
            {{ known }}, lambda text: list_position({{ known }}, text)
        ))),
        lambda place: trim({{ texts }}[place])
    )
{%- endmacro %}
