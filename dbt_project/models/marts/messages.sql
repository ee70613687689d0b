with

messages as (

    select * from {{ ref('int_messages__outbound') }}

),

events as (

    select * from {{ ref('email_events') }}
    where message_key is not null

),

mail_providers as (

    select * from {{ ref('int_domains__mail_providers') }}

),

-- C3: raw, human, machine and unknown stand side by side; C5: clicks on other domains do not count.
engagement as (

    select
        message_key,
        min(case when event_type = 'delivered' then occurred_at end) as delivered_at,
        count(case when event_type = 'opened' then 1 end) as open_count,
        count(case when event_type = 'opened' and actor = 'human' then 1 end) as human_open_count,
        count(case when event_type = 'opened' and actor = 'machine' then 1 end)
            as machine_open_count,
        count(case when event_type = 'opened' and actor = 'unknown' then 1 end)
            as unknown_open_count,
        min(case when event_type = 'opened' then occurred_at end) as first_opened_at,
        max(case when event_type = 'opened' then occurred_at end) as last_opened_at,
        count(case when event_type = 'clicked' and is_tracked_domain then 1 end) as click_count,
        count(case when event_type = 'clicked' and is_tracked_domain and actor = 'human' then 1 end)
            as human_click_count,
        count(
            case when event_type = 'clicked' and is_tracked_domain and actor = 'machine' then 1 end
        ) as machine_click_count,
        min(case
            when event_type = 'clicked' and is_tracked_domain and actor = 'human' then occurred_at
        end) as clicked_at,
        count(distinct case
            when event_type = 'clicked' and is_tracked_domain and actor = 'human' then url
        end) as distinct_link_count,
        count(case
            when
                event_type = 'opened'
                and actor_rule in ('R01_vendor_flag', 'R01_vendor_proxy', 'R05_apple_mpp')
                then 1
        end) as privacy_open_count,
        min(case when event_type = 'replied' then occurred_at end) as replied_at,
        min(case when event_type = 'bounced' then occurred_at end) as bounced_at,
        min(case when event_type = 'unsubscribed' then occurred_at end) as unsubscribed_at,
        min(case when event_type = 'complained' then occurred_at end) as complained_at,
        {{ join_texts(
            "case when event_type in ('opened', 'clicked', 'replied') then event_key end",
            'occurred_at, event_key'
        ) }} as evidence_event_keys
    from events
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

measured as (

    select
        messages.*,
        coalesce(mail_providers.mail_provider, 'company') as mail_provider,
        engagement.delivered_at,
        coalesce(engagement.open_count, 0) as open_count,
        coalesce(engagement.human_open_count, 0) as human_open_count,
        coalesce(engagement.machine_open_count, 0) as machine_open_count,
        coalesce(engagement.unknown_open_count, 0) as unknown_open_count,
        engagement.first_opened_at,
        engagement.last_opened_at,
        coalesce(engagement.click_count, 0) as click_count,
        coalesce(engagement.human_click_count, 0) as human_click_count,
        coalesce(engagement.machine_click_count, 0) as machine_click_count,
        engagement.clicked_at,
        coalesce(engagement.distinct_link_count, 0) as distinct_link_count,
        coalesce(engagement.privacy_open_count, 0) as privacy_open_count,
        engagement.replied_at,
        engagement.bounced_at,
        bounces.bounce_type,
        engagement.unsubscribed_at,
        engagement.complained_at,
        engagement.evidence_event_keys
    from messages
    left join mail_providers
        on split_part(messages.recipient_email, '@', 2) = mail_providers.domain
    left join engagement on messages.message_key = engagement.message_key
    left join bounces on messages.message_key = bounces.message_key and bounces.preference = 1

),

-- D4: exactly one class a message, in this order.
classified as (

    select
        *,
        human_open_count > 0 or human_click_count > 0 or replied_at is not null as is_viewed,
        case
            when not open_tracking_enabled and not click_tracking_enabled then 'untracked'
            when human_open_count > 0 and human_click_count > 0 then 'opened_and_clicked'
            when human_click_count > 0 then 'clicked_without_open'
            when human_open_count > 0 then 'opened_without_click'
            when replied_at is not null then 'replied_without_open'
            when open_count + click_count > 0 then 'machine_only'
            when not open_tracking_enabled then 'untracked'
            else 'none'
        end as discrepancy_class
    from measured

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
    open_tracking_enabled,
    click_tracking_enabled,
    open_count,
    human_open_count,
    machine_open_count,
    unknown_open_count,
    first_opened_at,
    last_opened_at,
    click_count,
    human_click_count,
    machine_click_count,
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
        when discrepancy_class = 'untracked' and body_format = 'plain' then 'plain_text'
        when discrepancy_class = 'untracked' then 'tracking_off'
        when discrepancy_class in ('clicked_without_open', 'replied_without_open')
            then case
                when not open_tracking_enabled and body_format = 'plain' then 'plain_text'
                when not open_tracking_enabled then 'tracking_off'
                when privacy_open_count > 0 then 'privacy_proxy'
                else 'images_blocked'
            end
        when discrepancy_class = 'opened_without_click' and not click_tracking_enabled
            then 'tracking_off'
        when discrepancy_class = 'machine_only' and click_count = 0 and privacy_open_count > 0
            then 'privacy_proxy'
        when discrepancy_class = 'machine_only' then 'scanner'
        when discrepancy_class = 'none' and delivered_at is null then 'not_delivered'
        else 'none'
    end as discrepancy_cause,
    evidence_event_keys
from classified
