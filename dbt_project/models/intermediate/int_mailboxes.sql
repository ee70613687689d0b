with

enrollments as (

    select mailbox from {{ ref('int_sequences__enrollments') }}

),

messages as (

    select mailbox from {{ ref('int_sequences__messages') }}

),

mail as (

    select mailbox from {{ ref('int_mail__copies') }}

),

users as (

    select * from {{ ref('int_crm__users') }}

),

addresses as (

    select mailbox from enrollments
    union
    select mailbox from messages
    union
    select mailbox from mail

)

-- H4: a mailbox whose address is no Salesforce user keeps its row and has no owner.
select
    addresses.mailbox,
    min(users.user_id) as owner_id
from addresses
left join users on addresses.mailbox = users.email and users.is_active
where addresses.mailbox is not null
group by addresses.mailbox
