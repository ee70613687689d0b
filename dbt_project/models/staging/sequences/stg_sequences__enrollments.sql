with

source as (

    select
        load_id,
        file,
        line,
        loaded_at,
        cast(payload as varchar) as version_text,
        {{ json_record('payload', {
            'id': 'varchar',
            'created_at': 'varchar',
            'updated_at': 'varchar',
            'sequence': {'id': 'varchar', 'name': 'varchar', 'is_paused': 'boolean'},
            'person': {'id': 'varchar', 'email': 'varchar', 'crm_record_id': 'varchar'},
            'mailbox': {'id': 'varchar', 'email': 'varchar', 'is_paused': 'boolean'},
            'reply_email_message': {
                'classifications': [{'name': 'varchar'}],
                'received_at': 'varchar',
            },
            'is_blocked': 'boolean',
            'is_bounced': 'boolean',
            'is_canceled': 'boolean',
            'is_excluded': 'boolean',
            'is_opted_out': 'boolean',
            'is_paused': 'boolean',
            'is_replied': 'boolean',
            'started_at': 'varchar',
            'ended_at': 'varchar',
        }) }} as enrollment
    from {{ source('raw', 'enrollments') }}

),

renamed as (

    select
        ----------  ids
        enrollment.id as enrollment_id,
        enrollment.sequence.id as sequence_id,
        enrollment.sequence.name as sequence_name,
        enrollment.person.id as person_id,
        {{ email_key('enrollment.person.email') }} as person_email,
        enrollment.person.crm_record_id,
        {{ email_key('enrollment.mailbox.email') }} as mailbox,

        ----------  state
        coalesce(enrollment.sequence.is_paused, false) as is_sequence_paused,
        coalesce(enrollment.mailbox.is_paused, false) as is_mailbox_paused,
        coalesce(enrollment.is_paused, false) as is_paused,
        coalesce(enrollment.is_blocked, false) as is_blocked,
        coalesce(enrollment.is_bounced, false) as is_bounced,
        coalesce(enrollment.is_canceled, false) as is_canceled,
        coalesce(enrollment.is_excluded, false) as is_excluded,
        coalesce(enrollment.is_opted_out, false) as is_opted_out,
        coalesce(enrollment.is_replied, false) as is_replied,
        {{ utc_from_iso('enrollment.reply_email_message.received_at') }} as reply_received_at,
        {{ list_of_texts(
            distinct_texts(names_of('enrollment.reply_email_message.classifications'))
        ) }} as reply_labels,

        ----------  when
        coalesce(
            {{ utc_from_iso('enrollment.created_at') }},
            {{ utc_from_iso('enrollment.started_at') }},
            {{ utc_from_iso('enrollment.updated_at') }}
        ) as created_at,
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

)

select
    enrollment_id,
    sequence_id,
    sequence_name,
    person_id,
    person_email,
    crm_record_id,
    mailbox,
    is_sequence_paused,
    is_mailbox_paused,
    is_paused,
    is_blocked,
    is_bounced,
    is_canceled,
    is_excluded,
    is_opted_out,
    is_replied,
    reply_received_at,
    reply_labels,
    created_at,
    updated_at,
    started_at,
    ended_at,
    loaded_at,
    load_id,
    source_file,
    source_line,
    version_text
from renamed
