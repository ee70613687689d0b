"""Every error of the reference's table, told apart (K5, K7)."""

from collections.abc import Iterator
from typing import Any

import pytest

from orchestration.crm.client import (
    CrmError,
    CrmForbiddenError,
    CrmLimitError,
    CrmLoginError,
    CrmMissingObjectError,
    CrmRequestError,
    CrmUnavailableError,
    RowError,
)
from orchestration.crm.salesforce_errors import bulk_row_errors, row_errors
from tests.crm.live_org import IMPATIENT
from tests.crm.scripted_org import Answer, Script, scripted_org

DAILY = "TotalRequests Limit exceeded."
LONG_ONES = "ConcurrentPerOrgLongTxn Limit exceeded."
CONCURRENT = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
LOCKED = "unable to obtain exclusive access to this record or 2 records: 001A,001B"
TOO_LONG = "Headline: data value too large: a:b (max length=2)"


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted_org() as running:
        yield running


def said(code: str, message: str = "a secret of mine") -> list[dict[str, str]]:
    return [{"errorCode": code, "message": message}]


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "requests"),
    [
        (401, said("INVALID_SESSION_ID"), CrmLoginError, "LOGIN", 1),
        (403, said("REQUEST_LIMIT_EXCEEDED", DAILY), CrmLimitError, "LIMIT", 1),
        (400, said("ExceededQuota", "ApiBatchItems Limit exceeded."), CrmLimitError, "LIMIT", 1),
        (307, "", CrmUnavailableError, "UNAVAILABLE", 1),
        (403, said("REQUEST_LIMIT_EXCEEDED", LONG_ONES), CrmUnavailableError, "UNAVAILABLE", 3),
        (403, said("REQUEST_LIMIT_EXCEEDED", CONCURRENT), CrmUnavailableError, "UNAVAILABLE", 3),
        (403, said("API_CURRENTLY_DISABLED"), CrmForbiddenError, "API_CURRENTLY_DISABLED", 1),
        (400, said("API_DISABLED_FOR_ORG"), CrmForbiddenError, "API_DISABLED_FOR_ORG", 1),
        (403, said("INSUFFICIENT_ACCESS"), CrmForbiddenError, "INSUFFICIENT_ACCESS", 1),
        (410, said("UNSUPPORTED_API_VERSION"), CrmForbiddenError, "UNSUPPORTED_API_VERSION", 1),
        (410, "<html>a secret of mine", CrmForbiddenError, "HTTP_410", 1),
        (404, said("NOT_FOUND"), CrmMissingObjectError, "MISSING_OBJECT", 1),
        (404, "<html>a secret of mine", CrmUnavailableError, "UNAVAILABLE", 1),
        (404, {"error": "NOT_FOUND"}, CrmUnavailableError, "UNAVAILABLE", 1),
        (400, said("INVALID_TYPE"), CrmMissingObjectError, "MISSING_OBJECT", 1),
        (400, said("INVALID_FIELD"), CrmRequestError, "INVALID_FIELD", 1),
        (400, said("MALFORMED_QUERY"), CrmRequestError, "MALFORMED_QUERY", 1),
        (400, {"error": "odd"}, CrmRequestError, "HTTP_400", 1),
        (405, said("METHOD_NOT_ALLOWED"), CrmRequestError, "METHOD_NOT_ALLOWED", 1),
        (409, "", CrmRequestError, "HTTP_409", 1),
        (412, said("ENTITY_IS_LOCKED"), CrmRequestError, "ENTITY_IS_LOCKED", 1),
        (412, "", CrmRequestError, "HTTP_412", 1),
        (414, "<html>", CrmRequestError, "HTTP_414", 1),
        (431, "<html>", CrmRequestError, "HTTP_431", 1),
        (406, "<html>", CrmUnavailableError, "UNAVAILABLE", 3),
        (420, "<html>We are setting things up", CrmUnavailableError, "UNAVAILABLE", 3),
        (429, "", CrmUnavailableError, "UNAVAILABLE", 3),
        (503, said("SERVER_UNAVAILABLE"), CrmUnavailableError, "UNAVAILABLE", 1),
        (500, said("UNKNOWN_EXCEPTION"), CrmUnavailableError, "UNAVAILABLE", 1),
        (502, "<html>", CrmUnavailableError, "UNAVAILABLE", 1),
        (504, "<html>", CrmUnavailableError, "UNAVAILABLE", 1),
        (507, "", CrmUnavailableError, "UNAVAILABLE", 1),
        (400, said("UNABLE_TO_LOCK_ROW"), CrmUnavailableError, "UNAVAILABLE", 1),
        (400, said("QUERY_TIMEOUT"), CrmUnavailableError, "UNAVAILABLE", 1),
        (200, "<html>maintenance, a secret of mine", CrmUnavailableError, "UNAVAILABLE", 1),
        (200, {}, CrmUnavailableError, "UNAVAILABLE", 1),
    ],
)  # fmt: skip
def test_k7_each_refusal_of_a_request_is_told_apart(
    script: Script, status: int, body: Any, kind: type[CrmError], code: str, requests: int
) -> None:
    script.answers = [Answer(status, body)] * 3
    crm = script.crm(IMPATIENT)
    with pytest.raises(CrmError) as caught:
        crm.update_many("Contact", [{"Id": "003"}])
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert crm.calls.write == requests
    assert "secret" not in str(caught.value)


