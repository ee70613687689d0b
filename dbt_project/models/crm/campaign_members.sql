with

sequence_campaigns as (

    select distinct
        sequence_id,
        -- The first 15 characters are the id; the last three only guard against lost case.
        left(campaign_id, 15) as campaign_key,
        campaign_id
    from {{ ref('sequence_campaigns') }}

),

campaigns as (

    select
        sequence_id,
        max(campaign_id) over (partition by campaign_key) as campaign_id
    from sequence_campaigns

),

enrollments as (

    select * from {{ ref('enrollments') }}
    where crm_id is not null

),

messages as (

    select * from {{ ref('messages') }}
    where enrollment_id is not null and sent_at is not null

),

-- D9: of whoever wants no tracking, messages count no opens and no clicks.
engagement as (

    select
        enrollment_id,
        sum(human_open_count) as human_open_count,
        sum(human_click_count) as human_click_count
    from messages
    group by enrollment_id

),

steps as (

    select
        campaigns.campaign_id,
        enrollments.crm_object,
        enrollments.crm_id,
        case
            when enrollments.is_replied then 4
            when engagement.human_click_count > 0 then 3
            when engagement.human_open_count > 0 then 2
            when engagement.enrollment_id is not null then 1
        end as funnel_step
    from enrollments
    inner join campaigns on enrollments.sequence_id = campaigns.sequence_id
    left join engagement on enrollments.enrollment_id = engagement.enrollment_id

),

furthest as (

    select
        campaign_id,
        crm_object,
        crm_id,
        max(funnel_step) as funnel_step
    from steps
    where funnel_step is not null
    group by campaign_id, crm_object, crm_id

)

select
    'member ' || campaign_id || ' ' || crm_id as member_key,
    campaign_id,
    crm_object,
    crm_id,
    case funnel_step
        when 1 then 'Sent' when 2 then 'Opened' when 3 then 'Clicked' when 4 then 'Responded'
    end as status
from furthest
