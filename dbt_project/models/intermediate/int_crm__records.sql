with recursive

versions as (

    select * from {{ ref('int_crm__record_versions') }}

),

current_versions as (

    select * from versions
    where is_current

),

-- H3: the loser of a merge stands for its winner, a converted lead for its contact; chains happen.
steps as (

    select
        crm_id,
        crm_id as reached_id,
        0 as step
    from current_versions

    union all

    select
        steps.crm_id,
        coalesce(reached.master_record_id, reached.converted_contact_id) as reached_id,
        steps.step + 1 as step
    from steps
    inner join current_versions as reached on steps.reached_id = reached.crm_id
    where
        steps.step < 5
        and coalesce(reached.master_record_id, reached.converted_contact_id) is not null
        and (reached.is_deleted or reached.is_converted)

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
    ends.reached_id as stands_for_id,
    target.crm_object as stands_for_object,
    coalesce(
        target.crm_id is not null
        and not target.is_deleted
        and not target.is_converted
        -- Only exports know it, though snapshots read its object: it is gone, or out of sight.
        and (in_snapshots.crm_id is not null or snapshot_objects.crm_object is null),
        false
    ) as is_writable
from current_versions
inner join ends on current_versions.crm_id = ends.crm_id and ends.position_from_end = 1
left join current_versions as target on ends.reached_id = target.crm_id
left join in_snapshots on target.crm_id = in_snapshots.crm_id
left join snapshot_objects on target.crm_object = snapshot_objects.crm_object
left join opt_outs on current_versions.crm_id = opt_outs.crm_id
