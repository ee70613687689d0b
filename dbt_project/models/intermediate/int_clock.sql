-- "The last 30 days" counts back from the newest fact loaded, not from the wall clock: the same
-- input gives the same marts on any day, and a late load does not empty the windows. A sender's
-- clock may be years ahead: what claims to be later than its own loading tells no time.
with

events as (

    select max(occurred_at) as moment
    from {{ ref('int_events__attached') }}
    where occurred_at <= {{ add_days('loaded_at', 1) }}

),

messages as (

    select max(sent_at) as moment
    from {{ ref('int_messages__outbound') }}
    where sent_at <= {{ add_days('loaded_at', 1) }}

),

mail as (

    select max(received_at) as moment
    from {{ ref('int_mail__inbound') }}
    where received_at <= {{ add_days('loaded_at', 1) }}

),

moments as (

    select moment from events
    union all
    select moment from messages
    union all
    select moment from mail

)

select
    coalesce(
        cast({{ "'" ~ var('as_of') ~ "'" if var('as_of') else 'null' }} as timestamp),
        max(moment)
    ) as as_of
from moments