def test_k7_used_up_batches_are_not_called_api_calls(script: Script) -> None:
    script.answers = [Answer(400, said("ExceededQuota"))]
    with pytest.raises(CrmLimitError, match="batches of bulk jobs"):
        script.crm(IMPATIENT).jobs.open("Contact", "update")


@pytest.mark.parametrize(
    ("code", "is_transient"),
    [
        ("UNABLE_TO_LOCK_ROW", True),
        ("REQUEST_RUNNING_TOO_LONG", True),
        ("SERVER_UNAVAILABLE", True),
        ("QUERY_TIMEOUT", True),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", False),
        ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", False),
        ("STRING_TOO_LONG", False),
        ("REQUIRED_FIELD_MISSING", False),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", False),
        ("INVALID_EMAIL_ADDRESS", False),
        ("CANNOT_UPDATE_CONVERTED_LEAD", False),
        ("DUPLICATES_DETECTED", False),
        ("DUPLICATE_VALUE", False),
        ("ENTITY_IS_DELETED", False),
        ("INSUFFICIENT_ACCESS_OR_READONLY", False),
        ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", False),
    ],
)
def test_k5_only_rows_that_met_a_lock_or_a_busy_org_may_be_sent_again(
    code: str, is_transient: bool
) -> None:
    row = {"success": False, "errors": [{"statusCode": code, "message": "m", "fields": ["F"]}]}
    expected = (RowError(code, "m", ("F",), is_transient),)
    assert row_errors(row) == expected
    assert bulk_row_errors(f"{code}:m:F --") == expected


def test_k5_a_lock_that_a_trigger_met_is_a_lock() -> None:
    message = "Up: execution of AfterUpdate caused by: UNABLE_TO_LOCK_ROW, unable to obtain"
    error = {"statusCode": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "message": message}
    assert row_errors({"success": False, "errors": [error]})[0].is_transient


def test_k5_a_row_without_a_reason_is_no_success() -> None:
    unclear: list[dict[str, Any]] = [{"success": False}, {"errors": []}, {"success": "true"}]
    for row in unclear:
        (error,) = row_errors(row)
        assert (error.code, error.is_transient) == ("UNKNOWN", False)
    assert row_errors({"success": True, "errors": []}) == ()


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        (
            "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
            [("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ("Name",))],
        ),
        (f"UNABLE_TO_LOCK_ROW:{LOCKED}:--", [("UNABLE_TO_LOCK_ROW", LOCKED, ())]),
        (f"STRING_TOO_LONG:{TOO_LONG}:Title --", [("STRING_TOO_LONG", TOO_LONG, ("Title",))]),
        ("DUPLICATE_VALUE:both:A__c,B__c --", [("DUPLICATE_VALUE", "both", ("A__c", "B__c"))]),
        (
            "STRING_TOO_LONG:one:A__c --;INVALID_EMAIL_ADDRESS:two -- of: them:Email --",
            [
                ("STRING_TOO_LONG", "one", ("A__c",)),
                ("INVALID_EMAIL_ADDRESS", "two -- of: them", ("Email",)),
            ],
        ),
        (
            "FIELD_CUSTOM_VALIDATION_EXCEPTION:VP -- ASK: Sales:Title --STRING_TOO_LONG:x:A__c --",
            [
                ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "VP -- ASK: Sales", ("Title",)),
                ("STRING_TOO_LONG", "x", ("A__c",)),
            ],
        ),
        (
            "FIELD_CUSTOM_VALIDATION_EXCEPTION:Rule: No VP -- ASK: Sales:--",
            [("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Rule: No VP -- ASK: Sales", ())],
        ),
        ("InvalidBatch:Field name not found", [("InvalidBatch", "Field name not found", ())]),
        ("something else", [("UNKNOWN", "something else", ())]),
        ("", [("UNKNOWN", "Salesforce gave no reason", ())]),
    ],
)
def test_k5_the_error_of_a_bulk_row_is_taken_apart(
    text: str, errors: list[tuple[str, str, tuple[str, ...]]]
) -> None:
    assert [(each.code, each.message, each.fields) for each in bulk_row_errors(text)] == errors
