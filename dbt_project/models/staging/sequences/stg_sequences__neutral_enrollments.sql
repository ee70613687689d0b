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
            'sequence_id': 'varchar',
            'sequence_name': 'varchar',
            'person_id': 'varchar',
            'person_email': 'varchar',
            'crm_record_id': 'varchar',
            'mailbox': 'varchar',
            'platform_state': 'varchar',
            'state_changed_at': 'varchar',
            'enrolled_at': 'varchar',
            'updated_at': 'varchar',
            'started_at': 'varchar',
            'ended_at': 'varchar',
            'replied_at': 'varchar',
            'reply_labels': ['varchar'],
            'bounced_at': 'varchar',
            'opted_out_at': 'varchar',
        }) }} as enrollment
    from {{ source('raw', 'sequence_records') }}

),

renamed as (

    select
        ----------  ids
        lower(trim(enrollment.platform)) as platform,
        {{ id_text('enrollment.id') }} as enrollment_id,
        {{ id_text('enrollment.sequence_id') }} as sequence_id,
        enrollment.sequence_name,
        {{ id_text('enrollment.person_id') }} as person_id,
        {{ email_key('enrollment.person_email') }} as person_email,
        enrollment.crm_record_id,
        {{ email_key('enrollment.mailbox') }} as mailbox,

        ----------  state
        lower(trim(enrollment.platform_state)) as platform_state,
        {{ utc_from_iso('enrollment.state_changed_at') }} as state_changed_at,
        {{ utc_from_iso('enrollment.replied_at') }} as replied_at,
        {{ list_of_texts(distinct_texts('enrollment.reply_labels')) }} as reply_labels,
        {{ utc_from_iso('enrollment.bounced_at') }} as bounced_at,
        {{ utc_from_iso('enrollment.opted_out_at') }} as opted_out_at,

        ----------  when
        {{ utc_from_iso('enrollment.enrolled_at') }} as enrolled_at,
        {{ utc_from_iso('enrollment.updated_at') }} as updated_at,
        {{ utc_from_iso('enrollment.started_at') }} as started_at,
        {{ utc_from_iso('enrollment.ended_at') }} as ended_at,
        loaded_at,

        ----------  whence
        load_id,
        file as source_file,
        line as source_line,
        version_text
    from source
    where enrollment.record_type = 'enrollment'

)

select
    platform,
    enrollment_id,
    sequence_id,
    sequence_name,
    person_id,
    person_email,
    crm_record_id,
    mailbox,
    platform_state,
    state_changed_at,
    replied_at,
    reply_labels,
    bounced_at,
    opted_out_at,
    enrolled_at,
    updated_at,
    started_at,
    ended_at,
    loaded_at,
    load_id,
    source_file,
    source_line,
    version_text
from renamed
