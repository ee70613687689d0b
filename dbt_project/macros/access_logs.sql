{#-
    A4: which requests of one's own pixel and redirect host are events (var `access_log_patterns`).
    A pattern's named groups are the columns that they fill; one of them must name the message.
-#}
{% macro access_log_patterns() -%}
    {%- set naming = ['provider_message_id', 'message_id', 'enrollment_id'] -%}
    {%- set known = naming + ['sequence_id', 'step_number', 'recipient_email', 'url'] -%}
    {%- for each in var('access_log_patterns') -%}
        {%- set groups = modules.re.compile(each.pattern).groupindex.keys() | list -%}
        {%- set unknown = groups | reject('in', known) | list -%}
        {%- if unknown or not groups | select('in', naming) | list -%}
            {%- do exceptions.raise_compiler_error(
                'access_log_patterns: ' ~ each.pattern ~ ' must name the message by one of the groups '
                ~ naming | join(', ') ~ ' (?P<…>); besides, there may be '
                ~ known | reject('in', naming) | join(', ') ~ '.'
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(var('access_log_patterns')) }}
{%- endmacro %}

{#- The event type of the first pattern that a path matches, else null. -#}
{% macro access_log_event_type(path) -%}
    case
        {%- for each in touchline.access_log_patterns() %}
        when {{ touchline.matches_exactly(path, each.pattern) }} then '{{ each.event_type }}'
        {%- endfor %}
    end
{%- endmacro %}

{#- What the first pattern that a path matches says of a column, url-decoded; null if nothing. -#}
{% macro access_log_value(path, column) -%}
    case
        {%- for each in touchline.access_log_patterns() %}
        when {{ touchline.matches_exactly(path, each.pattern) }} then
            {%- if column in modules.re.compile(each.pattern).groupindex %}
            {{ touchline.url_decoded(touchline.named_group(path, each.pattern, column)) }}
            {%- else %}
            null
            {%- endif %}
        {%- endfor %}
    end
{%- endmacro %}

{#- A pattern as given in Python, matched with regard to case. -#}
{% macro matches_exactly(text, pattern) -%}
    {{ adapter.dispatch('matches_exactly', 'touchline')(text, pattern) }}
{%- endmacro %}

{% macro duckdb__matches_exactly(text, pattern) -%}
    regexp_matches({{ text }}, '{{ pattern | replace("'", "''") }}')
{%- endmacro %}

{#- A group of a pattern by its name: engines know groups by number. -#}
{% macro named_group(text, pattern, name) -%}
    {{ adapter.dispatch('named_group', 'touchline')(text, pattern, name) }}
{%- endmacro %}

{% macro duckdb__named_group(text, pattern, name) -%}
    {%- set number = modules.re.compile(pattern).groupindex[name] -%}
    nullif(regexp_extract({{ text }}, '{{ pattern | replace("'", "''") }}', {{ number }}), '')
{%- endmacro %}

{#- `%2F` as `/`; what is not UTF-8 then stays as it was. -#}
{% macro url_decoded(text) -%}
    {{ adapter.dispatch('url_decoded', 'touchline')(text) }}
{%- endmacro %}

{% macro duckdb__url_decoded(text) -%}
    coalesce(try(url_decode({{ text }})), {{ text }})
{%- endmacro %}

{#- ISO 8601, the access logs' own notation (01/Oct/2026:10:00:00 +0200), or seconds since 1970. -#}
{% macro utc_from_log_time(text) -%}
    {{ adapter.dispatch('utc_from_log_time', 'touchline')(text) }}
{%- endmacro %}

{% macro duckdb__utc_from_log_time(text) -%}
    coalesce(
        {{ touchline.utc_from_iso(text) }},
        try_strptime({{ text }}, '%d/%b/%Y:%H:%M:%S %z') at time zone 'UTC',
        {{ touchline.utc_from_epoch(text) }}
    )
{%- endmacro %}

{#- The first IP address in a text: X-Forwarded-For lists the client first. -#}
{% macro first_address(text) -%}
    {{ touchline.first_group(
        text,
        "'(?:^|[\\s,])((?:[0-9]{1,3}\\.){3}[0-9]{1,3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+)(?:$|[\\s,])'"
    ) }}
{%- endmacro %}
