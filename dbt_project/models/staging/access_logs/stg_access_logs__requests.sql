with

source as (

    select
        load_id,
        file,
        line,
        loaded_at,
        {{ json_record('payload', {
            'remote_addr': 'varchar',
            'http_x_forwarded_for': 'varchar',
            'time_iso8601': 'varchar',
            'time_local': 'varchar',
            'msec': 'varchar',
            'time': 'varchar',
            'timestamp': 'varchar',
            '@timestamp': 'varchar',
            'request': 'varchar',
            'request_method': 'varchar',
            'request_uri': 'varchar',
            'uri': 'varchar',
            'args': 'varchar',
            'status': 'integer',
            'http_user_agent': 'varchar',
        }) }} as request
    from {{ source('raw', 'access_log_requests') }}

),

renamed as (

    select
        ----------  the request
        coalesce(
            request.request_method, {{ first_group('request.request', "'^([A-Z]+) '") }}
        ) as request_method,
        coalesce(
            request.request_uri,
            {{ first_group('request.request', "'^[A-Z]+ (.*?)(?: HTTP/[0-9.]+)?$'") }},
            request.uri || coalesce('?' || nullif(request.args, ''), '')
        ) as request_path,
        request.status,

        ----------  who asked: behind proxies, the first address that they pass on
        coalesce(
            {{ first_address('request.http_x_forwarded_for') }},
            {{ first_address('request.remote_addr') }},
            nullif(request.remote_addr, '-')
        ) as ip,
        nullif(request.http_user_agent, '-') as user_agent,

        ----------  when
        {{ utc_from_log_time(
            'coalesce(request.time_iso8601, request.time_local, request.msec, request.time, '
            ~ 'request.timestamp, request."@timestamp")'
        ) }} as requested_at,
        loaded_at,

        ----------  whence
        load_id,
        file as source_file,
        line as source_line
    from source

),

-- A4: what the path says, by the patterns of var `access_log_patterns`.
named as (

    select
        *,
        {{ access_log_event_type('request_path') }} as event_type,
        {{ access_log_value('request_path', 'provider_message_id') }} as provider_message_id,
        trim({{ access_log_value('request_path', 'message_id') }}, '<> ') as message_id,
        {{ access_log_value('request_path', 'enrollment_id') }} as enrollment_id,
        {{ access_log_value('request_path', 'sequence_id') }} as sequence_id,
        {{ cast_or_null(access_log_value('request_path', 'step_number'), 'integer') }}
            as step_number,
        {{ email_key(access_log_value('request_path', 'recipient_email')) }} as recipient_email,
        {{ access_log_value('request_path', 'url') }} as url
    from renamed

)

select
    request_method,
    request_path,
    status,
    case
        when event_type is null then 'no_token'
        when request_method = 'HEAD' then 'head_request'
        -- POST is how mail programs unsubscribe at one click (RFC 8058). A log may leave it out.
        when request_method = 'POST' and event_type != 'unsubscribed' then 'other_method'
        when request_method not in ('GET', 'POST') then 'other_method'
        when coalesce(status, 0) not between 200 and 399 then 'error_status'
    end as left_out_because,
    event_type,
    provider_message_id,
    message_id,
    enrollment_id,
    sequence_id,
    step_number,
    recipient_email,
    url,
    ip,
    user_agent,
    requested_at,
    loaded_at,
    load_id,
    source_file,
    source_line
from named
