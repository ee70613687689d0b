{#- IP addresses as whole numbers, so that a network is a range of them. -#}

{#-
    An IPv4 or IPv6 address as a number of up to 39 digits; null for what is none. IPv4 has the
    numbers of its IPv4-mapped form (::ffff:192.0.2.1, RFC 4291 2.5.5.2): both mean one address.
-#}
{% macro ip_number(address) -%}
    {{ adapter.dispatch('ip_number', 'touchline')(address) }}
{%- endmacro %}

{% macro duckdb__ip_number(address) -%}
    {%- set parts = 'string_split(' ~ address ~ ", ':')" -%}
    {%- set groups = 'len(list_filter(' ~ parts ~ ", lambda digits: digits != ''))" -%}
    case
        when regexp_full_match({{ address }}, '[0-9]{1,3}(\.[0-9]{1,3}){3}')
            then {{ touchline.duckdb__ipv4_number(address) }}
        when regexp_full_match({{ address }}, '::ffff:[0-9]{1,3}(\.[0-9]{1,3}){3}', 'i')
            then {{ touchline.duckdb__ipv4_number('substr(' ~ address ~ ', 8)') }}
        -- Eight groups of up to four digits, or fewer with one gap '::' among them.
        when
            regexp_full_match({{ address }}, '[0-9a-fA-F:]+')
            and not regexp_matches({{ address }}, ':::|::.*::|[0-9a-fA-F]{5}|^:[^:]|[^:]:$')
            and case when {{ address }} like '%::%' then {{ groups }} < 8 else {{ groups }} = 8 end
            then try_cast('0x' || array_to_string(
                list_transform(
                    string_split(
                        replace({{ address }}, '::', ':' || repeat('0:', 8 - {{ groups }})), ':'
                    ),
                    lambda digits: case when digits = '' then '' else lpad(digits, 4, '0') end
                ),
                ''
            ) as uhugeint)
    end
{%- endmacro %}

{% macro duckdb__ipv4_number(address) -%}
    case
        when
            list_max(list_transform(
                string_split({{ address }}, '.'), lambda part: cast(part as integer)
            )) < 256
            then
                cast(281470681743360 as uhugeint)
                + cast(split_part({{ address }}, '.', 1) as uhugeint) * 16777216
                + cast(split_part({{ address }}, '.', 2) as uhugeint) * 65536
                + cast(split_part({{ address }}, '.', 3) as uhugeint) * 256
                + cast(split_part({{ address }}, '.', 4) as uhugeint)
    end
{%- endmacro %}

{#-
    The first and the last address of a network in CIDR notation, or of one address by itself, as
    numbers; null for what is none. Bits behind the prefix are passed over.
-#}
{% macro network_bound(cidr, side) -%}
    {{ adapter.dispatch('network_bound', 'touchline')(cidr, side) }}
{%- endmacro %}

{% macro duckdb__network_bound(cidr, side) -%}
    {%- set address = touchline.duckdb__ip_number('split_part(' ~ cidr ~ ", '/', 1)") -%}
    {%- set width = '(case when ' ~ cidr ~ " like '%.%' then 32 else 128 end)" -%}
    {%- set prefix = '(case when ' ~ cidr ~ " like '%/%' then try_cast(split_part(" ~ cidr
        ~ ", '/', 2) as integer) else " ~ width ~ ' end)' -%}
    case
        when {{ prefix }} between 0 and {{ width }}
            then {{ address }}
            {%- if side == 'first' %} & ~{% else %} | {% endif -%}
            (~cast(0 as uhugeint) >> cast(128 - {{ width }} + {{ prefix }} as uhugeint))
    end
{%- endmacro %}
