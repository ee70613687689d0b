with

messages as (

    select * from {{ ref('messages') }}
    where origin = 'sequence'

),

counted as (

    select
        messages.sequence_id,
        messages.mail_provider,
        messages.discrepancy_class,
        messages.discrepancy_cause,
        count(*) as message_count
    from messages
    group by
        messages.sequence_id,
        messages.mail_provider,
        messages.discrepancy_class,
        messages.discrepancy_cause

)

select
    sequence_id,
    mail_provider,
    discrepancy_class,
    discrepancy_cause,
    message_count,
    {{ rate('message_count', 'sum(message_count) over (partition by sequence_id, mail_provider)') }}
        as share
from counted
