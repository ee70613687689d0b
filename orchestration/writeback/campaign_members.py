"""Planning campaign members: how far each person came in the sequences of a campaign (J5)."""

from duckdb import DuckDBPyConnection

from orchestration.crm.snapshot_tables import TABLES
from orchestration.writeback.comparison import quoted
from orchestration.writeback.creations import Value, as_cell, plan_creations
from orchestration.writeback.planners import PlanContext
from orchestration.writeback.snapshot_sql import current, is_settled, made, people, why_settled
from orchestration.writeback.standing_refusals import block_refused

#: The steps that we set, from first to last; a status that is none of them is somebody's own.
FUNNEL = ("Sent", "Opened", "Clicked", "Responded")
_STEPS = "[" + ", ".join(quoted(step) for step in FUNNEL) + "]"

_COLUMNS = {
    "campaign_id": "CampaignId",
    "contact_id": "ContactId",
    "lead_id": "LeadId",
    "status": "Status",
}

# Ids are compared by their first 15 characters: an admin may have given no more.
_MEMBERS = """
create or replace temp table members as
with

theirs as (

    select
        record_id, is_deleted, status, left(campaign_id, 15) as campaign_key,
        coalesce(contact_id, lead_id) as person_id
    from ({records})

),

existing as (

    select
        campaign_key, person_id, arg_min(record_id, is_deleted) as record_id,
        arg_min(status, is_deleted) as status, bool_and(is_deleted) as is_deleted
    from theirs
    group by campaign_key, person_id

),

made as ({made}),

people as ({people})

select
    members.*,
    members.member_key as external_key,
    existing.record_id, existing.is_deleted, existing.status as their_status,
    members.crm_id || ' is no member of the campaign' as reason,
    case
        when {is_settled} then 'kept'
        when people.record_id is null then 'stale'
        else people.problem
    end as problem,
    case
        when {is_settled} then {why_settled}
        when people.record_id is null then members.crm_id || ' is not in the snapshot'
        else people.problem_reason
    end as problem_reason
from crm.campaign_members as members
left join existing
    on
        existing.campaign_key = left(members.campaign_id, 15)
        and existing.person_id = members.crm_id
left join made on made.external_key = members.member_key
left join people on people.record_id = members.crm_id
"""

_NEW = "select * from members where record_id is null or is_deleted"

_FORWARD = f"""
insert into writeback.changes
    (plan_id, object, record_id, external_key, field, old_value, new_value, policy, decision,
    reason)
with steps as (

    select
        *, list_position({_STEPS}, status) as step,
        list_position({_STEPS}, their_status) as their_step
    from members
    where record_id is not null and not is_deleted

)

select
    $plan_id, 'CampaignMember', record_id, external_key, 'Status', their_status, status, 'owned',
    case when their_step is null or their_step > step then 'kept' else 'write' end,
    case
        when their_step is null
            then 'kept: ' || coalesce(their_status, 'nothing') || ' is a status of your own'
        when their_step > step
            then 'kept: Salesforce has ' || their_status || ', and no member goes back'
        else 'Salesforce has ' || their_status || ', the person came to ' || status
    end
from steps
where their_step is distinct from step
"""


def plan_campaign_members(connection: DuckDBPyConnection, context: PlanContext) -> None:
    """List members to be added, and those that came further. HasResponded follows the status."""
    if not context.sections.campaign_members.fill:
        return
    schema = context.schemas.get("CampaignMember")
    if schema is None or not schema.is_createable:
        context.notes.append("Campaign members cannot be created in this org: none is planned.")
        return
    connection.execute(
        _MEMBERS.format(
            records=current("CampaignMember", _COLUMNS),
            made=made("CampaignMember"),
            is_settled=is_settled("existing.record_id"),
            why_settled=why_settled("existing.record_id"),
            people=people("select crm_id from crm.campaign_members"),
        )
    )
    values = (
        Value("CampaignId", "campaign_id", is_key=True),
        Value("ContactId", "case when crm_object = 'Contact' then crm_id end", is_essential=True),
        Value("LeadId", "case when crm_object = 'Lead' then crm_id end", is_essential=True),
        # Each campaign has statuses of its own, which no describe tells.
        Value("Status", "status", is_checked=False),
    )
    plan_creations(connection, context, schema, _NEW, values)
    status = schema.fields.get("Status")
    if status and status.is_updateable:
        connection.execute(_FORWARD, {"plan_id": context.plan_id})
        connection.execute(
            block_refused(TABLES["CampaignMember"], [as_cell(status)]),
            {"plan_id": context.plan_id, "object": "CampaignMember"},
        )
    connection.execute("drop table members")
