{#- Each slice by what it slices by; what has no value there is in no row of it. -#}
{%- set slices = {
    'all': "'all'",
    'sequence': 'sequence_id',
    'step': "sequence_id || ' step ' || step_number",
    'mailbox': 'mailbox',
    'mail_provider': 'mail_provider',
    'week': 'cast(sent_week as varchar)',
} -%}
{%- set counts = [
    'delivered_count', 'open_tracked_count', 'opened_count', 'possibly_opened_count',
    'click_tracked_count', 'clicked_count',
] -%}

with

messages as (

    select * from {{ ref('messages') }}
    where origin = 'sequence' and is_delivered

),

-- Every slice is a sum of these, so no slice can differ from the whole.
counted as (

    select
        sequence_id,
        step_number,
        mailbox,
        mail_provider,
        {{ week_of('sent_at') }} as sent_week,
        count(*) as delivered_count,
        count(case when open_tracking_enabled then 1 end) as open_tracked_count,
        count(case when open_tracking_enabled and human_open_count > 0 then 1 end) as opened_count,
        count(case when open_tracking_enabled and (open_count > 0 or is_viewed) then 1 end)
            as possibly_opened_count,
        count(case when click_tracking_enabled then 1 end) as click_tracked_count,
        count(case when click_tracking_enabled and human_click_count > 0 then 1 end)
            as clicked_count
    from messages
    group by sequence_id, step_number, mailbox, mail_provider, {{ week_of('sent_at') }}

),

sliced as (

    {% for slice, value in slices.items() -%}
        select
            {% for count in counts -%}
                cast(sum({{ count }}) as bigint) as {{ count }},
            {% endfor -%}
            '{{ slice }}' as slice,
            {{ value }} as slice_value
        from counted
        where {{ value }} is not null
        group by {{ value }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select
    slice,
    slice_value,
    {{ counts | join(',\n    ') }},
    {{ rate('opened_count', 'open_tracked_count') }} as open_floor_rate,
    {{ rate('possibly_opened_count', 'open_tracked_count') }} as open_ceiling_rate,
    {{ rate('clicked_count', 'click_tracked_count') }} as click_through_rate,
    {{ wilson_bound('clicked_count', 'click_tracked_count', 'low') }} as click_through_low,
    {{ wilson_bound('clicked_count', 'click_tracked_count', 'high') }} as click_through_high
from sliced
