{#- What people do that can be counted (G2, G5): each signal's name, and its column of daily counts. -#}
{% macro engagement_signals() -%}
    {{ return({
        'opens': 'open_count',
        'human_opens': 'human_open_count',
        'clicks': 'click_count',
        'human_clicks': 'human_click_count',
        'replies': 'reply_count',
        'positive_replies': 'positive_reply_count',
        'automatic_replies': 'automatic_reply_count',
    }) }}
{%- endmacro %}

{#-
    What is left of points after so many days, to six places: sums of such numbers are the same in
    any order, so that the same facts give the same score.
-#}
{% macro decayed(amount, age_in_days) -%}
    cast(
        ({{ amount }}) * power(0.5, {{ age_in_days }} / {{ var('engagement_half_life_days') }}.0)
        as decimal(18, 6)
    )
{%- endmacro %}

{#- Whether a value makes a member of an audience (G2). Null where it cannot be told. -#}
{% macro passes(value, comparison, threshold) -%}
    case {{ comparison }}
        when 'at_least' then {{ value }} >= {{ threshold }}
        when 'at_most' then {{ value }} <= {{ threshold }}
        when 'more_than' then {{ value }} > {{ threshold }}
        when 'less_than' then {{ value }} < {{ threshold }}
        when 'exactly' then {{ value }} = {{ threshold }}
    end
{%- endmacro %}
