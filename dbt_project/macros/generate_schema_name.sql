{#- Schemas are the folders' names, verbatim, so that asset keys equal schema.table. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name | trim if custom_schema_name else target.schema }}
{%- endmacro %}
