with

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

matches as (

    select * from {{ ref('int_people__crm_matches') }}
    where crm_id is null

),

mailboxes as (

    select * from {{ ref('int_mailboxes') }}

),

mail as (

    select * from {{ ref('int_mail__copies') }}
    where from_name is not null and not is_spam

),

mail_providers as (

    select * from {{ ref('mail_providers') }}

),

opt_outs as (

    select * from {{ ref('int_people__opt_outs') }}
    where resubscribed_at is null

),

ranked as (

    select
        enrollments.person_email,
        enrollments.crm_record_id,
        matches.person_key,
        matches.unmatched_reason,
        enrollments.mailbox,
        enrollments.sequence_name,
        min(enrollments.created_at) over (
            partition by enrollments.person_email, enrollments.crm_record_id
        ) as first_enrolled_at,
        max(enrollments.created_at) over (
            partition by enrollments.person_email, enrollments.crm_record_id
        ) as last_enrolled_at,
        count(*) over (partition by enrollments.person_email, enrollments.crm_record_id)
            as enrollment_count,
        row_number() over (
            partition by enrollments.person_email, enrollments.crm_record_id
            order by enrollments.created_at desc, enrollments.enrollment_id desc
        ) as recency
    from enrollments
    inner join matches
        on
            enrollments.person_email is not distinct from matches.person_email
            and enrollments.crm_record_id is not distinct from matches.crm_record_id

),

-- What people call themselves in their own mail is all that tells a name.
names as (

    select
        from_address,
        from_name,
        row_number() over (
            partition by from_address order by received_at desc, mail_key desc, mailbox asc
        ) as recency
    from mail
    where from_name not like '%@%'

),

people as (

    select
        *,
        case
            when unmatched_reason = 'no_record_with_this_email'
                then split_part(person_email, '@', 2)
        end as domain
    from ranked
    where recency = 1

),

opted_out_people as (

    select distinct person_key from opt_outs

)

select
    people.person_email,
    people.crm_record_id,
    people.unmatched_reason as reason,
    people.unmatched_reason = 'no_record_with_this_email' as is_creatable,
    names.from_name as person_name,
    case when mail_providers.domain is null then people.domain end as company_domain,
    people.mailbox,
    mailboxes.owner_id,
    people.sequence_name,
    people.first_enrolled_at,
    people.last_enrolled_at,
    cast(people.enrollment_count as bigint) as enrollment_count,
    opted_out_people.person_key is not null as is_opted_out
from people
left join names on people.person_email = names.from_address and names.recency = 1
left join mail_providers on people.domain = mail_providers.domain
left join mailboxes on people.mailbox = mailboxes.mailbox
left join opted_out_people on people.person_key = opted_out_people.person_key
