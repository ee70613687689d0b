with

source as (

    select
        load_id,
        file,
        line,
        loaded_at,
        {{ json_record('payload', {
            'eventType': 'varchar',
            'notificationType': 'varchar',
            'mail': {
                'messageId': 'varchar',
                'timestamp': 'varchar',
                'destination': ['varchar'],
                'headers': [{'name': 'varchar', 'value': 'varchar'}],
                'commonHeaders': {'messageId': 'varchar'},
                'tags': custom_argument_fields(text=['varchar'], number=['varchar']),
            },
            'bounce': {
                'bounceType': 'varchar',
                'bounceSubType': 'varchar',
                'bouncedRecipients': [
                    {'emailAddress': 'varchar', 'status': 'varchar', 'diagnosticCode': 'varchar'}
                ],
                'feedbackId': 'varchar',
                'timestamp': 'varchar',
            },
            'complaint': {
                'complaintSubType': 'varchar',
                'complaintFeedbackType': 'varchar',
                'complainedRecipients': [
                    {'emailAddress': 'varchar', 'status': 'varchar', 'diagnosticCode': 'varchar'}
                ],
                'feedbackId': 'varchar',
                'timestamp': 'varchar',
                'arrivalDate': 'varchar',
            },
            'delivery': {
                'recipients': ['varchar'],
                'timestamp': 'varchar',
                'smtpResponse': 'varchar',
            },
            'deliveryDelay': {
                'delayType': 'varchar',
                'delayedRecipients': [
                    {'emailAddress': 'varchar', 'status': 'varchar', 'diagnosticCode': 'varchar'}
                ],
                'timestamp': 'varchar',
            },
            'open': {'ipAddress': 'varchar', 'userAgent': 'varchar', 'timestamp': 'varchar'},
            'click': {
                'ipAddress': 'varchar',
                'userAgent': 'varchar',
                'link': 'varchar',
                'timestamp': 'varchar',
            },
            'reject': {'reason': 'varchar'},
            'failure': {'errorMessage': 'varchar'},
            'subscription': {
                'newTopicPreferences': {
                    'unsubscribeAll': 'boolean',
                    'topicSubscriptionStatus': 'varchar',
                },
                'timestamp': 'varchar',
            },
        }) }} as event,
        {{ list_last(json_record('envelope', [{
            'Timestamp': 'varchar',
            'Sns': {'Timestamp': 'varchar'},
            'time': 'varchar',
            'attributes': {'SentTimestamp': 'varchar'},
        }])) }} as envelope
    from {{ source('raw', 'ses_events') }}

),

named as (

    select
        *,
        coalesce(event.eventType, event.notificationType) as event_name,
        coalesce(event.bounce.bounceSubType, event.complaint.complaintSubType)
        in ('Suppressed', 'OnAccountSuppressionList') as is_suppressed
    from source

),

-- What SES says of several recipients holds for each; of the reader of a mail to several, it does
-- not say which one it was.
addressed as (

    select
        *,
        case event_name
            when 'Bounce' then event.bounce.bouncedRecipients
            when 'Complaint' then event.complaint.complainedRecipients
            when 'DeliveryDelay' then event.deliveryDelay.delayedRecipients
        end as recipients,
        case
            when event_name = 'Delivery' and {{ list_length('event.delivery.recipients') }} > 0
                then event.delivery.recipients
            when
                event_name not in ('Open', 'Click', 'Subscription')
                or {{ list_length('event.mail.destination') }} = 1
                then event.mail.destination
        end as addresses
    from named

),

-- One of the two lists is empty; together they make a row or more of each event.
per_recipient as (

    select
        *,
        {{ json_list_rows('recipients') }} as recipient,
        {{ json_list_rows(
            'case when ' ~ list_length('recipients') ~ ' = 0 then '
            ~ list_of_at_least_one('addresses') ~ ' end'
        ) }} as address
    from addressed

),

