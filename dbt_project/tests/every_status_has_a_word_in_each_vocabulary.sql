-- F3: a status without a row in the crosswalk fails the build.
{{ config(meta={'dagster': {'ref': {'name': 'status_vocabulary'}}}) }}

with

statuses as (

    select status from {{ ref('status_precedence') }}

),

vocabulary as (

    select * from {{ ref('status_vocabulary') }}

)

select statuses.status
from statuses
left join vocabulary on statuses.status = vocabulary.status
where vocabulary.summary is null or vocabulary.detailed is null
