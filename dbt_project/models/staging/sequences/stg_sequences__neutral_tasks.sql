with

source as (

    select
        load_id,
        file,
        line,
        loaded_at,
        cast(payload as varchar) as version_text,
        {{ json_record('payload', {
            'record_type': 'varchar',
            'platform': 'varchar',
            'id': 'varchar',
            'enrollment_id': 'varchar',
            'sequence_id': 'varchar',
            'step_number': 'integer',
            'type': 'varchar',
            'subject': 'varchar',
            'mailbox': 'varchar',
            'owner_email': 'varchar',
            'due_on': 'varchar',
            'created_at': 'varchar',
            'updated_at': 'varchar',
            'completed_at': 'varchar',
        }) }} as manual_task
    from {{ source('raw', 'sequence_records') }}

),

renamed as (

    select
        ----------  ids
        lower(trim(manual_task.platform)) as platform,
        {{ id_text('manual_task.id') }} as platform_task_id,
        {{ id_text('manual_task.enrollment_id') }} as enrollment_id,
        {{ id_text('manual_task.sequence_id') }} as sequence_id,
        manual_task.step_number,

        ----------  the task
        manual_task.type as task_type,
        manual_task.subject,
        {{ email_key('manual_task.mailbox') }} as mailbox,
        {{ email_key('manual_task.owner_email') }} as owner_email,

        ----------  when
        {{ cast_or_null('manual_task.due_on', 'date') }} as due_on,
        {{ utc_from_iso('manual_task.created_at') }} as created_at,
        {{ utc_from_iso('manual_task.updated_at') }} as updated_at,
        {{ utc_from_iso('manual_task.completed_at') }} as completed_at,
        loaded_at,

        ----------  whence
        load_id,
        file as source_file,
        line as source_line,
        version_text
    from source
    where manual_task.record_type = 'task'

)

select
    platform,
    platform_task_id,
    enrollment_id,
    sequence_id,
    step_number,
    task_type,
    subject,
    mailbox,
    owner_email,
    due_on,
    created_at,
    updated_at,
    completed_at,
    loaded_at,
    load_id,
    source_file,
    source_line,
    version_text
from renamed
