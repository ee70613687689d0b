-- C1: a network that nobody can read counts for nothing; say so.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'stg_networks__lists'}}}) }}

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
    cidr
from named
where {{ network_bound('trim(cidr)', 'first') }} is null
