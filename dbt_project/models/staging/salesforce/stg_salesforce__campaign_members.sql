with

versions as (

    {{ salesforce_versions(
        'CampaignMember', source('raw', 'salesforce_campaign_members'), source('raw', 'salesforce_exports')
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
            'CampaignId': 'varchar',
            'ContactId': 'varchar',
            'LeadId': 'varchar',
            'Status': 'varchar',
            'HasResponded': 'boolean',
        }) }} as record
    from versions

),

renamed as (

    select
        record_id as campaign_member_id,
        record.CampaignId as campaign_id,
        record.ContactId as contact_id,
        record.LeadId as lead_id,
        record.Status,
        coalesce(record.HasResponded, false) as has_responded,
        is_deleted,
        system_modstamp as system_modstamp_at,
        loaded_at,
        load_id
    from source

)

select
    campaign_member_id,
    campaign_id,
    contact_id,
    lead_id,
    status,
    has_responded,
    is_deleted,
    system_modstamp_at,
    loaded_at,
    load_id
from renamed
