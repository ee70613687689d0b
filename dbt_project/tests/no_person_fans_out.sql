-- H2: joining people to records multiplies neither messages nor enrollments.
{{ config(meta={'dagster': {'ref': {'name': 'int_messages__people'}}}) }}

with

messages as (

    select count(*) as row_count from {{ ref('messages') }}

),

joined_messages as (

    select count(*) as row_count from {{ ref('int_messages__people') }}

),

enrollments as (

    select count(*) as row_count from {{ ref('int_enrollments__current') }}

),

joined_enrollments as (

    select count(*) as row_count from {{ ref('enrollments') }}

)

select
    messages.row_count as message_count,
    joined_messages.row_count as joined_message_count,
    enrollments.row_count as enrollment_count,
    joined_enrollments.row_count as joined_enrollment_count
from messages
cross join joined_messages
cross join enrollments
cross join joined_enrollments
where
    messages.row_count != joined_messages.row_count
    or enrollments.row_count != joined_enrollments.row_count
