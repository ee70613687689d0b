{#- Membership may change on these days after something happened; between them it does not. -#}
{%- set spike_windows = var('engagement_spike_windows') -%}
{%- set half_life = var('engagement_half_life_days') ~ '.0' -%}
{#- Further back than there is mail: a score forgets nothing. -#}
{%- set ever = 100000 -%}
{%- set of_tracking = "('opens', 'human_opens', 'clicks', 'human_clicks')" -%}

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
        coalesce(nullif(trim(action), ''), 'none') as action,
        -- How many days back a measurement looks.
        case metric
            when 'engagement_spike' then window_days * {{ spike_windows + 1 }}
            when 'engagement_score' then {{ ever }}
            else window_days
        end as reach_days
    from {{ ref('audiences') }}

),

weights as (

    select
        {%- for signal in engagement_signals() %}
            coalesce(max(case when signal = '{{ signal }}' then weight end), 0) as {{ signal }},
        {%- endfor %}
        count(*) as weight_count
    from {{ ref('engagement_weights') }}

),

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

people as (

    select * from {{ ref('int_enrollments__people') }}
    where crm_id is not null

),

tracking_opt_outs as (

    select * from {{ ref('int_people__tracking_opt_outs') }}

),

daily as (

    select
        daily.*,
        cast(
            {%- for signal, count in engagement_signals().items() %}
                {{ '+ ' if not loop.first }}coalesce(daily.{{ count }}, 0) * weights.{{ signal }}
            {%- endfor %} as decimal(18, 6)
        ) as points
    from {{ ref('int_people__daily_activity') }} as daily
    cross join weights

),

clock as (

    select {{ local_day('as_of') }} as today
    from {{ ref('int_clock') }}

),

-- Whom an audience may have: everybody whom its sequence, or any, wrote to or is about to.
population as (

    select
        audiences.audience,
        people.crm_object,
        people.crm_id,
        min({{ local_day('enrollments.created_at') }}) as joined_on
    from audiences
    inner join enrollments
        on
            audiences.sequence is null
            or audiences.sequence in (enrollments.sequence_id, enrollments.sequence_name)
    inner join people on enrollments.enrollment_id = people.enrollment_id
    group by audiences.audience, people.crm_object, people.crm_id

),

sequences as (

    select distinct
        audiences.audience,
        enrollments.sequence_id
    from audiences
    inner join enrollments
        on audiences.sequence in (enrollments.sequence_id, enrollments.sequence_name)

),

facts as (

    select
        population.audience,
        population.crm_id,
        daily.active_on,
        daily.points,
        case audiences.metric
            when 'opens' then daily.open_count
            when 'human_opens' then daily.human_open_count
            when 'clicks' then daily.click_count
            when 'human_clicks' then daily.human_click_count
            when 'replies'
                then
                    daily.reply_count
                    + case
                        when audiences.includes_automated then daily.automatic_reply_count else 0
                    end
        end as amount,
        daily.sent_count
        + daily.reply_count
        + daily.other_mail_count
        + coalesce(daily.human_open_count, 0)
        + coalesce(daily.human_click_count, 0)
        + case when audiences.includes_automated then daily.automatic_reply_count else 0 end
        > 0 as is_activity
    from population
    inner join audiences on population.audience = audiences.audience
    inner join daily on population.crm_id = daily.crm_id
    left join sequences
        on population.audience = sequences.audience and daily.sequence_id = sequences.sequence_id
    where audiences.sequence is null or sequences.sequence_id is not null

),

-- To know since when somebody is a member, the days on which membership may have changed are
-- measured as well: when something happened, when it left the window, when the silence was long
-- enough, when a score has sunk to the threshold.
happenings as (

    select
        audience,
        crm_id,
        active_on as day_on
    from facts
    union
    select
        audience,
        crm_id,
        joined_on as day_on
    from population

),

delays as (

    select
        audience,
        0 as waiting_days
    from audiences
    {%- for days in ['ceil(threshold)', 'floor(threshold) + 1'] %}
        union
        select
            audience,
            cast({{ days }} as integer) as waiting_days
        from audiences
        where metric = 'days_without_activity'
    {%- endfor %}
    {%- for windows in range(1, spike_windows + 2) %}
        union
        select
            audience,
            window_days * {{ windows }} as waiting_days
        from audiences
        where window_days is not null {{ "and metric = 'engagement_spike'" if windows > 1 }}
    {%- endfor %}

),

-- A score is the sum of its points, each grown to the last of their days, and sinks from there.
{%- set age = days_between('population.joined_on', 'facts.active_on') %}
{%- set growth = 'power(2, ' ~ age ~ ' / ' ~ half_life ~ ')' %}
score_steps as (

    select
        facts.audience,
        facts.crm_id,
        facts.active_on,
        audiences.threshold,
        sum(sum(facts.points) * {{ growth }})
            over (partition by facts.audience, facts.crm_id order by facts.active_on)
        / {{ growth }} as score
    from facts
    inner join audiences on facts.audience = audiences.audience
    inner join population
        on facts.audience = population.audience and facts.crm_id = population.crm_id
    where
        audiences.metric = 'engagement_score'
        and audiences.action != 'none'
        and audiences.threshold > 0
    group by
        facts.audience,
        facts.crm_id,
        facts.active_on,
        audiences.threshold,
        population.joined_on

),

-- The day of the crossing, give or take the last digit of a logarithm.
score_crossings as (

    {%- for day in range(3) %}
        select
            audience,
            crm_id,
            {{ days_later(
                'active_on',
                '(cast(floor(' ~ half_life ~ ' * ln(score / threshold) / ln(2)) as integer) + '
                ~ day ~ ')'
            ) }} as measured_on
        from score_steps
        where score >= threshold
        {{ 'union' if not loop.last }}
    {%- endfor %}

),

measuring_days as (

    select
        happenings.audience,
        happenings.crm_id,
        {{ days_later('happenings.day_on', 'delays.waiting_days') }} as measured_on
    from happenings
    inner join audiences on happenings.audience = audiences.audience
    inner join delays on happenings.audience = delays.audience
    where audiences.action != 'none'
    union
    select
        audience,
        crm_id,
        measured_on
    from score_crossings
    union
    select
        population.audience,
        population.crm_id,
        clock.today as measured_on
    from population
    cross join clock

),

occasions as (

    select
        audiences.*,
        population.crm_object,
        population.crm_id,
        population.joined_on,
        measuring_days.measured_on
    from measuring_days
    inner join audiences on measuring_days.audience = audiences.audience
    inner join population
        on
            measuring_days.audience = population.audience
            and measuring_days.crm_id = population.crm_id
    cross join clock
    where
        measuring_days.measured_on >= population.joined_on
        and measuring_days.measured_on <= clock.today

),

-- The last activity and all that ever happened are followed along the days: a measurement with each
-- fact before it would be the square of both.
days as (

    select
        audience,
        crm_id,
        active_on as day_on,
        amount,
        case when is_activity then active_on end as activity_on,
        false as is_occasion
    from facts
    union all
    select
        audience,
        crm_id,
        measured_on as day_on,
        null as amount,
        null as activity_on,
        true as is_occasion
    from occasions

),

followed as (

    select
        audience,
        crm_id,
        day_on,
        is_occasion,
        sum(amount) over (partition by audience, crm_id order by day_on) as amount,
        max(activity_on) over (partition by audience, crm_id order by day_on) as last_active_on
    from days

),

{% set age_in_days = days_between('facts.active_on', 'occasions.measured_on') %}
{%- set is_in_window = age_in_days ~ ' < occasions.window_days' %}
sums as (

    select
        occasions.audience,
        occasions.crm_id,
        occasions.measured_on,
        sum(case when {{ is_in_window }} then facts.amount end) as amount,
        sum(case when {{ is_in_window }} then facts.points end) as points,
        sum(case when not {{ is_in_window }} then facts.points end) as earlier_points,
        sum({{ decayed('facts.points', age_in_days) }}) as score
    from occasions
    inner join facts
        on
            occasions.audience = facts.audience
            and occasions.crm_id = facts.crm_id
            and occasions.measured_on >= facts.active_on
            and {{ days_later('facts.active_on', 'occasions.reach_days') }} > occasions.measured_on
    where occasions.metric != 'days_without_activity' and occasions.reach_days is not null
    group by occasions.audience, occasions.crm_id, occasions.measured_on

),

{% set idle_days = days_between(
    'coalesce(followed.last_active_on, occasions.joined_on)', 'occasions.measured_on'
) %}
valued as (

    select
        occasions.*,
        cast(case
            -- D9: what nobody may know makes nobody a member.
            when occasions.metric in {{ of_tracking }} and tracking_opt_outs.crm_id is not null
                then null
            when occasions.metric = 'days_without_activity'
                then case
                    when occasions.window_days is null or {{ idle_days }} < occasions.window_days
                        then {{ idle_days }}
                end
            when occasions.metric = 'engagement_spike'
                then
                    coalesce(sums.points, 0)
                    - coalesce(sums.earlier_points, 0) / {{ spike_windows }}.0
            when occasions.metric = 'engagement_score' then coalesce(sums.score, 0)
            when occasions.window_days is null then coalesce(followed.amount, 0)
            else coalesce(sums.amount, 0)
        end as double) as value
    from occasions
    inner join followed
        on
            occasions.audience = followed.audience
            and occasions.crm_id = followed.crm_id
            and occasions.measured_on = followed.day_on
            and followed.is_occasion
    left join sums
        on
            occasions.audience = sums.audience
            and occasions.crm_id = sums.crm_id
            and occasions.measured_on = sums.measured_on
    left join tracking_opt_outs on occasions.crm_id = tracking_opt_outs.crm_id

)

select
    valued.audience,
    valued.crm_object,
    valued.crm_id,
    valued.metric,
    valued.action,
    valued.measured_on,
    valued.measured_on = clock.today as is_latest,
    valued.value,
    coalesce({{ passes('valued.value', 'valued.comparison', 'valued.threshold') }}, false)
        as is_member
from valued
cross join clock
