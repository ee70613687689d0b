with

replies as (

    select * from {{ ref('int_replies__attributed') }}
    where match = 'unknown_sender' and inbound_kind = 'human' and not is_automated

),

enrollments as (

    select * from {{ ref('int_sequences__enrollments') }}

),

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

addresses as (

    select * from {{ ref('int_crm__addresses') }}

),

-- Everybody may have an address at these.
consumer_domains as (

    select * from {{ ref('mail_providers') }}

),

ordered as (

    select
        *,
        row_number() over (
            partition by sender_email, mailbox
            order by received_at desc, reply_key desc
        ) as from_last
    from replies
    where sender_email is not null

),

senders as (

    select
        sender_email,
        mailbox,
        max(case when from_last = 1 then sender_name end) as sender_name,
        count(*) as mail_count,
        min(received_at) as first_received_at,
        max(received_at) as last_received_at,
        max(case when from_last = 1 then subject end) as last_subject,
        max(case when from_last = 1 then reply_key end) as last_reply_key
    from ordered
    group by sender_email, mailbox

),

known_emails as (

    select
        recipient_email as email,
        sent_at
    from messages

    union all

    select
        person_email as email,
        cast(null as timestamp) as sent_at
    from enrollments

    union all

    select
        email,
        cast(null as timestamp) as sent_at
    from addresses

),

known_people as (

    select
        email,
        split_part(email, '@', 1) as local_part,
        split_part(email, '@', 2) as domain,
        max(sent_at) as last_sent_at
    from known_emails
    where email like '%_@_%'
    group by email

),

-- A name of several parts is somebody's, wherever they work now.
namesakes as (

    select
        senders.sender_email,
        senders.mailbox,
        known_people.email,
        'same_name' as likeness,
        1 as rank_order,
        known_people.last_sent_at
    from senders
    inner join known_people on split_part(senders.sender_email, '@', 1) = known_people.local_part
    where {{ matches('known_people.local_part', "'^[^._-]{2,}[._-][^._-]{2,}'") }}

),

colleagues as (

    select
        senders.sender_email,
        senders.mailbox,
        known_people.email,
        'same_domain' as likeness,
        2 as rank_order,
        known_people.last_sent_at
    from senders
    inner join known_people on split_part(senders.sender_email, '@', 2) = known_people.domain
    left join consumer_domains on known_people.domain = consumer_domains.domain
    where consumer_domains.domain is null

),

likenesses as (

    select * from namesakes
    union all
    select * from colleagues

),

ranked as (

    select
        *,
        row_number() over (
            partition by sender_email, mailbox
            order by rank_order asc, last_sent_at desc nulls last, email asc
        ) as preference
    from likenesses

)

select
    senders.sender_email,
    senders.mailbox,
    senders.sender_name,
    senders.mail_count,
    senders.first_received_at,
    senders.last_received_at,
    senders.last_subject,
    senders.last_reply_key,
    ranked.email as nearest_person_email,
    ranked.likeness,
    ranked.last_sent_at as nearest_person_written_at
from senders
left join ranked
    on
        senders.sender_email = ranked.sender_email
        and senders.mailbox = ranked.mailbox
        and ranked.preference = 1
