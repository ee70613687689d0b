-- E6: the examples are what the patterns are for, and what tells an admin how to write one more.
{{ config(meta={'dagster': {'ref': {'name': 'reply_text_patterns'}}}) }}

with

patterns as (

    select * from {{ ref('reply_text_patterns') }}

)

select
    pattern,
    example
from patterns
where not {{ matches('example', 'pattern') }}
