{{ config(
    pre_hook="{{ remember_patterns('reply_text_patterns', [ref('reply_text_patterns')]) }}"
) }}

{#- Who asks for no more mail, or tells that somebody has left, says so early. -#}
{%- set looked_at_characters = 2000 -%}

with

inbound as (

    select * from {{ ref('int_mail__inbound') }}
    where inbound_kind in ('human', 'auto_reply') and own_text is not null

),

patterns as (

    select * from {{ ref('reply_text_patterns') }}

),

-- Patterns meet each distinct text once, however many mails bear it.
texts as (

    select distinct left(own_text, {{ looked_at_characters }}) as wording
    from inbound
    where
        {{ may_match_remembered(
            'left(own_text, ' ~ looked_at_characters ~ ')', 'reply_text_patterns'
        ) }}

),

hits as (

    select
        texts.wording,
        max(cast(patterns.reply_class = 'Opt out' as integer)) = 1 as asks_for_no_more,
        max(cast(patterns.reply_class = 'Left Job' as integer)) = 1 as tells_of_leaving
    from texts
    inner join patterns on {{ matches('texts.wording', 'patterns.pattern') }}
    group by texts.wording

)

select
    inbound.mail_key,
    -- A machine asks for nothing, whatever its mail says of unsubscribing.
    hits.asks_for_no_more and not inbound.is_automated as has_opt_out_hint,
    hits.tells_of_leaving as has_left_job_hint
from inbound
inner join hits on left(inbound.own_text, {{ looked_at_characters }}) = hits.wording
where not inbound.is_automated or hits.tells_of_leaving
