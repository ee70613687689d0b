with

labels as (

    select * from {{ ref('int_enrollments__reply_labels') }}

),

replies as (

    select * from {{ ref('int_replies__attributed') }}
    where enrollment_id is not null

),

-- Where a mailbox holds a person's reply, the label is of such a one; where it holds a machine's
-- mail of the label's time, that is what the platform took for a reply.
heard as (

    select distinct
        labels.enrollment_id,
        labels.reply_received_at
    from labels
    inner join replies on labels.enrollment_id = replies.enrollment_id
    where
        not replies.is_automated
        or abs({{ seconds_between('labels.reply_received_at', 'replies.received_at') }}) <= 300

)

-- E6: the label of a reply that no mailbox holds stands in for it.
select
    labels.enrollment_id,
    labels.reply_received_at as received_at,
    coalesce(labels.reply_class, 'Unclassified') as reply_class,
    labels.reply_labels as tags
from labels
left join heard
    on
        labels.enrollment_id = heard.enrollment_id
        and labels.reply_received_at is not distinct from heard.reply_received_at
where heard.enrollment_id is null and not labels.is_automated
