{#- Days as people count them: where they begin, how they are numbered, how far apart they lie. -#}

{#- The day on which a moment falls where the team works (var `time_zone`). -#}
{% macro local_day(moment) -%}
    {{ adapter.dispatch('local_day', 'touchline')(moment) }}
{%- endmacro %}

{% macro duckdb__local_day(moment) -%}
    {%- if var('time_zone') == 'UTC' -%}
    cast({{ moment }} as date)
    {%- else -%}
    cast((({{ moment }} at time zone 'UTC') at time zone '{{ var("time_zone") }}') as date)
    {%- endif -%}
{%- endmacro %}

{#- The moment, in UTC, at which a day begins where the team works (var `time_zone`). -#}
{% macro start_of_local_day(day) -%}
    {{ adapter.dispatch('start_of_local_day', 'touchline')(day) }}
{%- endmacro %}

{% macro duckdb__start_of_local_day(day) -%}
    {%- if var('time_zone') == 'UTC' -%}
    cast({{ day }} as timestamp)
    {%- else -%}
    ((cast({{ day }} as timestamp) at time zone '{{ var("time_zone") }}') at time zone 'UTC')
    {%- endif -%}
{%- endmacro %}

{#- The day so many days later. -#}
{% macro days_later(day, days) -%}
    cast({{ touchline.add_days(day, days) }} as date)
{%- endmacro %}

{#- How many days the second lies after the first. -#}
{% macro days_between(earlier, later) -%}
    {{ adapter.dispatch('days_between', 'touchline')(earlier, later) }}
{%- endmacro %}

{% macro duckdb__days_between(earlier, later) -%}
    date_diff('day', {{ earlier }}, {{ later }})
{%- endmacro %}

{#- 1 for Monday to 7 for Sunday. -#}
{% macro day_of_week(day) -%}
    {{ adapter.dispatch('day_of_week', 'touchline')(day) }}
{%- endmacro %}

{% macro duckdb__day_of_week(day) -%}
    extract(isodow from {{ day }})
{%- endmacro %}
