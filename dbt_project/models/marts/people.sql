with

messages as (

    select * from {{ ref('messages') }}

),

message_people as (

    select * from {{ ref('int_messages__people') }}
    where crm_id is not null

),

enrollments as (

    select * from {{ ref('enrollments') }}
    where crm_id is not null

),

stages as (

    select * from {{ ref('enrollment_stages') }}

),

replies as (

    select * from {{ ref('replies') }}
    where not is_automated and enrollment_id is not null

),

received_mail as (

    select * from {{ ref('int_people__received_mail') }}
    where not is_automated

),

records as (

    select * from {{ ref('int_crm__records') }}

),

opt_outs as (

    select * from {{ ref('int_people__opt_outs') }}
    where resubscribed_at is null

),

tracking_opt_outs as (

    select * from {{ ref('int_people__tracking_opt_outs') }}

),

tasks as (

    select * from {{ ref('int_crm__tasks') }}

),

scores as (

    select * from {{ ref('engagement_scores') }}

),

vocabulary as (

    select * from {{ ref('status_vocabulary') }}

),

clock as (

    select * from {{ ref('int_clock') }}

),

-- G4: the last 30 days. What claims to be later than the newest fact has not happened yet.
recent as (

    select
        {{ add_days('as_of', -30) }} as starts_at,
        as_of as ends_at
    from clock

),

message_totals as (

    select
        message_people.crm_id,
        count(case when messages.origin = 'sequence' then 1 end) as message_count,
        sum(messages.open_count) as open_count,
        sum(messages.human_open_count) as human_open_count,
        sum(messages.click_count) as click_count,
        sum(messages.human_click_count) as human_click_count,
        min(messages.clicked_at) as clicked_at,
        max(case when messages.sent_at <= recent.ends_at then messages.sent_at end)
            as last_email_sent_at,
        count(case
            when messages.sent_at between recent.starts_at and recent.ends_at then 1
        end) as recent_count
    from messages
    inner join message_people on messages.message_key = message_people.message_key
    cross join recent
    group by message_people.crm_id

),

reply_totals as (

    select
        enrollments.crm_id,
        max(replies.received_at) as last_reply_at
    from replies
    inner join enrollments on replies.enrollment_id = enrollments.enrollment_id
    group by enrollments.crm_id

),

received_totals as (

    select
        received_mail.sender_crm_id as crm_id,
        max(case
            when received_mail.received_at <= recent.ends_at then received_mail.received_at
        end) as last_email_received_at,
        count(case
            when received_mail.received_at between recent.starts_at and recent.ends_at then 1
        end) as recent_count
    from received_mail
    cross join recent
    group by received_mail.sender_crm_id

),

-- A task of whoever a record stands for is the record's. Salesforce makes one for each email that
-- is logged; emails are counted from the mail itself.
task_totals as (

    select
        records.stands_for_id as crm_id,
        count(case
            when tasks.created_at between recent.starts_at and recent.ends_at then 1
        end) as recent_count
    from tasks
    inner join records on tasks.who_id = records.crm_id
    cross join recent
    where not tasks.is_email
    group by records.stands_for_id

),

-- F4: the enrollment with the latest activity speaks for the record.
ranked_enrollments as (

    select
        *,
        row_number() over (
            partition by crm_id
            order by last_activity_at desc, enrolled_at desc, enrollment_id desc
        ) as from_last,
        row_number() over (
            partition by crm_id order by enrolled_at, enrollment_id
        ) as from_first
    from enrollments

),

enrollment_totals as (

    select
        crm_id,
        max(case when from_last = 1 then enrollment_id end) as most_recent_enrollment_id,
        max(case when from_last = 1 then status end) as most_recent_status,
        max(case when from_last = 1 then sequence_name end) as most_recent_sequence,
        max(case when from_last = 1 then last_step_at end) as most_recent_step_at,
        max(case when from_first = 1 then sequence_name end) as first_sequence,
        max(cast(is_replied as integer)) = 1 as has_replied
    from ranked_enrollments
    group by crm_id

),

