-- F3: a platform's state without a row in the crosswalk fails the build, by name.
{{ config(meta={'dagster': {'ref': {'name': 'int_sequences__enrollments'}}}) }}

with

enrollments as (

    select * from {{ ref('int_sequences__enrollments') }}
    where platform_state is not null

),

crosswalk as (

    select * from {{ ref('sequence_states') }}

),

unknown_states as (

    select distinct
        enrollments.platform,
        enrollments.platform_state
    from enrollments
    left join crosswalk
        on
            enrollments.platform = crosswalk.platform
            and enrollments.platform_state = crosswalk.platform_state
    where crosswalk.status is null

),

listed as (

    select
        count(*) as state_count,
        {{ join_texts("platform || ': ' || platform_state", 'platform, platform_state') }} as states
    from unknown_states

)

select states
from listed
where case
    when state_count > 0
        then {{ fail_with("'No status for the platform state ' || states
            || '. Add a row with the status that it means to seeds/sequence_states.csv and run again.'") }}
end
