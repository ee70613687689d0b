{#- How often each actor opened and clicked (C3). Clicks count on tracked domains only (C5). -#}
{%- set actors = ['human', 'machine', 'unknown', 'internal'] -%}
{%- set counts = ['open_count', 'click_count'] -%}
{%- for actor in actors -%}
    {%- do counts.extend([actor ~ '_open_count', actor ~ '_click_count']) -%}
{%- endfor -%}

with

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

deliveries as (

    select * from {{ ref('int_messages__deliveries') }}

),

mail_providers as (

    select * from {{ ref('int_domains__mail_providers') }}

),

tracking_opt_outs as (

    select * from {{ ref('int_messages__tracking_opt_outs') }}

),

events as (

    select * from {{ ref('email_events') }}
    where message_key is not null

),

links as (

    select * from {{ ref('message_links') }}
    where human_click_count > 0 and is_tracked_domain

),

labelled as (

    select
        *,
        event_type = 'opened' as is_open,
        event_type = 'clicked' and is_tracked_domain as is_click,
        case
            when event_type in ('opened', 'clicked', 'replied')
                then {{ moment_and_key('occurred_at', 'event_key') }}
        end as sorted_key
    from events

),

engagement as (

    select
        message_key,
        count(case when is_open then 1 end) as open_count,
        count(case when is_click then 1 end) as click_count,
        {%- for actor in actors %}
            count(case when is_open and actor = '{{ actor }}' then 1 end) as {{ actor }}_open_count,
            count(case when is_click and actor = '{{ actor }}' then 1 end)
                as {{ actor }}_click_count,
        {%- endfor %}
        -- Behind these, the reader's own opens are out of sight.
        count(case when is_open and is_proxy then 1 end) as proxy_open_count,
        min(case when is_open then occurred_at end) as first_opened_at,
        max(case when is_open then occurred_at end) as last_opened_at,
        min(case when is_click and actor = 'human' then occurred_at end) as clicked_at,
        min(case when event_type = 'replied' then occurred_at end) as replied_at,
        min(case when event_type = 'bounced' then occurred_at end) as bounced_at,
        min(case
            when
                event_type = 'unsubscribed'
                or (link_kind = 'unsubscribe' and actor != 'internal')
                then occurred_at
        end) as unsubscribed_at,
        min(case when event_type = 'complained' then occurred_at end) as complained_at,
        min(case when is_open and actor = 'human' then sorted_key end) as human_open_key,
        min(case when is_click and actor = 'human' then sorted_key end) as human_click_key,
        min(case when event_type = 'replied' then sorted_key end) as reply_key,
        min(case when is_open and actor != 'human' then sorted_key end) as other_open_key,
        min(case when is_click and actor != 'human' then sorted_key end) as other_click_key
    from labelled
    group by message_key

),

link_counts as (

    select
        message_key,
        count(*) as distinct_link_count
    from links
    group by message_key

),

-- D8: of several bounces the one that ends delivery for good tells the type.
bounces as (

    select
        message_key,
        event_subtype as bounce_type,
        row_number() over (
            partition by message_key
            order by
                case event_subtype
                    when 'hard' then 1 when 'block' then 2 when 'soft' then 3 else 4
                end,
                occurred_at,
                event_key
        ) as preference
    from events
    where event_type = 'bounced'

),

-- D9: what somebody opens and clicks who wants no tracking is as if it had not been recorded.
watched as (

    select
        messages.*,
        coalesce(mail_providers.mail_provider, 'company') as mail_provider,
        deliveries.delivered_at,
        deliveries.is_delivered as is_delivery_known,
        tracking_opt_outs.message_key is not null as has_tracking_opt_out
    from messages
    inner join deliveries on messages.message_key = deliveries.message_key
    left join mail_providers
        on split_part(messages.recipient_email, '@', 2) = mail_providers.domain
    left join tracking_opt_outs on messages.message_key = tracking_opt_outs.message_key

),

measured as (

    select
        watched.*,
        {%- for count in counts + ['proxy_open_count'] %}
            case
                when watched.has_tracking_opt_out then 0 else coalesce(engagement.{{ count }}, 0)
            end as {{ count }},
        {%- endfor %}
        {%- for fact in [
            'first_opened_at', 'last_opened_at', 'clicked_at', 'human_open_key', 'human_click_key',
            'other_open_key', 'other_click_key',
        ] %}
            case when not watched.has_tracking_opt_out then engagement.{{ fact }} end as {{ fact }},
        {%- endfor %}
        coalesce(link_counts.distinct_link_count, 0) as distinct_link_count,
        watched.open_tracking_enabled and not watched.has_tracking_opt_out as counts_opens,
        watched.click_tracking_enabled and not watched.has_tracking_opt_out as counts_clicks,
        -- What leaves a sign has arrived, though its delivery was not recorded.
        watched.is_delivery_known
        or coalesce(
            engagement.open_count + engagement.click_count > 0
            or engagement.replied_at is not null,
            false
        ) as is_delivered,
        engagement.reply_key,
        engagement.replied_at,
        engagement.bounced_at,
        bounces.bounce_type,
        engagement.unsubscribed_at,
        engagement.complained_at
    from watched
    left join engagement on watched.message_key = engagement.message_key
    left join link_counts on watched.message_key = link_counts.message_key
    left join bounces on watched.message_key = bounces.message_key and bounces.preference = 1

),

-- D2: what is not tracked is neither opened nor unopened, whatever was recorded of it.
signs as (

    select
        *,
        counts_opens and human_open_count > 0 as is_opened,
        counts_clicks and human_click_count > 0 as is_clicked,
        (counts_opens and open_count > internal_open_count)
        or (counts_clicks and click_count > internal_click_count) as has_other_sign
    from measured

),

-- D4: exactly one class a message, in this order.
classified as (

    select
        *,
        human_open_count > 0 or human_click_count > 0 or replied_at is not null as is_viewed,
        case
            when not counts_opens and not counts_clicks then 'untracked'
            when is_opened and is_clicked then 'opened_and_clicked'
            when is_clicked then 'clicked_without_open'
            when is_opened then 'opened_without_click'
            when replied_at is not null then 'replied_without_open'
            when has_other_sign then 'machine_only'
            when not counts_opens then 'untracked'
            else 'none'
        end as discrepancy_class
    from signs

),

explained as (

    select
        *,
        case
            when has_tracking_opt_out then 'tracking_opt_out'
            when body_format = 'plain' then 'plain_text'
            else 'tracking_off'
        end as untracked_cause
    from classified

)

select
    message_key,
    message_id,
    enrollment_id,
    sequence_id,
    step_number,
    mailbox,
    recipient_email,
    mail_provider,
    origin,
    subject,
    sent_at,
    delivered_at,
    is_delivered,
    counts_opens as open_tracking_enabled,
    counts_clicks as click_tracking_enabled,
    has_tracking_opt_out,
    {{ counts | join(',\n    ') }},
    first_opened_at,
    last_opened_at,
    clicked_at,
    distinct_link_count,
    replied_at,
    bounced_at,
    bounce_type,
    unsubscribed_at,
    complained_at,
    is_viewed,
    discrepancy_class,
    case
        when discrepancy_class = 'untracked' then untracked_cause
        when discrepancy_class in ('clicked_without_open', 'replied_without_open')
            then case
                when not counts_opens then untracked_cause
                when proxy_open_count > 0 then 'privacy_proxy'
                else 'images_blocked'
            end
        when discrepancy_class = 'opened_without_click' and not counts_clicks then 'tracking_off'
        when discrepancy_class = 'machine_only' and click_count = 0 and proxy_open_count > 0
            then 'privacy_proxy'
        when discrepancy_class = 'machine_only' then 'scanner'
        when discrepancy_class = 'none' and not is_delivered then 'not_delivered'
        when discrepancy_class = 'none' and open_count + click_count > 0 then 'internal'
        else 'none'
    end as discrepancy_cause,
    {{ keys_of_moments([
        'human_open_key',
        'human_click_key',
        'reply_key',
        'other_open_key',
        'other_click_key',
    ]) }} as evidence_event_keys
from explained
