-- C1, C3: every open and click is somebody's, and no other provider event is.
with

events as (

    select * from {{ ref('email_events') }}
    where source not in ('sequences', 'mailboxes')

)

select
    event_key,
    event_type,
    actor
from events
where (event_type in ('opened', 'clicked')) != (actor is not null)
