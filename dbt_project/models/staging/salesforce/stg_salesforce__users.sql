with

versions as (

    {{ salesforce_versions(
        'User', source('raw', 'salesforce_users'), source('raw', 'salesforce_exports')
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
            'Name': 'varchar',
            'Email': 'varchar',
            'IsActive': 'boolean',
        }) }} as record
    from versions

),

renamed as (

    select
        record_id as user_id,
        record.Name as user_name,
        {{ email_key('record.Email') }} as email,
        coalesce(record.IsActive, false) as is_active,
        is_deleted,
        system_modstamp as system_modstamp_at,
        loaded_at,
        load_id
    from source

)

select
    user_id,
    user_name,
    email,
    is_active,
    is_deleted,
    system_modstamp_at,
    loaded_at,
    load_id
from renamed
