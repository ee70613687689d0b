with

events as (

    select * from {{ ref('int_events__attached') }}

),

inbound as (

    select * from {{ ref('int_inbound_events') }}

),

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

matches as (

    select * from {{ ref('int_people__crm_matches') }}

),

records as (

    select * from {{ ref('int_crm__records') }}

),

own_opt_outs as (

    select
        recipient_email as person_email,
        enrollment_id,
        case event_type when 'complained' then 'do_not_contact' else 'unsubscribed' end as status,
        case event_type when 'complained' then 'complaint' else 'unsubscribe' end as reason,
        occurred_at,
        event_key
    from events
    where event_type in ('unsubscribed', 'complained')

    union all

    select
        recipient_email as person_email,
        enrollment_id,
        'do_not_contact' as status,
        'complaint' as reason,
        occurred_at,
        event_key
    from inbound
    where event_type = 'complained' and recipient_email is not null

    union all

    select
        person_email,
        enrollment_id,
        'unsubscribed' as status,
        'platform' as reason,
        coalesce(ended_at, updated_at) as occurred_at,
        cast(null as varchar) as event_key
    from enrollments
    where is_opted_out

),

resubscriptions as (

    select
        recipient_email as person_email,
        occurred_at
    from events
    where event_type = 'resubscribed'

),

-- What we wrote ourselves comes back with the next snapshot: an opt-out in the CRM says something
-- new only of people who did not opt out by mail.
crm_opt_outs as (

    select
        enrollments.person_email,
        enrollments.enrollment_id,
        'do_not_contact' as status,
        'crm_opt_out' as reason,
        records.opted_out_at as occurred_at,
        cast(null as varchar) as event_key
    from enrollments
    inner join matches
        on
            enrollments.person_email is not distinct from matches.person_email
            and enrollments.crm_record_id is not distinct from matches.crm_record_id
    inner join records on matches.crm_id = records.crm_id
    where
        records.has_opted_out_of_email
        and enrollments.ended_at is null
        and enrollments.person_email not in (
            select own_opt_outs.person_email
            from own_opt_outs
            where own_opt_outs.person_email is not null
        )

),

opt_outs as (

    select * from own_opt_outs
    union all
    select * from crm_opt_outs

)

select
    opt_outs.person_email,
    opt_outs.enrollment_id,
    opt_outs.status,
    opt_outs.reason,
    opt_outs.occurred_at,
    opt_outs.event_key,
    min(resubscriptions.occurred_at) as resubscribed_at
from opt_outs
left join resubscriptions
    on
        opt_outs.person_email = resubscriptions.person_email
        and opt_outs.occurred_at < resubscriptions.occurred_at
group by
    opt_outs.person_email,
    opt_outs.enrollment_id,
    opt_outs.status,
    opt_outs.reason,
    opt_outs.occurred_at,
    opt_outs.event_key
