with

daily as (

    select * from {{ ref('int_people__daily_activity') }}

),

weights as (

    select * from {{ ref('engagement_weights') }}

),

clock as (

    select {{ local_day('as_of') }} as today
    from {{ ref('int_clock') }}

),

counted as (

    select
        daily.crm_object,
        daily.crm_id,
        daily.active_on,
        {{ days_between('daily.active_on', 'clock.today') }} as age_in_days,
        weights.signal,
        weights.weight,
        case weights.signal
            {%- for signal, count in engagement_signals().items() %}
                when '{{ signal }}' then daily.{{ count }}
            {%- endfor %}
        end as signal_count
    from daily
    cross join weights
    cross join clock

)

select
    crm_object,
    crm_id,
    signal,
    cast(sum(signal_count) as bigint) as signal_count,
    max(active_on) as last_on,
    cast(sum({{ decayed('signal_count', 'age_in_days') }}) as double) as decayed,
    weight,
    cast(sum({{ decayed('signal_count * weight', 'age_in_days') }}) as double) as points
from counted
where signal_count > 0
group by crm_object, crm_id, signal, weight
