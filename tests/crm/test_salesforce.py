"""The Salesforce adapter against the local org, and against faults scripted one by one (K5, K7)."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from orchestration.crm.client import (
    CallCounts,
    CrmError,
    CrmForbiddenError,
    CrmLoginError,
    CrmMissingObjectError,
    CrmRequestError,
    CrmUnavailableError,
)
from orchestration.crm.salesforce import connect
from orchestration.crm.schema import parse_describe
from orchestration.settings import SalesforceLogin
from tests.crm.live_org import ANN, BEN, CAT, IMPATIENT, LEO, LiveOrg
from tests.crm.scripted_org import TOKEN_PATH, Answer, Script, scripted_org

NO_ROWS = {"totalSize": 0, "done": True, "records": []}
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
OPENS = "Touchline_Open_Count__c"


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted_org() as running:
        yield running


def test_nothing_is_contacted_before_the_first_call(org: LiveOrg) -> None:
    assert org.crm().calls == CallCounts(0, 0, 0)
    assert org.requests() == []


def test_describe_is_parsed_into_types(org: LiveOrg) -> None:
    schema = parse_describe(org.crm().describe("Lead"))
    count, status = schema.fields[OPENS], schema.fields["Touchline_Sequence_Status__c"]
    assert (count.type, count.precision, count.scale) == ("double", 9, 0)
    assert "Finished: Replied" in status.active_values
    assert not schema.fields["IsConverted"].is_updateable


def test_a7_queries_page_and_include_the_deleted_on_request(org: LiveOrg) -> None:
    org.change("Contact", CAT, IsDeleted=True, force=True)
    crm = org.crm()
    soql = "select Id from Contact order by Id"
    assert list(crm.query(soql)) == [[{"Id": ANN}, {"Id": BEN}]]
    pages = list(crm.query(soql, include_deleted=True))
    assert pages == [[{"Id": ANN}, {"Id": BEN}], [{"Id": CAT}]]
    assert crm.calls == CallCounts(login=1, read=3, write=0)


def test_k5_results_keep_their_position_and_one_bad_row_fails_alone(org: LiveOrg) -> None:
    crm = org.crm()
    results = crm.update_many(
        "Contact",
        [{"Id": ANN, OPENS: 1}, {"Id": BEN, "Email": "nonsense"}, {"Id": CAT, OPENS: 3}],
    )
    assert [result.success for result in results] == [True, False, True]
    (error,) = results[1].errors
    assert (error.code, error.fields) == ("INVALID_EMAIL_ADDRESS", ("Email",))
    assert not error.is_transient
    assert org.record("Contact", CAT)[OPENS] == 3
    assert [each["path"] for each in org.requests(is_write="true")] == [
        "/services/data/v66.0/composite/sobjects"
    ]


def test_k6_deletions_are_answered_row_by_row(org: LiveOrg) -> None:
    crm = org.crm()
    org.change("Contact", BEN, IsDeleted=True, force=True)
    ann, ben, unknown = crm.delete_many("Contact", [ANN, BEN, "003000000000009AAA"])
    assert (ann.success, ann.id) == (True, ANN)
    assert ben.errors[0].code == "ENTITY_IS_DELETED"
    assert not unknown.success
    assert org.record("Contact", ANN)["IsDeleted"] is True
    assert crm.calls == CallCounts(login=1, read=0, write=1)


def test_k7_a_converted_lead_is_refused_by_row(org: LiveOrg) -> None:
    (result,) = org.crm().update_many("Lead", [{"Id": LEO, OPENS: 1}])
    assert result.errors[0].code == "CANNOT_UPDATE_CONVERTED_LEAD"


@pytest.mark.parametrize(
    "records",
    [
        [],
        [{"Id": ANN}] * 2,
        [{OPENS: 1}],
        [{"Id": f"003{number:012}AAA"} for number in range(201)],
        [{"Id": ANN, OPENS: math.nan}],
    ],
)
def test_writes_that_could_go_wrong_are_refused_before_any_request(
    org: LiveOrg, records: list[dict[str, object]]
) -> None:
    with pytest.raises(ValueError, match=r"."):
        org.crm().update_many("Contact", records)
    assert org.requests() == []


def test_k7_an_expired_session_is_renewed_once(org: LiveOrg) -> None:
    crm = org.crm()
    crm.describe("Contact")
    org.expire_sessions()
    (result,) = crm.update_many("Contact", [{"Id": ANN, OPENS: 4}])
    assert result.success
    assert crm.calls.login == 2


def test_a_new_session_that_is_refused_at_once_is_not_renewed(script: Script) -> None:
    script.answers = [Answer(401, {"error": "not even a list"})]
    crm = script.crm(IMPATIENT)
    with pytest.raises(CrmLoginError):
        crm.limits()
    assert crm.calls == CallCounts(login=1, read=1, write=0)


def test_k7_an_org_that_stays_away_ends_in_an_error_without_bodies(script: Script) -> None:
    script.answers = [Answer(503, "secret page")] * 3
    with pytest.raises(CrmUnavailableError) as caught:
        script.crm(IMPATIENT).limits()
    assert "503" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert len(script.paths()) == IMPATIENT.attempts


def test_unknown_objects_and_columns_have_their_own_errors(org: LiveOrg) -> None:
    crm = org.crm()
    with pytest.raises(CrmMissingObjectError):
        crm.describe("Opportunity")
    with pytest.raises(CrmRequestError) as caught:
        list(crm.query("select Nonsense__c from Contact"))
    assert caught.value.code == "INVALID_FIELD"


def test_a_refusal_of_the_login_is_none_of_the_records(script: Script) -> None:
    disabled = [{"message": "The REST API is not enabled", "errorCode": "API_CURRENTLY_DISABLED"}]
    script.answers = [Answer(403, disabled)]
    with pytest.raises(CrmForbiddenError, match="403 API_CURRENTLY_DISABLED") as caught:
        script.crm(IMPATIENT).update_many("Contact", [{"Id": ANN}])
    assert caught.value.code == "API_CURRENTLY_DISABLED"


def test_limits_and_clock(org: LiveOrg) -> None:
    crm = org.crm()
    assert crm.limits().daily_calls == 100_000
    assert crm.server_time().tzinfo is not None
    assert crm.calls == CallCounts(login=1, read=1, write=0)


@pytest.mark.parametrize(
    ("secret", "key_file", "missing"),
    [
        (None, None, "SALESFORCE_CONSUMER_SECRET"),
        (None, Path("key.pem"), "SALESFORCE_USERNAME"),
        ("secret", Path("key.pem"), "SALESFORCE_USERNAME"),
    ],
)
def test_an_incomplete_login_is_refused_with_the_variable_to_set(
    secret: str | None, key_file: Path | None, missing: str
) -> None:
    login = SalesforceLogin("127.0.0.1:1", "key", secret, private_key_file=key_file)
    with pytest.raises(CrmLoginError, match=missing):
        connect(login)


def test_a_wrong_secret_is_a_login_error_that_keeps_it(org: LiveOrg) -> None:
    crm = connect(SalesforceLogin(org.login.host, "touchline-local", "wr0ng"), IMPATIENT)
    with pytest.raises(CrmLoginError, match="invalid_client") as caught:
        crm.limits()
    assert "wr0ng" not in str(caught.value)


REFUSED = {"error": "invalid_grant", "error_description": "a secret of mine"}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(400, REFUSED), CrmLoginError),
        (Answer(401, REFUSED), CrmLoginError),
        (Answer(500, {"error": "server_error"}), CrmUnavailableError),
        (Answer(503, "<html>a secret of mine"), CrmUnavailableError),
        (Answer(404, "<html>a secret of mine"), CrmUnavailableError),
        (Answer(429, []), CrmUnavailableError),
        (Answer(400, "<html>a secret of mine"), CrmUnavailableError),
        (Answer(200, {}), CrmUnavailableError),
        (Answer(200, None), CrmUnavailableError),
        (Answer(307, "", {"Location": "https://evil.example/"}), CrmUnavailableError),
    ],
)
def test_only_a_refusal_of_the_login_is_blamed_on_the_key(
    script: Script, answer: Answer, kind: type[CrmError]
) -> None:
    script.token = answer
    with pytest.raises(CrmError) as caught:
        script.crm(IMPATIENT).limits()
    assert type(caught.value) is kind
    assert "of mine" not in str(caught.value)


@pytest.mark.parametrize("content", [None, "garbage", "-----BEGIN PRIVATE KEY-----"])
def test_a_key_file_that_cannot_be_used_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "key.pem"
    if content:
        file.write_text(content, encoding="utf-8")
    login = SalesforceLogin(
        "127.0.0.1:1", "key", username="rep@acme.example", private_key_file=file
    )
    with pytest.raises(CrmLoginError, match="SALESFORCE_PRIVATE_KEY_FILE"):
        connect(login, IMPATIENT).limits()


@pytest.mark.parametrize(
    "page",
    [
        {"done": False, "records": []},
        {"done": False, "records": [], "nextRecordsUrl": None},
        {"done": True, "records": [{"Id": ANN}]},
        {"done": True, "records": [None]},
        {"done": True},
        [],
    ],
)
def test_an_answer_of_another_shape_is_none(script: Script, page: object) -> None:
    script.answers = [Answer(200, page)] * 3
    crm = script.crm(IMPATIENT)
    for ask in (lambda: list(crm.query("select Id from Contact")), crm.limits):
        with pytest.raises(CrmUnavailableError):
            ask()
    with pytest.raises(CrmUnavailableError):
        crm.describe("Contact")


@pytest.mark.parametrize("daily", [{"Max": 15_000}, {"Max": 15_000, "Remaining": None}, 7])
def test_limits_without_their_figures_are_none(script: Script, daily: object) -> None:
    script.answers = [Answer(200, {"DailyApiRequests": daily})]
    with pytest.raises(CrmUnavailableError, match="daily allowance"):
        script.crm(IMPATIENT).limits()


def test_a_private_key_logs_in_by_jwt(org: LiveOrg, tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    file = tmp_path / "key.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    org.register_key(public.decode())
    login = SalesforceLogin(
        org.login.host,
        "touchline-local",
        username="rep@acme.example",
        private_key_file=file,
    )
    assert connect(login, IMPATIENT).describe("Contact")["name"] == "Contact"


@pytest.mark.parametrize(
    "host", ["example.com", "127.0.0.1", "localhost:80", "acme.my.salesforce.com:80", "10.0.0.1:80"]
)
def test_only_my_domain_hosts_and_the_loopback_address_are_reached(host: str) -> None:
    with pytest.raises(CrmLoginError, match="no Salesforce host"):
        connect(SalesforceLogin(host, "key", "secret"))


def test_plain_http_stays_on_this_machine(script: Script) -> None:
    real = connect(SalesforceLogin("acme.my.salesforce.com", "key", "secret"), IMPATIENT)
    with pytest.raises(ValueError, match="refused plain http"):
        real._session.get(f"http://127.0.0.1:{script.port}/")
    assert script.asked == []


def test_on_loopback_every_request_goes_to_the_local_org(script: Script) -> None:
    script.answers = [Answer(200, {**NO_ROWS, "done": False, "nextRecordsUrl": "/next"})]
    script.answers.append(Answer(200, NO_ROWS))
    list(script.crm(IMPATIENT).query("select Id from Contact"))
    assert script.asked[0].path == TOKEN_PATH
    assert script.paths()[1] == "/next"


def test_a_row_is_sent_with_its_type_and_no_all_or_none(script: Script) -> None:
    script.answers = [Answer(200, [{"id": ANN, "success": True, "errors": []}])]
    script.crm(IMPATIENT).update_many("Contact", [{"Id": ANN, OPENS: None}])
    assert json.loads(script.asked[-1].body) == {
        "allOrNone": False,
        "records": [{"attributes": {"type": "Contact"}, "Id": ANN, OPENS: None}],
    }
