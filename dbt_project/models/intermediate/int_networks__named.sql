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
        cidr
    from seeded

    union all

    select
        network_kind,
        cidr
    from listed

)

select
    network_kind,
    cidr,
    {{ network_bound('trim(cidr)', 'first') }} as first_address,
    {{ network_bound('trim(cidr)', 'last') }} as last_address
from named