typed as (

    select
        *,
        case event_name
            when 'Send' then 'sent'
            when 'Delivery' then 'delivered'
            when 'DeliveryDelay' then 'deferred'
            -- SES keeps a list of addresses that it does not even try.
            when 'Bounce' then case when is_suppressed then 'rejected' else 'bounced' end
            when 'Complaint' then case when is_suppressed then 'rejected' else 'complained' end
            when 'Reject' then 'rejected'
            when 'Rendering Failure' then 'send_failed'
            when 'Open' then 'opened'
            when 'Click' then 'clicked'
            -- Opt-outs always win: of several topics one is enough.
            when 'Subscription' then case
                when
                    event.subscription.newTopicPreferences.unsubscribeAll = false
                    and not {{ matches(
                        "coalesce(event.subscription.newTopicPreferences.topicSubscriptionStatus, '')",
                        "'\"subscriptionStatus\":\"opt_?out\"'"
                    ) }}
                    then 'resubscribed'
                else 'unsubscribed'
            end
        end as event_type,
        {{ bounce_subtype('recipient.status', 'recipient.diagnosticCode') }} as subtype_by_code,
        {{ email_key(
            "coalesce("
            ~ first_group('coalesce(recipient.emailAddress, address)', "'<([^<>]+)>'")
            ~ ", recipient.emailAddress, address)"
        ) }} as recipient_email,
        coalesce(
            {{ utc_from_iso('envelope."Timestamp"') }},
            {{ utc_from_iso('envelope.Sns."Timestamp"') }},
            {{ utc_from_iso('envelope."time"') }},
            {{ utc_from_epoch('envelope.attributes.SentTimestamp') }}
        ) as received_at
    from per_recipient

),

renamed as (

    select
        ----------  ids: feedback has one, which is that of all its recipients
        coalesce(event.bounce.feedbackId, event.complaint.feedbackId)
        || coalesce(' ' || recipient_email, '') as provider_event_id,
        event.mail.messageId as provider_message_id,
        -- The sender's own, where the event tells it. SES replaces it on the wire by one that is
        -- made of its messageId.
        trim(coalesce(
            {{ value_by_name('event.mail.headers', 'Message-ID') }},
            event.mail.commonHeaders.messageId
        ), '<> ') as message_id,
        {{ id_text(
            json_first(custom_argument('event.mail.tags', 'enrollment_id'))
        ) }} as enrollment_id,
        {{ id_text(
            json_first(custom_argument('event.mail.tags', 'sequence_id'))
        ) }} as sequence_id,
        {{ cast_or_null(
            json_first(custom_argument('event.mail.tags', 'step_number')), 'integer'
        ) }} as step_number,

        ----------  what happened
        event_type,
        case
            when event_type = 'rejected' and is_suppressed then 'suppressed'
            when event_type != 'bounced' then null
            -- D8: what SES itself understood, then the code where it is one of the exceptions.
            when event.bounce.bounceSubType in ('MailboxFull', 'MessageTooLarge') then 'soft'
            when event.bounce.bounceSubType in ('ContentRejected', 'AttachmentRejected')
                then 'block'
            when subtype_by_code in ('soft', 'block') then subtype_by_code
            when event.bounce.bounceType = 'Permanent' then 'hard'
            when event.bounce.bounceType = 'Transient' then 'soft'
            else subtype_by_code
        end as event_subtype,
        recipient_email,
        event.click.link as url,
        coalesce(event.open.ipAddress, event.click.ipAddress) as ip,
        coalesce(event.open.userAgent, event.click.userAgent) as user_agent,
        false as is_flagged_machine,
        false as is_flagged_unknown,
        case
            when event_type = 'delivered'
                then {{ receiving_host('event.delivery.smtpResponse') }}
        end as receiving_host,
        coalesce(
            recipient.diagnosticCode,
            event.bounce.bounceSubType,
            event.complaint.complaintFeedbackType,
            event.deliveryDelay.delayType,
            event.reject.reason,
            event.failure.errorMessage
        ) as reason,
        cast(null as varchar) as attempt,

        ----------  when: without a time of its own, that of the mail. Those of the notice and of
        ----------  the load differ between deliveries of one event: int_events__distinct adds them.
        coalesce(
            {{ utc_from_iso('event.bounce."timestamp"') }},
            {{ utc_from_iso('event.complaint."timestamp"') }},
            {{ utc_from_iso('event.complaint.arrivalDate') }},
            {{ utc_from_iso('event.delivery."timestamp"') }},
            {{ utc_from_iso('event.deliveryDelay."timestamp"') }},
            {{ utc_from_iso('event.open."timestamp"') }},
            {{ utc_from_iso('event.click."timestamp"') }},
            {{ utc_from_iso('event.subscription."timestamp"') }},
            {{ utc_from_iso('event.mail."timestamp"') }}
        ) as occurred_at,
        received_at,
        loaded_at,

        ----------  whence
        load_id,
        file as source_file,
        line as source_line
    from typed

)

select
    provider_event_id,
    provider_message_id,
    message_id,
    enrollment_id,
    sequence_id,
    step_number,
    event_type,
    event_subtype,
    recipient_email,
    url,
    ip,
    user_agent,
    is_flagged_machine,
    is_flagged_unknown,
    receiving_host,
    reason,
    attempt,
    occurred_at,
    received_at,
    loaded_at,
    load_id,
    source_file,
    source_line
from renamed
