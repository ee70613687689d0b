with

events as (

    select * from {{ ref('int_events__attached') }}

),

actors as (

    select * from {{ ref('int_events__actors') }}

),

inbound as (

    select * from {{ ref('int_inbound_events') }}

),

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

people as (

    select * from {{ ref('int_enrollments__people') }}

),

addresses as (

    select * from {{ ref('int_crm__addresses') }}
    where is_chosen

),

records as (

    select * from {{ ref('int_crm__records') }}

),

wishes as (

    select
        events.recipient_email,
        events.enrollment_id,
        events.message_key,
        case events.event_type
            when 'complained' then 'do_not_contact'
            when 'clicked' then 'unsubscribed'
            else events.event_type
        end as status,
        case events.event_type when 'complained' then 'complaint' else 'unsubscribe' end as reason,
        events.occurred_at,
        events.event_key
    from events
    left join actors on events.event_key = actors.event_key
    where
        events.event_type in ('unsubscribed', 'complained', 'resubscribed')
        -- C4: whoever followed the link, but for a colleague.
        or (events.link_kind = 'unsubscribe' and actors.actor != 'internal')

    union all

    select
        recipient_email,
        enrollment_id,
        message_key,
        'do_not_contact' as status,
        'complaint' as reason,
        occurred_at,
        event_key
    from inbound
    where event_type = 'complained'

    union all

    -- E6: what somebody asks for in their own words is a hint, unless it is to count.
    select
        recipient_email,
        enrollment_id,
        message_key,
        'unsubscribed' as status,
        'asked_in_reply' as reason,
        occurred_at,
        event_key
    from inbound
    where {{ var('opt_out_hints_unsubscribe') }} and has_opt_out_hint and event_type = 'replied'

    union all

    select
        person_email as recipient_email,
        enrollment_id,
        cast(null as varchar) as message_key,
        'unsubscribed' as status,
        'platform' as reason,
        coalesce(opted_out_at, ended_at, opt_out_told_at) as occurred_at,
        cast(null as varchar) as event_key
    from enrollments
    where is_opted_out

),

addressed_wishes as (

    select
        wishes.*,
        people.enrollment_id as known_enrollment_id,
        people.person_key as enrolled_person_key,
        coalesce(addresses.stands_for_id, wishes.recipient_email) as address_person_key,
        -- An event may bear the enrollment of a mail that somebody else had a copy of.
        people.enrollment_id is not null
        and (
            wishes.message_key is not null
            or wishes.recipient_email is null
            or coalesce(wishes.recipient_email = people.person_email, false)
            or coalesce(addresses.stands_for_id = people.person_key, false)
        ) as is_of_enrollment,
        coalesce(wishes.recipient_email = people.person_email, false) as is_same_address
    from wishes
    left join people on wishes.enrollment_id = people.enrollment_id
    left join addresses on wishes.recipient_email = addresses.email

),

-- Who said it, and whose enrollment it is where they are known there by another address.
keyed_wishes as (

    select
        coalesce(enrolled_person_key, address_person_key) as person_key,
        known_enrollment_id as enrollment_id,
        status,
        reason,
        occurred_at,
        event_key
    from addressed_wishes
    where is_of_enrollment

    union all

    select
        address_person_key as person_key,
        cast(null as varchar) as enrollment_id,
        status,
        reason,
        occurred_at,
        event_key
    from addressed_wishes
    where
        not is_of_enrollment
        or (
            recipient_email is not null
            and not is_same_address
            and address_person_key is distinct from enrolled_person_key
        )

),

resubscriptions as (

    select
        person_key,
        occurred_at
    from keyed_wishes
    where status = 'resubscribed'

),

-- A complaint is never taken back by subscribing again.
own_opt_outs as (

    select
        keyed_wishes.person_key,
        keyed_wishes.enrollment_id,
        keyed_wishes.status,
        keyed_wishes.reason,
        keyed_wishes.occurred_at,
        keyed_wishes.event_key,
        min(resubscriptions.occurred_at) as resubscribed_at
    from keyed_wishes
    left join resubscriptions
        on
            keyed_wishes.person_key = resubscriptions.person_key
            and keyed_wishes.occurred_at < resubscriptions.occurred_at
            and keyed_wishes.status = 'unsubscribed'
    where keyed_wishes.status != 'resubscribed'
    group by
        keyed_wishes.person_key,
        keyed_wishes.enrollment_id,
        keyed_wishes.status,
        keyed_wishes.reason,
        keyed_wishes.occurred_at,
        keyed_wishes.event_key

),

explained_people as (

    select distinct
        person_key,
        resubscribed_at
    from own_opt_outs
    where person_key is not null

),

-- What we wrote ourselves comes back with the next snapshot: a tick in the CRM is news only about
-- people who did not opt out by mail, or who had subscribed again before it. A tick on a record
-- that stands for another (H3) is that one's.
crm_opt_outs as (

    select
        records.stands_for_id as person_key,
        cast(null as varchar) as enrollment_id,
        'do_not_contact' as status,
        'crm_opt_out' as reason,
        min(records.opted_out_at) as occurred_at,
        cast(null as varchar) as event_key,
        cast(null as timestamp) as resubscribed_at
    from records
    left join explained_people
        on
            records.stands_for_id = explained_people.person_key
            and (
                explained_people.resubscribed_at is null
                or records.opted_out_at < explained_people.resubscribed_at
            )
    where records.has_opted_out_of_email and explained_people.person_key is null
    group by records.stands_for_id

)

select
    person_key,
    enrollment_id,
    status,
    reason,
    occurred_at,
    event_key,
    resubscribed_at
from own_opt_outs

union all

select
    person_key,
    enrollment_id,
    status,
    reason,
    occurred_at,
    event_key,
    resubscribed_at
from crm_opt_outs
