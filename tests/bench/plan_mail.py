"""The first plan that logs mail, for `make bench-plan`: 200,000 mails that Salesforce lacks.

The yardstick is what anybody would type: of `crm.activities` the mail whose key no snapshot has,
and a row for each value of it, a text as its length, stored in a table like the plan's own. It
knows no describe, no person who is gone, no deleted record, no ledger, no routes and no approval.
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from duckdb import DuckDBPyConnection

from orchestration.crm.schema import ObjectSchema, parse_describe
from orchestration.crm.snapshot_tables import create_snapshot_tables
from orchestration.local_org.describe import describe_object
from orchestration.local_org.schema import load as load_schema
from orchestration.warehouse import Warehouse
from orchestration.writeback.activities import plan_activities
from orchestration.writeback.mapping import load_mapping
from orchestration.writeback.mapping_sections import Activities, Sections
from orchestration.writeback.plan import make_plan
from orchestration.writeback.tables import create_writeback_tables

MAILS, PEOPLE = 200_000, 50_000

#: Characters of a mail's text.
BODY = 1_500

_KEY = "Touchline_Key__c"

#: The cells of a mail, by the bare query's SQL.
_CELLS = {
    _KEY: "activity_key",
    "Subject": "subject",
    "TextBody": "length(body) || ' characters'",
    "FromAddress": "from_address",
    "ToAddress": "to_address",
    "MessageDate": "strftime(message_date, '%Y-%m-%dT%H:%M:%SZ')",
    "Incoming": "(status = 'Received')::varchar",
    "Status": "'3'",
    "MessageIdentifier": "'<' || message_id || '>'",
    "ThreadIdentifier": "thread_id",
    "Touchline_Open_Count__c": "open_count::varchar",
    "Touchline_Click_Count__c": "click_count::varchar",
}


def fill(connection: DuckDBPyConnection) -> None:
    """Store the mail, the people, a user, and a snapshot without mail."""
    create_snapshot_tables(connection)
    create_writeback_tables(connection)
    connection.execute("create schema if not exists crm")
    connection.execute(
        f"""
create table crm.activities as
select
    'sent m' || n as activity_key, 'EmailMessage' as target, 'Contact' as crm_object,
    '003' || lpad((n % {PEOPLE})::varchar, 12, '0') || 'AAA' as crm_id,
    '005000000000001AAA' as owner_id, 'Subject of ' || n as subject,
    rpad('Hello ' || n || ',' || chr(10), {BODY}, 'we know what moves you. ') as body,
    false as is_html, 'rep@us.example' as from_address, n || '@people.example' as to_address,
    timestamp '2026-01-01' + to_seconds(n) as message_date, date '2026-01-01' as message_on,
    'Sent' as status, n % 7 as open_count, n % 3 as click_count, null::timestamp as clicked_at,
    'm' || n || '@us.example' as message_id, 't' || n as thread_id
from (select range as n from range({MAILS}))
"""
    )
    now = {"now": datetime.now(UTC).replace(tzinfo=None)}
    connection.execute(
        "insert into raw.salesforce_contacts select 1, $now, id, $now, false, "
        "json_object('Id', id) from (select '003' || lpad(range::varchar, 12, '0') || 'AAA' as id "
        f"from range({PEOPLE}))",
        now,
    )
    connection.execute(
        "insert into raw.salesforce_snapshots values (1, 'Contact', 'full', null, $now, $rows, "
        "$now, ['Id'])",
        now | {"rows": PEOPLE},
    )
    connection.execute(
        "insert into raw.salesforce_users values (1, $now, '005000000000001AAA', $now, false, "
        """'{"Id": "005000000000001AAA", "IsActive": true}')""",
        now,
    )


def compare_bare(path: Path) -> tuple[int, float]:
    """List the cells of all mail whose key no snapshot has; return how many."""
    stored = " union all ".join(
        f"select json_extract_string(payload, '$.{_KEY}') as key from raw.salesforce_{table}"
        for table in ("email_messages", "tasks")
    )
    cells = f"""
insert into bare_cells
    (plan_id, object, external_key, field, new_value, policy, decision, reason, operation)
select
    'bare', 'EmailMessage', activity_key, field, new_value, 'owned', 'write',
    'Salesforce lacks this mail of ' || message_date, 'create'
from (
    select
        activity_key, message_date,
        unnest([{", ".join(f"'{name}'" for name in _CELLS)}]) as field,
        unnest([{", ".join(_CELLS.values())}]) as new_value
    from crm.activities
    where not exists (select 1 from ({stored}) as stored where key = activity_key)
)
where new_value is not null
"""
    with Warehouse(path).connect() as connection:
        connection.execute("create table bare_cells as from writeback.changes limit 0")
        begun = time.perf_counter()
        connection.execute(cells)
        seconds = time.perf_counter() - begun
        ((count,),) = connection.execute("select count(*) from bare_cells").fetchall()
        connection.execute("drop table bare_cells")
    return int(count), seconds


def plan(path: Path) -> tuple[int, float]:
    """Plan the same mail as a run does; return how many cells it would write."""
    sections = Sections(activities=Activities(log="email_message"))
    mapping = replace(load_mapping(), objects={}, sections=sections)
    begun = time.perf_counter()
    made = make_plan(Warehouse(path), mapping, _schemas(), planners=[plan_activities])
    return made.changed_cells, time.perf_counter() - begun


def _schemas() -> Mapping[str, ObjectSchema]:
    """Return the objects that mail is logged as; relations are a listing of their own."""
    found = [load_schema().find(name) for name in ("EmailMessage", "Task")]
    return {each.name: parse_describe(describe_object(each, base="")) for each in found if each}
