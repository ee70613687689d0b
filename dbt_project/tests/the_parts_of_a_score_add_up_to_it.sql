-- G5: what an analyst is shown of a score is all of it.
{{ config(meta={'dagster': {'ref': {'name': 'engagement_scores'}}}) }}

with

scores as (

    select * from {{ ref('engagement_scores') }}

),

parts as (

    select
        crm_id,
        sum(points) as points
    from {{ ref('engagement_score_parts') }}
    group by crm_id

)

select
    scores.crm_id,
    scores.score,
    parts.points
from scores
full join parts on scores.crm_id = parts.crm_id
where
    scores.crm_id is null
    or abs(scores.score - coalesce(parts.points, 0)) > 0.0001
