with recursive

versions as (

    select * from {{ ref('int_crm__record_versions') }}

),

current_versions as (

    select * from versions
    where is_current

),

-- H3: the loser of a merge stands for its winner, a converted lead for its contact; chains happen,
-- and where one bites its tail, nobody is left to write to.
steps as (

    select
        crm_id,
        crm_id as reached_id,
        0 as step
    from current_versions

    union all

    select
        steps.crm_id,
        coalesce(passed.master_record_id, passed.converted_contact_id) as reached_id,
        steps.step + 1 as step
    from steps
    inner join current_versions as passed on steps.reached_id = passed.crm_id
    where
        steps.step < 25
        and coalesce(passed.master_record_id, passed.converted_contact_id) is not null
        and (passed.is_deleted or passed.is_converted)

),

ends as (

    select
        crm_id,
        reached_id,
        row_number() over (partition by crm_id order by step desc) as position_from_end
    from steps

),

last_unticked as (

    select
        crm_id,
        max(system_modstamp_at) as unticked_at
    from versions
    where not has_opted_out_of_email
    group by crm_id

),

in_snapshots as (

    select distinct
        crm_object,
        crm_id
    from versions
    where not is_from_export

),

snapshot_objects as (

    select distinct crm_object from in_snapshots

),

reached as (

    select
        ends.crm_id,
        ends.reached_id,
        target.crm_object as reached_object,
        case
            when target.crm_id is null then 'contact_not_in_snapshots'
            when target.is_deleted then 'record_deleted'
            when target.is_converted then 'lead_converted_without_contact'
            -- Only exports know it, though snapshots read its object: it is gone, or out of sight.
            when in_snapshots.crm_id is null and snapshot_objects.crm_object is not null
                then 'record_not_in_snapshots'
        end as unwritable_reason
    from ends
    left join current_versions as target on ends.reached_id = target.crm_id
    left join in_snapshots on target.crm_id = in_snapshots.crm_id
    left join snapshot_objects on target.crm_object = snapshot_objects.crm_object
    where ends.position_from_end = 1

),

-- Since when the box has been ticked without a break, as far as the snapshots saw.
opt_outs as (

    select
        versions.crm_id,
        min(versions.system_modstamp_at) as opted_out_at
    from versions
    left join last_unticked on versions.crm_id = last_unticked.crm_id
    where
        versions.has_opted_out_of_email
        and (
            last_unticked.unticked_at is null
            or versions.system_modstamp_at > last_unticked.unticked_at
        )
    group by versions.crm_id

)

select
    current_versions.crm_id,
    current_versions.crm_object,
    current_versions.email,
    current_versions.owner_id,
    current_versions.individual_id,
    coalesce(current_versions.has_opted_out_of_email, false) as has_opted_out_of_email,
    case when current_versions.has_opted_out_of_email then opt_outs.opted_out_at end
        as opted_out_at,
    current_versions.last_modified_at,
    current_versions.last_modified_by_id,
    current_versions.is_deleted,
    current_versions.is_converted,
    reached.reached_id as stands_for_id,
    reached.reached_object as stands_for_object,
    reached.unwritable_reason is null as is_writable,
    reached.unwritable_reason
from current_versions
inner join reached on current_versions.crm_id = reached.crm_id
left join opt_outs on current_versions.crm_id = opt_outs.crm_id
