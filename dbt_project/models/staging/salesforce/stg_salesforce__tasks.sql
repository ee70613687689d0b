with

versions as (

    {{ salesforce_versions(
        'Task', source('raw', 'salesforce_tasks'), source('raw', 'salesforce_exports')
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
            'WhoId': 'varchar',
            'OwnerId': 'varchar',
            'IsClosed': 'boolean',
            'TaskSubtype': 'varchar',
            'ActivityDate': 'varchar',
            'CreatedDate': 'varchar',
        }) }} as record
    from versions

),

renamed as (

    select
        record_id as task_id,
        record.Subject,
        record.Status,
        record.WhoId as who_id,
        record.OwnerId as owner_id,
        coalesce(record.IsClosed, false) as is_closed,
        coalesce(record.TaskSubtype, '') in ('Email', 'ListEmail') as is_email,
        {{ cast_or_null('record.ActivityDate', 'date') }} as due_on,
        {{ utc_from_iso('record.CreatedDate') }} as created_at,
        is_deleted,
        system_modstamp as system_modstamp_at,
        loaded_at,
        load_id
    from source

)

select
    task_id,
    subject,
    status,
    who_id,
    owner_id,
    is_closed,
    is_email,
    due_on,
    created_at,
    is_deleted,
    system_modstamp_at,
    loaded_at,
    load_id
from renamed
