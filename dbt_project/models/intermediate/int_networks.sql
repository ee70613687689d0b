with

networks as (

    select * from {{ ref('int_networks__named') }}

),

bounded as (

    select distinct
        network_kind,
        first_address,
        last_address
    from networks
    where first_address is not null

),

-- Lists name networks and parts of them: ranges that overlap become one, so that an address is in
-- one range of a kind at most.
reached as (

    select
        *,
        max(last_address) over (
            partition by network_kind
            order by first_address, last_address
            rows between unbounded preceding and 1 preceding
        ) as last_address_before
    from bounded

),

numbered as (

    select
        *,
        sum(case when first_address <= last_address_before then 0 else 1 end) over (
            partition by network_kind
            order by first_address, last_address
            rows between unbounded preceding and current row
        ) as range_number
    from reached

)

select
    network_kind,
    min(first_address) as first_address,
    max(last_address) as last_address
from numbered
group by network_kind, range_number
