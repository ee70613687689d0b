{#-
    D8: hard, soft, block or undetermined, from the enhanced status code (RFC 3463) if there is
    one, here or in the text, else from the SMTP reply code. The exceptions to "5 is hard, 4 is
    soft" are mailbox full and size (soft) and policy or spam (block).
-#}
{% macro bounce_subtype(status, text) -%}
    {%- set code = "coalesce(" ~ touchline.first_group(status, "'([245]\\.[0-9]{1,3}\\.[0-9]{1,3})'")
        ~ ", " ~ touchline.first_group(text, "'\\b([245]\\.[0-9]{1,3}\\.[0-9]{1,3})\\b'") ~ ")" -%}
    case
        when {{ code }} in ('5.2.2', '5.2.3', '5.3.4') then 'soft'
        when {{ code }} = '5.4.1' then 'hard'
        when {{ code }} like '5.7.%' then 'block'
        when {{ code }} like '5.%' then 'hard'
        when {{ code }} like '4.7.%' then 'block'
        when {{ code }} like '4.%' then 'soft'
        when {{ matches(text, "'(^|[^0-9])5[0-9]{2}[ -]'") }} then 'hard'
        when {{ matches(text, "'(^|[^0-9])4[0-9]{2}[ -]'") }} then 'soft'
        else 'undetermined'
    end
{%- endmacro %}
