with

replies as (

    select * from {{ ref('int_replies__attributed') }}
    where inbound_kind in ('human', 'auto_reply', 'read_receipt', 'list')

),

addresses as (

    select * from {{ ref('int_crm__addresses') }}
    where is_chosen

),

people as (

    select * from {{ ref('int_enrollments__people') }}

),

reply_classes as (

    select * from {{ ref('reply_classes') }}

)

select
    replies.reply_key,
    coalesce(addresses.stands_for_id, people.crm_id) as sender_crm_id,
    people.crm_object,
    people.crm_id,
    replies.enrollment_id,
    replies.is_automated,
    coalesce(reply_classes.reply_group, '') = 'Positive' as is_positive,
    replies.received_at
from replies
left join addresses on replies.sender_email = addresses.email
left join people on replies.enrollment_id = people.enrollment_id
left join reply_classes on replies.reply_class = reply_classes.reply_class
