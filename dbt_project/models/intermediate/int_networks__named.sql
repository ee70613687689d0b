with

seeded as (

    select * from {{ ref('networks') }}

),

listed as (

    select * from {{ ref('stg_networks__lists') }}

),

named as (

    select
        network_kind,
        trim(cidr) as cidr
    from seeded

    union all

    select
        network_kind,
        trim(cidr) as cidr
    from listed

)

select
    network_kind,
    cidr,
    {{ network_bound('cidr', 'first') }} as first_address,
    {{ network_bound('cidr', 'last') }} as last_address
from named
