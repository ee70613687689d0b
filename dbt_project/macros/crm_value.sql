{#-
    A metric as the text that it is compared by, the same on both sides of D7: numbers without
    trailing zeros, times to the second in UTC, false for an empty checkbox. The metric's name
    tells its type (`_count`, `_at`, `is_`).
-#}
{% macro crm_value(expression, metric, is_crm_text=false) -%}
    {%- if metric.endswith('_count') -%}
    cast(cast({{ cast_or_null(expression, 'double') }} as bigint) as varchar)
    {%- elif metric.endswith('_at') -%}
    cast(date_trunc('second', {{ utc_from_iso(expression) if is_crm_text else expression }}) as varchar)
    {%- elif metric.startswith('is_') -%}
    cast(coalesce({{ cast_or_null(expression, 'boolean') }}, false) as varchar)
    {%- else -%}
    nullif(trim({{ expression }}), '')
    {%- endif -%}
{%- endmacro %}

{#- The mapped fields of a CRM record's document (var `crm_fields`), parsed once. -#}
{% macro mapped_fields_record(document) -%}
    {%- set types = {} -%}
    {%- for field in var('crm_fields').values() -%}
        {%- do types.update({field: 'varchar'}) -%}
    {%- endfor -%}
    {{ touchline.json_record(document, types) }}
{%- endmacro %}

{#- Those fields as one column per metric, in the texts that they are compared by. -#}
{% macro mapped_values(record) -%}
    {%- for metric, field in var('crm_fields').items() -%}
    {{ touchline.crm_value(record ~ '."' ~ field ~ '"', metric, is_crm_text=true) }} as {{ metric }}
    {{- ', ' if not loop.last -}}
    {%- endfor -%}
{%- endmacro %}
