with

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

events as (

    select * from {{ ref('int_events__deduplicated') }}

),

providers as (

    select * from {{ ref('mail_providers') }}

),

provider_hosts as (

    select * from {{ ref('mail_provider_hosts') }}

),

domains as (

    select distinct split_part(recipient_email, '@', 2) as domain
    from messages
    where recipient_email is not null

),

-- The server that took the latest mail to a domain.
latest as (

    select
        split_part(recipient_email, '@', 2) as domain,
        split_part(max({{ moment_and_key('occurred_at', 'receiving_host') }}), ' ', 2) as host
    from events
    where event_type = 'delivered' and receiving_host is not null
    group by split_part(recipient_email, '@', 2)

),

hosted as (

    select
        latest.domain,
        min(provider_hosts.mail_provider) as mail_provider
    from latest
    inner join provider_hosts
        on latest.host = provider_hosts.host or latest.host like '%.' || provider_hosts.host
    group by latest.domain

)

select
    domains.domain,
    coalesce(providers.mail_provider, hosted.mail_provider, 'company') as mail_provider
from domains
left join providers on domains.domain = providers.domain
left join hosted on domains.domain = hosted.domain