ranked_classes as (

    select
        crm_id,
        initial_reply_class,
        latest_reply_class,
        initial_reply_tags,
        latest_reply_tags,
        row_number() over (
            partition by crm_id order by first_inbound_at nulls last, enrollment_id
        ) as from_first,
        row_number() over (
            partition by crm_id order by last_inbound_at desc nulls last, enrollment_id desc
        ) as from_last
    from enrollments
    where latest_reply_class is not null

),

class_totals as (

    select
        crm_id,
        max(case when from_first = 1 then initial_reply_class end) as initial_reply_class,
        max(case when from_last = 1 then latest_reply_class end) as latest_reply_class,
        max(case when from_first = 1 then initial_reply_tags end) as initial_reply_tags,
        max(case when from_last = 1 then latest_reply_tags end) as latest_reply_tags
    from ranked_classes
    group by crm_id

),

opt_out_totals as (

    select distinct person_key as crm_id
    from opt_outs

),

-- A person is somebody that a sequence writes to; mail by hand alone makes none.
people as (

    select
        crm_object,
        crm_id,
        -- The surest of what tied its enrollments to it.
        case
            when count(case when matched_by = 'crm_id' then 1 end) > 0 then 'crm_id'
            when count(case when matched_by = 'email' then 1 end) > 0 then 'email'
            else min(matched_by)
        end as matched_by
    from {{ ref('int_enrollments__people') }}
    where crm_id is not null
    group by crm_object, crm_id

)

select
    people.crm_object,
    people.crm_id,
    people.matched_by,
    records.owner_id,
    cast(coalesce(message_totals.message_count, 0) as bigint) as message_count,
    -- D9: of somebody who wants no tracking, nothing is known.
    {%- for metric in ['open_count', 'human_open_count', 'click_count', 'human_click_count'] %}
        case
            when tracking_opt_outs.crm_id is null
                then cast(coalesce(message_totals.{{ metric }}, 0) as bigint)
        end as {{ metric }},
    {%- endfor %}
    message_totals.clicked_at,
    enrollment_totals.has_replied as is_replied,
    reply_totals.last_reply_at,
    enrollment_totals.most_recent_status,
    vocabulary.summary as sequence_status,
    vocabulary.detailed as sequence_status_detailed,
    stages.sequence_stage,
    enrollment_totals.most_recent_enrollment_id,
    enrollment_totals.most_recent_sequence,
    enrollment_totals.most_recent_step_at,
    enrollment_totals.first_sequence,
    class_totals.initial_reply_class,
    class_totals.latest_reply_class,
    class_totals.initial_reply_tags,
    class_totals.latest_reply_tags,
    opt_out_totals.crm_id is not null or records.has_opted_out_of_email as is_opted_out,
    message_totals.last_email_sent_at,
    received_totals.last_email_received_at,
    cast(
        coalesce(message_totals.recent_count, 0)
        + coalesce(received_totals.recent_count, 0)
        + coalesce(task_totals.recent_count, 0) as bigint
    ) as activities_30d_count,
    scores.score as engagement_score,
    scores.level as engagement_level
from people
inner join records on people.crm_id = records.crm_id
left join message_totals on people.crm_id = message_totals.crm_id
left join reply_totals on people.crm_id = reply_totals.crm_id
left join received_totals on people.crm_id = received_totals.crm_id
left join task_totals on people.crm_id = task_totals.crm_id
left join enrollment_totals on people.crm_id = enrollment_totals.crm_id
left join stages on enrollment_totals.most_recent_enrollment_id = stages.enrollment_id
left join class_totals on people.crm_id = class_totals.crm_id
left join opt_out_totals on people.crm_id = opt_out_totals.crm_id
left join tracking_opt_outs on people.crm_id = tracking_opt_outs.crm_id
left join scores on people.crm_id = scores.crm_id
left join vocabulary on enrollment_totals.most_recent_status = vocabulary.status
