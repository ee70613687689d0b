with

events as (

    select * from {{ ref('int_events__attached') }}
    where event_type in ('opened', 'clicked') and ip is not null

),

networks as (

    select * from {{ ref('int_networks') }}

),

-- Ranges meet each distinct address once, however many events come from it.
addresses as (

    select distinct ip from events

),

numbered as (

    select
        ip,
        {{ ip_number('trim(ip)') }} as address
    from addresses

)

select
    numbered.ip,
    max(case networks.network_kind when 'own' then 1 else 0 end) = 1 as is_own,
    max(case networks.network_kind when 'privacy_relay' then 1 else 0 end) = 1 as is_privacy_relay,
    max(case networks.network_kind when 'datacenter' then 1 else 0 end) = 1 as is_datacenter
from numbered
inner join networks
    on numbered.address between networks.first_address and networks.last_address
group by numbered.ip
