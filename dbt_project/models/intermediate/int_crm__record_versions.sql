with

contacts as (

    select * from {{ ref('stg_salesforce__contacts') }}

),

leads as (

    select * from {{ ref('stg_salesforce__leads') }}

),

versions as (

    select
        'Contact' as crm_object,
        contact_id as crm_id,
        email,
        owner_id,
        individual_id,
        master_record_id,
        false as is_converted,
        cast(null as varchar) as converted_contact_id,
        has_opted_out_of_email,
        last_modified_at,
        last_modified_by_id,
        is_deleted,
        is_from_export,
        system_modstamp_at,
        load_id
    from contacts

    union all

    select
        'Lead' as crm_object,
        lead_id as crm_id,
        email,
        owner_id,
        individual_id,
        master_record_id,
        is_converted,
        converted_contact_id,
        has_opted_out_of_email,
        last_modified_at,
        last_modified_by_id,
        is_deleted,
        is_from_export,
        system_modstamp_at,
        load_id
    from leads

)

select
    crm_object,
    crm_id,
    email,
    owner_id,
    individual_id,
    master_record_id,
    is_converted,
    converted_contact_id,
    -- A version that does not say is not one without an opt-out: the last that says so counts.
    {{ last_known('has_opted_out_of_email', 'crm_id', 'system_modstamp_at, load_id') }}
        as has_opted_out_of_email,
    last_modified_at,
    last_modified_by_id,
    is_deleted,
    is_from_export,
    system_modstamp_at,
    load_id,
    row_number() over (
        partition by crm_id
        order by system_modstamp_at desc, load_id desc
    ) = 1 as is_current
from versions
