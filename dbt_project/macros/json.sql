{#-
    JSON access, one macro per need, so that another engine needs a dispatch and no model changes.
    `json_record` parses a document once: give the fields and their types (names, `[type]` lists,
    or nested mappings); read them with dots. A value of another type comes out as null.
-#}
{% macro json_record(document, fields) -%}
    {{ adapter.dispatch('json_record', 'touchline')(document, fields) }}
{%- endmacro %}

{% macro duckdb__json_record(document, fields) -%}
    from_json({{ document }}, '{{ tojson(fields) }}')
{%- endmacro %}

{#- The texts of a JSON list as rows: one row per element. -#}
{% macro json_list_rows(list) -%}
    {{ adapter.dispatch('json_list_rows', 'touchline')(list) }}
{%- endmacro %}

{% macro duckdb__json_list_rows(list) -%}
    unnest({{ list }})
{%- endmacro %}

{#- The first record of a JSON list; null when the list is empty. -#}
{% macro json_first(list) -%}
    {{ adapter.dispatch('json_first', 'touchline')(list) }}
{%- endmacro %}

{% macro duckdb__json_first(list) -%}
    {{ list }}[1]
{%- endmacro %}

{#- A list of texts, joined with ", " in their order; null when empty. -#}
{% macro list_of_texts(texts) -%}
    {{ adapter.dispatch('list_of_texts', 'touchline')(texts) }}
{%- endmacro %}

{% macro duckdb__list_of_texts(texts) -%}
    nullif(array_to_string({{ texts }}, ', '), '')
{%- endmacro %}

{#- The names in a list of {name} records, joined with ", " in their order; null when empty. -#}
{% macro list_of_names(records) -%}
    {{ adapter.dispatch('list_of_names', 'touchline')(records) }}
{%- endmacro %}

{% macro duckdb__list_of_names(records) -%}
    nullif(array_to_string(list_transform({{ records }}, lambda r: r.name), ', '), '')
{%- endmacro %}
