{#-
    D8: hard, soft, block or undetermined, from the enhanced status code (RFC 3463) if there is
    one, in its own field or in the text, else from the SMTP reply code that begins the text. The
    exceptions to "5 is hard, 4 is soft" are mailbox full and size (soft) and policy or spam
    (block). Addresses and plain numbers in the text are no codes.
-#}
{% macro bounce_subtype(status, text) -%}
    {%- set code = "coalesce(" ~ touchline.first_group(status, "'^\\s*([245]\\.[0-9]{1,3}\\.[0-9]{1,3})\\s*$'")
        ~ ", " ~ touchline.first_group(text, "'(?:^|[^0-9.])([245]\\.[0-7]\\.[0-9]{1,3})(?:$|[^0-9.]|\\.(?:$|[^0-9]))'")
        ~ ")" -%}
    case
        when {{ code }} in ('5.2.2', '5.2.3', '5.3.4') then 'soft'
        when {{ code }} = '5.4.1' then 'hard'
        when {{ code }} like '5.7.%' then 'block'
        when {{ code }} like '5.%' then 'hard'
        when {{ code }} like '4.7.%' then 'block'
        when {{ code }} like '4.%' then 'soft'
        when {{ matches(text, "'^\\s*(smtp;\\s*)?5[0-9]{2}([ -]|$)'") }} then 'hard'
        when {{ matches(text, "'^\\s*(smtp;\\s*)?4[0-9]{2}([ -]|$)'") }} then 'soft'
        else 'undetermined'
    end
{%- endmacro %}
