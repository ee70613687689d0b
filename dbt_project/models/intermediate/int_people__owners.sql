with

enrollments as (

    select * from {{ ref('int_enrollments__current') }}

),

people as (

    select * from {{ ref('int_enrollments__people') }}
    where crm_id is not null

),

records as (

    select * from {{ ref('int_crm__records') }}

),

users as (

    select * from {{ ref('int_crm__users') }}
    where is_active

),

mailboxes as (

    select * from {{ ref('int_mailboxes') }}

),

ranked as (

    select
        people.crm_id,
        mailboxes.owner_id,
        row_number() over (
            partition by people.crm_id
            order by enrollments.created_at desc, enrollments.enrollment_id desc
        ) as recency
    from people
    inner join enrollments on people.enrollment_id = enrollments.enrollment_id
    left join mailboxes on enrollments.mailbox = mailboxes.mailbox

)

select
    ranked.crm_id,
    coalesce(users.user_id, ranked.owner_id) as owner_id
from ranked
inner join records on ranked.crm_id = records.crm_id
left join users on records.owner_id = users.user_id
where ranked.recency = 1
