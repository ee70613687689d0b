with

people as (

    select distinct
        crm_object,
        crm_id
    from {{ ref('int_enrollments__people') }}
    where crm_id is not null

),

parts as (

    select * from {{ ref('engagement_score_parts') }}

),

scored as (

    select
        crm_id,
        -- Such numbers add up to the same sum in any order.
        sum(cast(points as decimal(18, 6))) as score,
        max(last_on) as last_engaged_on,
        {{ join_texts(
            "signal || ' ' || cast(signal_count as varchar) || ': '"
            ~ " || cast(cast(points as decimal(18, 1)) as varchar)",
            'points desc, signal'
        ) }} as explanation
    from parts
    group by crm_id

),

completed as (

    select
        people.crm_object,
        people.crm_id,
        coalesce(scored.score, 0) as score,
        scored.last_engaged_on,
        scored.explanation
    from people
    left join scored on people.crm_id = scored.crm_id

)

select
    crm_object,
    crm_id,
    cast(score as double) as score,
    cast(
        case
            {%- for level in var('engagement_levels') | sort(reverse=true) %}
                when score >= {{ level }} then {{ level }}
            {%- endfor %}
            else 0
        end as bigint
    ) as level,
    last_engaged_on,
    explanation
from completed
