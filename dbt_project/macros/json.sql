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

{#- The names in a list of {name} records, as a list. -#}
{% macro names_of(records) -%}
    {{ adapter.dispatch('names_of', 'touchline')(records) }}
{%- endmacro %}

{% macro duckdb__names_of(records) -%}
    list_transform({{ records }}, lambda r: r.name)
{%- endmacro %}

{#-
    Some keys' values of a JSON object, in one pass, in the order of the names. Other than
    `json_record` it tells a key that is not there from one whose value is null.
-#}
{% macro json_values(document, names) -%}
    {{ adapter.dispatch('json_values', 'touchline')(document, names) }}
{%- endmacro %}

{% macro duckdb__json_values(document, names) -%}
    json_extract({{ document }}, [
        {%- for name in names %}'$."{{ name }}"'{{ ', ' if not loop.last }}{% endfor -%}
    ])
{%- endmacro %}

{#- The text of the value at a position, from 1, of what `json_values` returns. -#}
{% macro json_value_text(values, position) -%}
    {{ adapter.dispatch('json_value_text', 'touchline')(values, position) }}
{%- endmacro %}

{% macro duckdb__json_value_text(values, position) -%}
    ({{ values }}[{{ position }}] ->> '$')
{%- endmacro %}

{#- Whether the key at a position of `json_values` is there. -#}
{% macro has_json_value(values, position) -%}
    {{ adapter.dispatch('has_json_value', 'touchline')(values, position) }}
{%- endmacro %}

{% macro duckdb__has_json_value(values, position) -%}
    ({{ values }}[{{ position }}] is not null)
{%- endmacro %}
