with

replies as (

    select * from {{ ref('int_replies__attributed') }}

),

reply_classes as (

    select * from {{ ref('reply_classes') }}

)

select
    replies.reply_key,
    replies.message_id,
    replies.match,
    replies.thread_rule,
    replies.thread_confidence,
    replies.message_key,
    replies.enrollment_id,
    replies.mailbox,
    replies.sender_email,
    replies.subject,
    replies.received_at,
    replies.inbound_kind,
    replies.is_automated,
    reply_classes.reply_group,
    replies.reply_class,
    replies.classified_by,
    replies.confidence,
    replies.has_opt_out_hint,
    replies.has_left_job_hint,
    replies.tags
from replies
left join reply_classes on replies.reply_class = reply_classes.reply_class
