"""Collections and bulk jobs tell the same of the same record (K3, K5, K7)."""

from typing import Any

import pytest

from orchestration.crm.client import Operation, Record, RowResult
from orchestration.crm.salesforce import SalesforceCrm
from tests.crm.live_org import ANN, BEN, CAT, LEA, LEO, USER, LiveOrg

OPENS, STATUS = "Touchline_Open_Count__c", "Touchline_Sequence_Status__c"
UNKNOWN = "003000000000009AAA"


def by_collections(
    crm: SalesforceCrm, name: str, operation: Operation, records: list[Record]
) -> list[RowResult]:
    if operation == "update":
        return crm.update_many(name, records)
    if operation == "create":
        return crm.create_many(name, records)
    return crm.delete_many(name, [each["Id"] for each in records])


def by_job(
    crm: SalesforceCrm, name: str, operation: Operation, records: list[Record]
) -> list[RowResult]:
    """Do it by a job; what differs from record to record tells them apart."""
    job = crm.jobs.open(name, operation)
    crm.jobs.upload(job, records)
    crm.jobs.start(job)
    crm.jobs.wait(job, len(records))
    key = "LastName" if operation == "create" else "Id"
    found = {row.columns.get(key): row.result for row in crm.jobs.results(job)}
    results = [found[each.get(key, "")] for each in records]
    return [each for each in results if each is not None]


#: What an admin may have set: BEN is read-only, and a rule speaks like an error of a job.
RULES: dict[str, Any] = {
    "validation_rules": [
        {
            "object": "Contact",
            "field": "Title",
            "operator": "contains",
            "value": "VP",
            "message": "No VP: ask Sales -- first; then: us",
        }
    ],
    "read_only_records": [BEN],
}

CASES: dict[str, tuple[str, Operation, list[tuple[Record, str]]]] = {
    "values": (
        "Contact",
        "update",
        [
            ({"Id": ANN, OPENS: 3}, ""),
            ({"Id": BEN, OPENS: 3}, "INSUFFICIENT_ACCESS_OR_READONLY"),
            ({"Id": CAT, "Email": "nonsense"}, "INVALID_EMAIL_ADDRESS"),
            ({"Id": UNKNOWN, OPENS: 3}, "INVALID_CROSS_REFERENCE_KEY"),
        ],
    ),
    "texts": (
        "Contact",
        "update",
        [
            ({"Id": ANN, "Title": "VP"}, "FIELD_CUSTOM_VALIDATION_EXCEPTION"),
            ({"Id": CAT, "Title": "x" * 200}, "STRING_TOO_LONG"),
        ],
    ),
    "picklists": (
        "Contact",
        "update",
        [
            ({"Id": ANN, STATUS: "Finished: Replied"}, ""),
            ({"Id": CAT, STATUS: "Dreaming"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ],
    ),
    "leads": (
        "Lead",
        "update",
        [({"Id": LEA, OPENS: 1}, ""), ({"Id": LEO, OPENS: 1}, "CANNOT_UPDATE_CONVERTED_LEAD")],
    ),
    "creations": (
        "Contact",
        "create",
        [({"LastName": "Dee"}, ""), ({"Email": "x@x.example"}, "REQUIRED_FIELD_MISSING")],
    ),
    "deletions": (
        "Contact",
        "delete",
        [({"Id": ANN}, ""), ({"Id": UNKNOWN}, "INVALID_CROSS_REFERENCE_KEY")],
    ),
}


@pytest.mark.parametrize(("name", "operation", "rows"), CASES.values(), ids=CASES)
def test_k5_both_routes_give_a_record_the_same_result(
    org: LiveOrg, name: str, operation: Operation, rows: list[tuple[Record, str]]
) -> None:
    told = []
    for write in (by_collections, by_job):
        org.reset()
        org.rule(**RULES)
        results = write(org.crm(), name, operation, [record for record, _ in rows])
        codes = [each.errors[0].code if each.errors else "" for each in results]
        assert codes == [code for _, code in rows]
        assert [each.success for each in results] == [code == "" for code in codes]
        told.append([each.errors for each in results])
    assert told[0] == told[1]


def test_rule_13_an_assignment_rule_never_takes_a_lead_from_its_owner(org: LiveOrg) -> None:
    """Salesforce runs them on any update of a Lead unless a header says not to."""
    org.rule(assignment_rules={"Lead": "005000000000009AAA"})
    crm = org.crm()
    crm.update_many("Lead", [{"Id": LEA, OPENS: 1}])
    by_job(crm, "Lead", "update", [{"Id": LEA, OPENS: 2}])
    assert (org.record("Lead", LEA)["OwnerId"], org.record("Lead", LEA)[OPENS]) == (USER, 2)
