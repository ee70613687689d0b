"""Planning whom an EmailMessage concerns: the person, and the user behind the mailbox (J2, H4)."""

from duckdb import DuckDBPyConnection

from orchestration.writeback.creations import Value, plan_creations
from orchestration.writeback.planners import PlanContext
from orchestration.writeback.refused_records import block_refused_records
from orchestration.writeback.snapshot_sql import active_users, current, people

_PERSON = "case status when 'Sent' then 'ToAddress' else 'FromAddress' end"
_USER = "case status when 'Sent' then 'FromAddress' else 'ToAddress' end"

_PLANNED = """
with

-- Those of ours that stand in Salesforce, and those that this plan makes.
messages as (

    select key as activity_key, record_id
    from mail_records
    where object = 'EmailMessage' and key is not null and not is_deleted

    union all

    select external_key, null
    from writeback.changes
    where
        plan_id = $plan_id and object = 'EmailMessage' and operation = 'create'
        and field = $key_field and decision = 'write'

),

people as ({people}),

users as ({users}),

wanted as (

    select
        activities.activity_key, messages.record_id as email_message_id,
        {person} as relation_type, activities.crm_id as relation_id,
        case status when 'Sent' then to_address else from_address end as relation_address,
        case when people.record_id is null then 'stale' else people.problem end as problem,
        coalesce(people.problem_reason, activities.crm_id || ' is not in the snapshot')
            as problem_reason
    from crm.activities as activities
    inner join messages on messages.activity_key = activities.activity_key
    left join people on people.record_id = activities.crm_id

    union all

    select
        activities.activity_key, messages.record_id, {user}, activities.owner_id,
        case status when 'Sent' then from_address else to_address end, null, null
    from crm.activities as activities
    inner join messages on messages.activity_key = activities.activity_key
    inner join users on users.record_id = activities.owner_id

),

-- A relation that names nobody is Salesforce's own note of an address.
existing as (

    select distinct email_message_id, relation_type
    from ({relations})
    where relation_id is not null

),

made as (

    select external_key, json_extract_string(new_values, '$.EmailMessageId') as email_message_id
    from writeback.ledger
    where object = 'EmailMessageRelation' and operation = 'create' and outcome = 'written'

)

select
    wanted.* exclude (problem_reason),
    wanted.activity_key || ' ' || wanted.relation_type as external_key,
    'the mail is not related to ' || wanted.relation_id as reason,
    case when wanted.problem is not null then wanted.problem_reason end as problem_reason
from wanted
where
    not exists (
        select 1 from existing
        where
            existing.email_message_id = wanted.email_message_id
            and existing.relation_type = wanted.relation_type
    )
    and not exists (
        select 1 from made
        where
            made.external_key = wanted.activity_key || ' ' || wanted.relation_type
            and made.email_message_id = wanted.email_message_id
    )
"""

_VALUES = (
    Value(
        "EmailMessageId",
        "email_message_id",
        is_key=True,
        refers_to="case when email_message_id is null then activity_key end",
    ),
    Value("RelationId", "relation_id", is_essential=True),
    Value("RelationType", "relation_type", is_essential=True),
    Value("RelationAddress", "relation_address"),
)


def plan_email_relations(connection: DuckDBPyConnection, context: PlanContext) -> None:
    """List the relations that EmailMessages of ours lack, those of this plan included."""
    schema = context.schemas.get("EmailMessageRelation")
    if schema is None or not schema.is_createable:
        context.notes.append(
            "EmailMessageRelation cannot be created in this org: mail shows on no record."
        )
        return
    planned = _PLANNED.format(
        people=people("select crm_id from crm.activities"),
        users=active_users(),
        person=_PERSON,
        user=_USER,
        relations=current(
            "EmailMessageRelation",
            {
                "email_message_id": "EmailMessageId",
                "relation_id": "RelationId",
                "relation_type": "RelationType",
            },
        ),
    )
    # A mail that rests because Salesforce refused it is none that a relation can name.
    block_refused_records(connection, context.plan_id)
    parameters = {
        "plan_id": context.plan_id,
        "key_field": context.sections.activities.key_field,
    }
    plan_creations(connection, context, schema, planned, _VALUES, parameters)
