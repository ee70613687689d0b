with

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

providers as (

    select * from {{ ref('mail_providers') }}

),

domains as (

    select distinct split_part(recipient_email, '@', 2) as domain
    from messages
    where recipient_email is not null

)

select
    domains.domain,
    coalesce(providers.mail_provider, 'company') as mail_provider
from domains
left join providers on domains.domain = providers.domain
