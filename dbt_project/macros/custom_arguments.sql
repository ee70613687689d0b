{#-
    formats.md 1.1: the names under which events bring back what the sender said of a message (var
    `custom_arguments`), as the fields that `json_record` reads
    them with; `others` are beside them in the same record.
-#}
{% macro custom_argument_fields(others={}, text='varchar', number='integer') -%}
    {%- set fields = {} -%}
    {%- do fields.update(others) -%}
    {%- do fields.update({
        touchline.custom_argument_name('enrollment_id'): text,
        touchline.custom_argument_name('sequence_id'): text,
        touchline.custom_argument_name('step_number'): number,
    }) -%}
    {{ return(fields) }}
{%- endmacro %}

{#- The name that the sender gave to one of ours. -#}
{% macro custom_argument_name(argument) -%}
    {{ return(var('custom_arguments')[argument] | default(argument, true)) }}
{%- endmacro %}

{#- One of them, read from the record that holds them. -#}
{% macro custom_argument(record, argument) -%}
    {%- set name = touchline.custom_argument_name(argument) -%}
    {%- if modules.re.fullmatch('[A-Za-z_][A-Za-z0-9_]*', name) -%}
        {{ record }}.{{ name }}
    {%- else -%}
        {{ record }}."{{ name | replace('"', '""') }}"
    {%- endif -%}
{%- endmacro %}
