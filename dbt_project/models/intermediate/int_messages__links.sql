with

events as (

    select * from {{ ref('int_events__attached') }}

),

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

-- Bodies are many and large; only of clicked ones anybody asks for the links.
clicked as (

    select distinct message_key
    from events
    where event_type = 'clicked' and message_key is not null

),

found as (

    select
        messages.message_key,
        {{ links_in('messages.body_text') }} as links
    from messages
    inner join clicked on messages.message_key = clicked.message_key

),

appearances as (

    select
        message_key,
        {{ json_list_rows('links') }} as url,
        {{ json_list_rows(list_positions('links')) }} as appearance
    from found

),

first_appearances as (

    select
        message_key,
        url,
        min(appearance) as appearance
    from appearances
    group by message_key, url

)

select
    message_key,
    row_number() over (partition by message_key order by appearance) as position,
    url
from first_appearances
