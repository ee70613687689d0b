with

messages as (

    select * from {{ ref('messages') }}
    where origin = 'sequence'

),

providers as (

    select * from {{ ref('mail_providers') }}

),

counted as (

    select
        messages.sequence_id,
        coalesce(providers.mail_provider, 'company') as mail_provider,
        messages.discrepancy_class,
        messages.discrepancy_cause,
        count(*) as message_count
    from messages
    left join providers on split_part(messages.recipient_email, '@', 2) = providers.domain
    group by
        messages.sequence_id,
        coalesce(providers.mail_provider, 'company'),
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
