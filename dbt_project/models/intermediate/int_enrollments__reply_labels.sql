with

versions as (

    select
        enrollment_id,
        reply_received_at,
        reply_labels,
        row_number() over (
            partition by enrollment_id, reply_received_at
            order by
                updated_at desc nulls last,
                version_text desc,
                loaded_at asc,
                source_file asc,
                source_line asc
        ) as recency_of_reply,
        row_number() over (
            partition by enrollment_id
            order by
                updated_at desc nulls last,
                version_text desc,
                loaded_at asc,
                source_file asc,
                source_line asc
        ) as recency
    from {{ ref('int_sequences__enrollments') }}

),

reply_labels as (

    select * from {{ ref('reply_labels') }}

),

-- The platform keeps one reply per enrollment: a newer one replaces an earlier one, and its labels,
-- in the record, not in truth. Labels without a time are of no reply but the newest.
labelled as (

    select
        enrollment_id,
        reply_received_at,
        reply_labels
    from versions
    where
        reply_labels is not null
        and recency_of_reply = 1
        and (reply_received_at is not null or recency = 1)

),

texts as (

    select distinct reply_labels from labelled

),

-- A label may be a tag of somebody's own; the first that means a class is the class.
known_labels as (

    select
        texts.reply_labels,
        reply_labels.reply_class,
        reply_labels.is_automated,
        row_number() over (
            partition by texts.reply_labels
            order by
                strpos(
                    ', ' || lower(texts.reply_labels) || ', ',
                    ', ' || lower(reply_labels.label) || ', '
                ),
                reply_labels.label
        ) as place
    from texts
    inner join reply_labels
        on
            strpos(
                ', ' || lower(texts.reply_labels) || ', ',
                ', ' || lower(reply_labels.label) || ', '
            ) > 0

)

select
    labelled.enrollment_id,
    labelled.reply_received_at,
    labelled.reply_labels,
    known_labels.reply_class,
    coalesce(known_labels.is_automated, false) as is_automated
from labelled
left join known_labels
    on labelled.reply_labels = known_labels.reply_labels and known_labels.place = 1
