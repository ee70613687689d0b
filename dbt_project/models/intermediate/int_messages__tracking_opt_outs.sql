with

message_people as (

    select * from {{ ref('int_messages__people') }}

),

tracking_opt_outs as (

    select * from {{ ref('int_people__tracking_opt_outs') }}

)

select message_people.message_key
from message_people
inner join tracking_opt_outs on message_people.crm_id = tracking_opt_outs.crm_id
