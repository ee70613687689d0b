with

versions as (

    {{ salesforce_versions(
        'Individual', source('raw', 'salesforce_individuals'), source('raw', 'salesforce_exports')
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
            'HasOptedOutTracking': 'boolean',
        }) }} as record
    from versions

),

renamed as (

    select
        record_id as individual_id,
        coalesce(record.HasOptedOutTracking, false) as has_opted_out_of_tracking,
        is_deleted,
        system_modstamp as system_modstamp_at,
        loaded_at,
        load_id
    from source

)

select
    individual_id,
    has_opted_out_of_tracking,
    is_deleted,
    system_modstamp_at,
    loaded_at,
    load_id
from renamed
