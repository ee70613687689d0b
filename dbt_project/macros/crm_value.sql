{#-
    A metric as the text that it is compared by, the same on both sides of D7: numbers without
    trailing zeros, times to the second in UTC, false for an empty checkbox. The metric's name
    tells its type (`_count` and `_level`, `_at`, `is_`).
-#}
{% macro crm_value(expression, metric, is_crm_text=false) -%}
    {%- if metric.endswith(('_count', '_level')) -%}
    cast(cast({{ cast_or_null(expression, 'double') }} as bigint) as varchar)
    {%- elif metric.endswith('_at') -%}
    cast(date_trunc('second', {{ utc_from_iso(expression) if is_crm_text else expression }}) as varchar)
    {%- elif metric.startswith('is_') -%}
    cast(coalesce({{ cast_or_null(expression, 'boolean') }}, false) as varchar)
    {%- else -%}
    nullif(trim({{ expression }}), '')
    {%- endif -%}
{%- endmacro %}

{#-
    The mapped fields of a CRM record's document (var `crm_fields`), parsed once: comparable as a
    whole, and read by the macros below.
-#}
{% macro mapped_fields(document) -%}
    {{ touchline.json_values(document, var('crm_fields').values() | list) }}
{%- endmacro %}

{#- A metric of them, as the text that it is compared by. -#}
{% macro mapped_value(fields, metric) -%}
    {%- set position = (var('crm_fields').keys() | list).index(metric) + 1 -%}
    {{ touchline.crm_value(touchline.json_value_text(fields, position), metric, is_crm_text=true) }}
{%- endmacro %}

{#- Whether the document carries the metric's field at all, be it empty. -#}
{% macro says_metric(fields, metric) -%}
    {%- set position = (var('crm_fields').keys() | list).index(metric) + 1 -%}
    {{ touchline.has_json_value(fields, position) }}
{%- endmacro %}

{#- All metrics of them, a value and whether it is said at all. -#}
{% macro mapped_values(fields) -%}
    {%- for metric in var('crm_fields') -%}
    {{ touchline.mapped_value(fields, metric) }} as {{ metric }},
    {{ touchline.says_metric(fields, metric) }} as says_{{ metric }}
    {{- ', ' if not loop.last -}}
    {%- endfor -%}
{%- endmacro %}

{#- The same two where the metric's name is a row's. -#}
{% macro mapped_value_by_name(fields, name) -%}
    case {{ name }}
        {%- for metric in var('crm_fields') %}
        when '{{ metric }}' then {{ touchline.mapped_value(fields, metric) }}
        {%- endfor %}
    end
{%- endmacro %}

{% macro says_metric_by_name(fields, name) -%}
    case {{ name }}
        {%- for metric in var('crm_fields') %}
        when '{{ metric }}' then {{ touchline.says_metric(fields, metric) }}
        {%- endfor %}
    end
{%- endmacro %}
