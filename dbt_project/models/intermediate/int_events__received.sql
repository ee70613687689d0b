{#- Every provider's events, by the name that they are known under: one line adds a provider. -#}
{%- set providers = {
    'sendgrid': ref('stg_sendgrid__events'),
    'ses': ref('stg_ses__events'),
    'mailgun': ref('stg_mailgun__events'),
    'postmark': ref('stg_postmark__events'),
    'mandrill': ref('stg_mandrill__events'),
    'access_logs': ref('int_access_logs__events'),
} %}
{%- set columns = [
    'provider_event_id', 'provider_message_id', 'message_id', 'enrollment_id', 'sequence_id',
    'step_number', 'event_type', 'event_subtype', 'recipient_email', 'url', 'ip', 'user_agent',
    'is_flagged_machine', 'is_flagged_unknown', 'receiving_host', 'reason', 'attempt', 'occurred_at', 'received_at',
    'loaded_at', 'load_id', 'source_file', 'source_line',
] %}

{% for provider, events in providers.items() %}
    {{- 'union all' if not loop.first }}
    select
        '{{ provider }}' as source,
        {{ columns | join(',\n        ') }}
    from {{ events }}
{% endfor %}
