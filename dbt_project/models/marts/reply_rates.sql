with

slices as (

    select * from {{ ref('enrollment_slices') }}

),

sequences as (

    select
        sequence_id,
        sequence_name,
        row_number() over (
            partition by sequence_id order by enrolled_at desc, enrollment_id desc
        ) as recency
    from {{ ref('enrollments') }}

),

counted as (

    select
        slice,
        slice_value,
        count(*) as enrolled_count,
        count(case when is_replied then 1 end) as enrolled_replied,
        count(case when is_replied_or_automated then 1 end) as enrolled_any,
        count(case when has_delivery then 1 end) as delivered_count,
        count(case when has_delivery and is_replied then 1 end) as delivered_replied,
        count(case when has_delivery and is_replied_or_automated then 1 end) as delivered_any,
        count(distinct person_key) as people_count,
        count(distinct case when is_replied then person_key end) as people_replied,
        count(distinct case when is_replied_or_automated then person_key end) as people_any
    from slices
    group by slice, slice_value

),

-- Of all, how many answered in this vein: a reply class has everybody for its denominator.
based as (

    select
        {%- for denominator in ['enrolled', 'delivered', 'people'] %}
            counted.{{ denominator }}_replied,
            counted.{{ denominator }}_any,
            coalesce(whole.{{ denominator }}_count, counted.{{ denominator }}_count)
                as {{ denominator }}_count,
        {%- endfor %}
        counted.slice,
        counted.slice_value
    from counted
    left join counted as whole on counted.slice = 'reply_class' and whole.slice = 'all'

),

rates as (

    {% for denominator in ['enrolled', 'delivered', 'people'] -%}
        {% for numerator, includes_automated in [('replied', 'false'), ('any', 'true')] -%}
            select
                slice,
                slice_value,
                '{{ denominator }}' as denominator,
                {{ denominator }}_{{ numerator }} as replied_count,
                {{ denominator }}_count as denominator_count,
                {{ includes_automated }} as includes_automated
            from based
            {% if not loop.last %}union all{% endif %}
        {% endfor %}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}

)

select
    rates.slice,
    rates.slice_value,
    case when rates.slice = 'sequence' then sequences.sequence_name else rates.slice_value end
        as slice_label,
    rates.denominator,
    rates.replied_count,
    rates.denominator_count,
    {{ rate('rates.replied_count', 'rates.denominator_count') }} as reply_rate,
    {{ wilson_bound('rates.replied_count', 'rates.denominator_count', 'low') }} as rate_low,
    {{ wilson_bound('rates.replied_count', 'rates.denominator_count', 'high') }} as rate_high,
    rates.includes_automated
from rates
left join sequences
    on
        rates.slice = 'sequence'
        and rates.slice_value = sequences.sequence_id
        and sequences.recency = 1
