{#- Every time is a naive UTC timestamp; these turn the providers' spellings into one. -#}

{#-
    Seconds or milliseconds since 1970, whole or with a fraction, as a number or as its text: 1e11
    seconds would lie in the year 5138, so more must be milliseconds. Null for what can be neither.
-#}
{% macro utc_from_epoch(number) -%}
    {{ adapter.dispatch('utc_from_epoch', 'touchline')(number) }}
{%- endmacro %}

{% macro duckdb__utc_from_epoch(number) -%}
    {%- set value = 'try_cast(' ~ number ~ ' as double)' -%}
    make_timestamp(cast(round(case
        when abs({{ value }}) < 1e11 then {{ value }} * 1e6
        when abs({{ value }}) < 1e14 then {{ value }} * 1e3
    end) as bigint))
{%- endmacro %}

{#- ISO 8601 with any offset; text without an offset is taken as UTC. -#}
{% macro utc_from_iso(text) -%}
    {{ adapter.dispatch('utc_from_iso', 'touchline')(text) }}
{%- endmacro %}

{% macro duckdb__utc_from_iso(text) -%}
    (try_cast({{ text }} as timestamptz) at time zone 'UTC')
{%- endmacro %}

{% macro seconds_between(earlier, later) -%}
    {{ adapter.dispatch('seconds_between', 'touchline')(earlier, later) }}
{%- endmacro %}

{% macro duckdb__seconds_between(earlier, later) -%}
    ((epoch_ms({{ later }}) - epoch_ms({{ earlier }})) / 1000.0)
{%- endmacro %}

{% macro add_days(moment, days) -%}
    {{ adapter.dispatch('add_days', 'touchline')(moment, days) }}
{%- endmacro %}

{% macro duckdb__add_days(moment, days) -%}
    ({{ moment }} + {{ days }} * interval 1 day)
{%- endmacro %}

{% macro add_seconds(moment, seconds) -%}
    {{ adapter.dispatch('add_seconds', 'touchline')(moment, seconds) }}
{%- endmacro %}

{% macro duckdb__add_seconds(moment, seconds) -%}
    ({{ moment }} + {{ seconds }} * interval 1 second)
{%- endmacro %}

{#- Monday of the week, as a date. -#}
{% macro week_of(moment) -%}
    {{ adapter.dispatch('week_of', 'touchline')(moment) }}
{%- endmacro %}

{% macro duckdb__week_of(moment) -%}
    cast(date_trunc('week', {{ moment }}) as date)
{%- endmacro %}

{#- A value of the given type, or null where the text is none. -#}
{% macro cast_or_null(expression, type) -%}
    {{ adapter.dispatch('cast_or_null', 'touchline')(expression, type) }}
{%- endmacro %}

{% macro duckdb__cast_or_null(expression, type) -%}
    try_cast({{ expression }} as {{ type }})
{%- endmacro %}
