-- C1: a network that nobody can read counts for nothing; say so.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'int_networks__named'}}}) }}

with

networks as (

    select * from {{ ref('int_networks__named') }}

)

select
    network_kind,
    cidr
from networks
where first_address is null
