{%- set slices = ['all', 'sequence', 'step', 'mailbox', 'mail_provider', 'week'] -%}
{%- set counts = [
    'delivered_count', 'open_tracked_count', 'opened_count', 'possibly_opened_count',
    'click_tracked_count', 'clicked_count',
] -%}

with

messages as (

    select * from {{ ref('messages') }}
    where origin = 'sequence' and is_delivered

),

labelled as (

    select
        *,
        'all' as slice_all,
        coalesce(sequence_id, 'none') as slice_sequence,
        coalesce(sequence_id, 'none') || ' step ' || coalesce(cast(step_number as varchar), 'none')
            as slice_step,
        coalesce(mailbox, 'none') as slice_mailbox,
        mail_provider as slice_mail_provider,
        coalesce(cast({{ week_of('sent_at') }} as varchar), 'none') as slice_week
    from messages

),

-- Every slice is a sum of these, so no slice can differ from the whole.
counted as (

    select
        slice_{{ slices | join(',\n        slice_') }},
        count(*) as delivered_count,
        count(case when open_tracking_enabled then 1 end) as open_tracked_count,
        count(case when open_tracking_enabled and human_open_count > 0 then 1 end) as opened_count,
        count(case when open_tracking_enabled and (open_count > 0 or is_viewed) then 1 end)
            as possibly_opened_count,
        count(case when click_tracking_enabled then 1 end) as click_tracked_count,
        count(case when click_tracking_enabled and human_click_count > 0 then 1 end)
            as clicked_count
    from labelled
    group by slice_{{ slices | join(', slice_') }}

),

sliced as (

    {% for slice in slices -%}
        select
            {% for count in counts -%}
                cast(sum({{ count }}) as bigint) as {{ count }},
            {% endfor -%}
            '{{ slice }}' as slice,
            slice_{{ slice }} as slice_value
        from counted
        group by slice_{{ slice }}
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
