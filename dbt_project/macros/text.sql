{#- Text work that engines spell differently: patterns, hosts, hashes, lists. -#}
{% macro matches(text, pattern) -%}
    {{ adapter.dispatch('matches', 'touchline')(text, pattern) }}
{%- endmacro %}

{% macro duckdb__matches(text, pattern) -%}
    regexp_matches({{ text }}, {{ pattern }}, 'i')
{%- endmacro %}

{% macro replace_pattern(text, pattern, replacement) -%}
    {{ adapter.dispatch('replace_pattern', 'touchline')(text, pattern, replacement) }}
{%- endmacro %}

{% macro duckdb__replace_pattern(text, pattern, replacement) -%}
    regexp_replace({{ text }}, {{ pattern }}, {{ replacement }}, 'i')
{%- endmacro %}

{% macro first_group(text, pattern) -%}
    {{ adapter.dispatch('first_group', 'touchline')(text, pattern) }}
{%- endmacro %}

{% macro duckdb__first_group(text, pattern) -%}
    nullif(regexp_extract({{ text }}, {{ pattern }}, 1), '')
{%- endmacro %}

{#- One email address as it is compared: trimmed, case-folded, null when empty (H1). -#}
{% macro email_key(address) -%}
    {{ adapter.dispatch('email_key', 'touchline')(address) }}
{%- endmacro %}

{% macro duckdb__email_key(address) -%}
    {#- Blank, tab, line ends; those that do not break or have no width, as web pages and Excel add. -#}
    {%- set blanks = "' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(8203) || chr(65279)" -%}
    nullif(lower(trim({{ address }}, {{ blanks }})), '')
{%- endmacro %}

{#-
    Whether such a key is an address that mail can go to (H2): one name, one host with a dot, and
    nothing that separates addresses. Null where there is none.
-#}
{% macro is_email(address) -%}
    {%- set name = '[^@\\s,;:<>()"\\[\\]\\\\]+' -%}
    {%- set label = '[^@\\s,;:<>()"\\[\\]\\\\._/]' -%}
    {{ touchline.matches(
        address, "'^" ~ name ~ '@(' ~ label ~ '+\\.)+' ~ label ~ "{2,}$'"
    ) }}
{%- endmacro %}

{#- An id as text. Programs that know no whole numbers with gaps write 71 as 71.0. -#}
{% macro id_text(value) -%}
    case
        when {{ value }} like '%.0'
            then {{ touchline.replace_pattern(value, "'^([0-9]+)\\.0$'", "'\\1'") }}
        else {{ value }}
    end
{%- endmacro %}

{#- Host of an http(s) URL, lower case, without user, port or path. -#}
{% macro url_host(url) -%}
    lower({{ touchline.first_group(url, "'^[a-zA-Z]+://(?:[^/?#@]*@)?([^/:?#]+)'") }})
{%- endmacro %}

{#- A URL as pages are told apart: without query, fragment and last slash, its host in lower case. -#}
{% macro url_page(url) -%}
    {%- set origin = "'^([a-zA-Z]+://[^/?#]*)'" -%}
    lower(coalesce({{ touchline.first_group(url, origin) }}, '')) || rtrim({{
        touchline.replace_pattern(
            touchline.replace_pattern(url, origin, "''"), "'[?#].*$'", "''"
        )
    }}, '/')
{%- endmacro %}

{#-
    The web links of a mail's text, as a list in the order in which they stand there. Where there
    are anchors, their targets; else what begins like a URL, tags aside. Brackets belong to a URL
    in pairs, and punctuation at its end does not.
-#}
{% macro links_in(text) -%}
    {{ adapter.dispatch('links_in', 'touchline')(text) }}
{%- endmacro %}

{% macro duckdb__links_in(text) -%}
    {%- set anchor = "'<a(?:\\s[^>]*?)?\\shref\\s*=\\s*(\"[^\"]*\"|''[^'']*''|[^\\s>\"'']+)'" -%}
    {%- set plain = "'https?://(?:\\([^\\s<>\"()]*\\)|[^\\s<>\"()])+'" -%}
    {#- Comments in mail repeat links for Outlook. -#}
    {%- set seen = "regexp_replace(" ~ text ~ ", '<!--.*?-->', ' ', 'gs')" -%}
    case
        when regexp_matches({{ seen }}, {{ anchor }}, 'is')
            then list_filter(
                list_transform(
                    regexp_extract_all({{ seen }}, {{ anchor }}, 1, 'is'),
                    lambda link: replace(trim(link, e' "\'\t\r\n'), '&amp;', '&')
                ),
                lambda link: regexp_matches(link, '^https?://[^/]', 'i')
            )
        else list_transform(
            regexp_extract_all(
                regexp_replace({{ seen }}, '<[a-z][a-z0-9]*(\s[^>]*)?/?>', ' ', 'gis'),
                {{ plain }}, 0, 'i'
            ),
            lambda link: rtrim(replace(link, '&amp;', '&'), '.,;:!?''*]}»”’…')
        )
    end
{%- endmacro %}

{#- A stable key from several values; null and '' differ. -#}
{% macro fingerprint(values) -%}
    {{ adapter.dispatch('fingerprint', 'touchline')(values) }}
{%- endmacro %}

{% macro duckdb__fingerprint(values) -%}
    md5(concat_ws('|',
        {%- for value in values %}
        coalesce(cast({{ value }} as varchar), '∅'){{ "," if not loop.last }}
        {%- endfor %}
    ))
{%- endmacro %}

{#- A whole number for a text, the same in every version of the engine; two texts may share one. -#}
{% macro number_of_text(text) -%}
    {{ adapter.dispatch('number_of_text', 'touchline')(text) }}
{%- endmacro %}

{% macro duckdb__number_of_text(text) -%}
    md5_number_lower({{ text }})
{%- endmacro %}

{#- Texts of a group joined with ", " in the given order. -#}
{% macro join_texts(text, order_by) -%}
    {{ adapter.dispatch('join_texts', 'touchline')(text, order_by) }}
{%- endmacro %}

{% macro duckdb__join_texts(text, order_by) -%}
    string_agg({{ text }}, ', ' order by {{ order_by }})
{%- endmacro %}

{#-
    A Message-ID as it is compared (E2): SES writes <id@email.amazonses.com> or
    <id@REGION.amazonses.com> on the wire and reports the bare id, so those hosts are dropped.
-#}
{% macro message_id_key(message_id) -%}
    case
        when {{ message_id }} like '%amazonses.com' then split_part({{ message_id }}, '@', 1)
        else {{ message_id }}
    end
{%- endmacro %}

{#- A subject without its reply and forward prefixes, for E2's subject match. -#}
{% macro subject_key(subject) -%}
    trim(lower({{ touchline.replace_pattern(
        'trim(' ~ subject ~ ')',
        "'^((re|aw|sv|antw|rv|tr|r|fwd|fw|wg|vs|ynt|odp|回复|答复|automatic reply|auto reply|autoreply|out of office|automatische antwort|abwesenheitsnotiz|réponse automatique|respuesta automática|risposta automatica|automatisch antwoord|autosvar|automatiskt svar)(\\[[0-9]+\\])?\\s*[:：]\\s*)+'",
        "''"
    ) }}))
{%- endmacro %}

{#- The moment and the key of an event as one text: the smallest of a group is the first event's. -#}
{% macro moment_and_key(moment, key) -%}
    {{ adapter.dispatch('moment_and_key', 'touchline')(moment, key) }}
{%- endmacro %}

{% macro duckdb__moment_and_key(moment, key) -%}
    strftime({{ moment }}, '%Y%m%d%H%M%S%f') || ' ' || {{ key }}
{%- endmacro %}

{#- The keys in such texts, joined with ", " in the order of their moments; null where all are. -#}
{% macro keys_of_moments(texts) -%}
    {{ adapter.dispatch('keys_of_moments', 'touchline')(texts) }}
{%- endmacro %}

{% macro duckdb__keys_of_moments(texts) -%}
    nullif(
        array_to_string(
            list_transform(
                list_sort([{{ texts | join(', ') }}]), lambda text: split_part(text, ' ', 2)
            ),
            ', '
        ),
        ''
    )
{%- endmacro %}

{#-
    What a receiving server's answer to a delivery gives away of its host, in lower case: Google's
    ends with `gsmtp`, Microsoft's names it. Null where it says nothing.
-#}
{% macro receiving_host(answer) -%}
    case
        when {{ answer }} like '%gsmtp%' then 'gsmtp'
        when {{ answer }} like '%Hostname=%'
            then lower({{ touchline.first_group(answer, "'Hostname=([A-Za-z0-9.-]+)'") }})
    end
{%- endmacro %}

{#-
    Whether one of several lists of addresses has that of a mailing list, which is known by its id or
    its address: `talk@lists.x.example` is the list `<talk.lists.x.example>` (RFC 2919).
-#}
{% macro is_sent_to_list(list_names, addresses) -%}
    {%- set found = [] -%}
    {%- for list_name in list_names -%}
        {%- set bracketed = touchline.first_group(list_name, "'<([^<>]+)>'") -%}
        {%- set name = "replace(lower(coalesce(" ~ bracketed ~ ", trim(" ~ list_name ~ "))), '@', '.')" -%}
        {%- for each in addresses -%}
            {%- set sent_to = "replace(lower(" ~ touchline.list_of_texts(each) ~ "), '@', '.')" -%}
            {%- do found.append(
                "strpos(', ' || " ~ sent_to ~ " || ', ', ', ' || " ~ name ~ " || ', ') > 0"
            ) -%}
        {%- endfor -%}
    {%- endfor -%}
    coalesce({{ found | join(' or ') }}, false)
{%- endmacro %}
