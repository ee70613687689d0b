{#- Where a record lies (A8): its file, and its line so that places sort as they lie. -#}
{% macro source_place(file, line) -%}
    {{ file }} || ':' || lpad(cast({{ line }} as varchar), 9, '0')
{%- endmacro %}
