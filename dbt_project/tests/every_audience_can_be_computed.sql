-- G2, G5: an audience that asks for what nobody can compute fails the build, with what is wrong.
{{ config(meta={'dagster': {'ref': {'name': 'audiences'}}}) }}

with

audiences as (

    select
        audience,
        metric,
        comparison,
        threshold,
        window_days,
        coalesce(includes_automated, false) as includes_automated,
        nullif(trim(sequence), '') as sequence,
        coalesce(nullif(trim(action), ''), 'none') as action
    from {{ ref('audiences') }}

),

sequences as (

    select sequence_id as sequence from {{ ref('int_enrollments__current') }}
    union
    select sequence_name as sequence from {{ ref('int_enrollments__current') }}

),

problems as (

    select
        audiences.audience,
        case
            when
                audiences.metric is null
                or audiences.metric not in (
                    'opens', 'human_opens', 'clicks', 'human_clicks', 'replies',
                    'days_without_activity', 'engagement_spike', 'engagement_score'
                )
                then 'unknown metric ' || coalesce(audiences.metric, '(empty)')
            when
                audiences.comparison is null
                or audiences.comparison not in (
                    'at_least', 'at_most', 'more_than', 'less_than', 'exactly'
                )
                then 'unknown comparison ' || coalesce(audiences.comparison, '(empty)')
            when audiences.action not in ('none', 'task', 'alert')
                then 'unknown action ' || audiences.action
            when audiences.threshold is null then 'no threshold'
            when audiences.window_days < 1 then 'a window of less than a day'
            when audiences.metric = 'engagement_spike' and audiences.window_days is null
                then 'a spike needs window_days'
            when audiences.metric = 'engagement_score' and audiences.window_days is not null
                then 'a score has a half-life and no window_days'
            when
                audiences.includes_automated
                and audiences.metric not in ('replies', 'days_without_activity')
                then 'includes_automated is about replies, and ' || audiences.metric || ' has none'
            when audiences.sequence is not null and sequences.sequence is null
                then 'unknown sequence ' || audiences.sequence
        end as problem
    from audiences
    left join sequences on audiences.sequence = sequences.sequence

),

listed as (

    select
        count(*) as problem_count,
        {{ join_texts("audience || ': ' || problem", 'audience') }} as problems
    from problems
    where problem is not null

)

select problems
from listed
where case
    when problem_count > 0
        then {{ fail_with("'Audiences that cannot be computed: ' || problems
            || '. Mend seeds/audiences.csv and run again.'") }}
end
