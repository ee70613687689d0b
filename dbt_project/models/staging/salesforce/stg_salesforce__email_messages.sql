with

versions as (

    {{ salesforce_versions(
        'EmailMessage', source('raw', 'salesforce_email_messages'), source('raw', 'salesforce_exports')
    ) }}

),

source as (

    select
        load_id,
        loaded_at,
        record_id,
        system_modstamp,
        is_deleted,
        {{ json_record('payload', {
            'Subject': 'varchar',
            'Status': 'varchar',
            'Incoming': 'boolean',
            'FromAddress': 'varchar',
            'RelatedToId': 'varchar',
            'MessageDate': 'varchar',
            'MessageIdentifier': 'varchar',
        }) }} as record
    from versions

),

renamed as (

    select
        record_id as email_message_id,
        record.Subject,
        record.Status,
        coalesce(record.Incoming, false) as is_incoming,
        record.FromAddress as from_address,
        record.RelatedToId as related_to_id,
        {{ utc_from_iso('record.MessageDate') }} as message_at,
        record.MessageIdentifier as message_identifier,
        is_deleted,
        system_modstamp as system_modstamp_at,
        loaded_at,
        load_id
    from source

)

select
    email_message_id,
    subject,
    status,
    is_incoming,
    from_address,
    related_to_id,
    message_at,
    message_identifier,
    is_deleted,
    system_modstamp_at,
    loaded_at,
    load_id
from renamed
