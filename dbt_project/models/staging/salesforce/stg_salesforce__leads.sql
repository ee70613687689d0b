with

versions as (

    {{ salesforce_versions(
        'Lead', source('raw', 'salesforce_leads'), source('raw', 'salesforce_exports')
    ) }}

),

source as (

    select
        load_id,
        loaded_at,
        record_id,
        system_modstamp,
        is_deleted,
        is_from_export,
        payload,
        {{ json_record('payload', {
            'Email': 'varchar',
            'OwnerId': 'varchar',
            'IndividualId': 'varchar',
            'MasterRecordId': 'varchar',
            'IsConverted': 'boolean',
            'ConvertedContactId': 'varchar',
            'HasOptedOutOfEmail': 'boolean',
            'LastModifiedDate': 'varchar',
            'LastModifiedById': 'varchar',
            'CreatedDate': 'varchar',
        }) }} as record
    from versions

),

renamed as (

    select
        record_id as lead_id,
        {{ email_key('record.Email') }} as email,
        record.OwnerId as owner_id,
        record.IndividualId as individual_id,
        record.MasterRecordId as master_record_id,
        coalesce(record.IsConverted, false) as is_converted,
        record.ConvertedContactId as converted_contact_id,
        record.HasOptedOutOfEmail as has_opted_out_of_email,
        {{ utc_from_iso('record.LastModifiedDate') }} as last_modified_at,
        record.LastModifiedById as last_modified_by_id,
        {{ utc_from_iso('record.CreatedDate') }} as created_at,
        is_deleted,
        is_from_export,
        payload,
        system_modstamp as system_modstamp_at,
        loaded_at,
        load_id
    from source

)

select
    lead_id,
    email,
    owner_id,
    individual_id,
    master_record_id,
    is_converted,
    converted_contact_id,
    has_opted_out_of_email,
    last_modified_at,
    last_modified_by_id,
    created_at,
    is_deleted,
    is_from_export,
    payload,
    system_modstamp_at,
    loaded_at,
    load_id
from renamed
