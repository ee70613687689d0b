"""Planning mail as EmailMessage: new ones, and the counts of those that are there (J2, J3)."""

from duckdb import DuckDBPyConnection

from orchestration.crm.schema import ObjectSchema
from orchestration.crm.snapshot_tables import TABLES
from orchestration.writeback.comparison import quoted
from orchestration.writeback.creations import Value, as_cell, fields_of, plan_creations
from orchestration.writeback.planners import PlanContext
from orchestration.writeback.standing_refusals import block_refused

#: Sent; and read, as whoever owns the mailbox has seen it there.
MAIL_STATUSES = ("3", "1")
_STATUS = "case status when 'Sent' then '{}' else '{}' end".format(*MAIL_STATUSES)

_OF_BODY = ("body_length", "body_hash")

#: An address of a record is told by a relation; these are all others.
_TO_ADDRESS = "case when status = 'Received' and active_owner_id is null then to_address end"


def plan_email_messages(connection: DuckDBPyConnection, context: PlanContext) -> None:
    """List EmailMessages to be created and counts to be changed; standard fields stay as made."""
    schema = context.schemas["EmailMessage"]
    section = context.sections.activities
    relation = context.schemas.get("EmailMessageRelation")
    has_relations = relation is not None and relation.is_createable
    values = [
        Value(section.key_field, "external_key", is_key=True),
        Value("Subject", "subject", cuts=True),
        _text("TextBody", "not is_html"),
        _text("HtmlBody", "is_html"),
        Value("FromAddress", "from_address"),
        Value("ToAddress", _TO_ADDRESS if has_relations else "to_address"),
        Value("MessageDate", "message_date", is_essential=True),
        Value("Incoming", "status = 'Received'"),
        Value("Status", _STATUS, is_essential=True),
        Value("MessageIdentifier", "'<' || message_id || '>'"),
        Value("ThreadIdentifier", "thread_id"),
        # Contacts and leads are told by relations: only other objects may stand here.
        Value("RelatedToId", "account_id"),
        *(Value(field, name) for name, field in _counts(context).items()),
    ]
    planned = "select * from unlogged_mail where target = 'EmailMessage'"
    plan_creations(connection, context, schema, planned, values)
    _plan_counts(connection, context, schema)


def _text(field: str, holds: str) -> Value:
    length, text_hash = (f"case when {holds} then {what} end" for what in _OF_BODY)
    return Value(field, length, is_withheld=True, text_hash=text_hash)


def _counts(context: PlanContext) -> dict[str, str]:
    section = context.sections.activities
    named = {
        "open_count": section.open_count,
        "click_count": section.click_count,
        "clicked_at": section.clicked_at,
    }
    return {name: field for name, field in named.items() if field}


def _plan_counts(
    connection: DuckDBPyConnection, context: PlanContext, schema: ObjectSchema
) -> None:
    fields = fields_of(schema, *_counts(context).items())
    for name, field in fields.items():
        cell = as_cell(field)
        # D9: of whoever wants no tracking nothing is computed, and what is there stays.
        connection.execute(
            f"""
insert into writeback.changes
    (plan_id, object, record_id, external_key, field, old_value, new_value, policy, decision,
    reason)
with paired as (

    select
        records.record_id, activities.activity_key,
        {cell.old_key(f"records.{name}")} as theirs, {cell.new_key(f"activities.{name}")} as ours
    from mail_records as records
    inner join crm.activities as activities on activities.activity_key = records.key
    where records.object = 'EmailMessage' and not records.is_deleted

)

select
    $plan_id, 'EmailMessage', record_id, activity_key, {quoted(field.name)},
    {cell.as_text("theirs")}, {cell.as_text("ours")}, 'owned',
    case when ours is null then 'kept' else 'write' end,
    case when ours is null then 'kept: ' else '' end
        || 'Salesforce has ' || coalesce({cell.as_text("theirs")}, 'nothing')
        || ', Touchline computed ' || coalesce({cell.as_text("ours")}, 'nothing')
        || case when ours is null then '; this field is not cleared' else '' end
from paired
where theirs is distinct from ours
""",
            {"plan_id": context.plan_id},
        )
    if fields:
        connection.execute(
            block_refused(TABLES["EmailMessage"], [as_cell(field) for field in fields.values()]),
            {"plan_id": context.plan_id, "object": "EmailMessage"},
        )
