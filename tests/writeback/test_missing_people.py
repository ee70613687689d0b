"""Records for people who have none: only where the mapping says so, and never two (H5)."""

from typing import Any

from orchestration.writeback.missing_people import plan_missing_people
from tests.writeback.activity_scene import (
    BEN,
    GONE,
    REP,
    Scene,
    decisions,
    schemas,
    without_field,
    written,
)

NORA = "new@acme.example"
CONTACTS: dict[str, Any] = {"create_missing": {"object": "Contact"}}
LEADS: dict[str, Any] = {"create_missing": {"object": "Lead"}}


def with_defaults(name: str, **defaults: Any) -> dict[str, Any]:
    """Return a section with defaults."""
    return {"create_missing": {"object": name, "defaults": defaults}}


def test_h5_email_alone_creates_no_record(scene: Scene) -> None:
    scene.computed("marts.unmatched_people", {})
    assert scene.plan(plan_missing_people, {}) == {}


def test_h5_a_contact_is_created_with_what_is_known(scene: Scene) -> None:
    scene.computed("marts.unmatched_people", {})
    assert written(scene.plan(plan_missing_people, CONTACTS)) == {
        ("Contact", NORA): {
            "Email": NORA,
            "FirstName": "Nora",
            "LastName": "New",
            "OwnerId": REP,
        }
    }


def test_h5_a_lead_is_created_with_the_company_that_the_address_tells(scene: Scene) -> None:
    scene.computed("marts.unmatched_people", {"person_name": "van Dyk, Nora Lee", "owner_id": GONE})
    section = with_defaults("Lead", Company="Unknown", LeadSource="Web")
    assert written(scene.plan(plan_missing_people, section)) == {
        ("Lead", NORA): {
            "Email": NORA,
            "FirstName": "Nora Lee",
            "LastName": "van Dyk",
            "Company": "acme.example",
            "LeadSource": "Web",
        }
    }


def test_h5_what_is_required_and_unknown_is_asked_for_and_a_default_fills_it(scene: Scene) -> None:
    scene.computed("marts.unmatched_people", {"person_name": None, "company_domain": None})
    planned = scene.plan(plan_missing_people, LEADS)
    assert planned == {("Lead", NORA): {"Email": (NORA, "invalid")}}
    (reason,) = scene.reasons()
    assert reason.startswith("Lead.Company is required, and nothing is known: give it a value")
    section = with_defaults("Lead", Company="Unknown")
    lead = written(scene.plan(plan_missing_people, section))["Lead", NORA]
    assert (lead["Company"], lead["LastName"]) == ("Unknown", "new")
    section = with_defaults("Lead", Company="Unknown", LastName="Unknown")
    assert written(scene.plan(plan_missing_people, section))["Lead", NORA]["LastName"] == "Unknown"


def test_h5_a_person_enrolled_twice_gets_one_record(scene: Scene) -> None:
    scene.computed("marts.unmatched_people", {}, {"person_name": None, "sequence_name": "Other"})
    assert list(scene.plan(plan_missing_people, CONTACTS)) == [("Contact", NORA)]


def test_h5_an_address_that_a_record_has_by_now_creates_none(scene: Scene) -> None:
    scene.computed("marts.unmatched_people", {})
    scene.stored("Contact", {"Id": BEN, "Email": "New@Acme.example"})
    planned = scene.plan(plan_missing_people, LEADS)
    assert planned == {("Lead", NORA): {"Email": (NORA, "duplicate")}}


def test_h5_a_record_that_does_not_show_yet_is_not_made_again(scene: Scene) -> None:
    scene.computed("marts.unmatched_people", {})
    scene.attempted("Contact", NORA, "written", record_id=BEN)
    assert decisions(scene.plan(plan_missing_people, LEADS)) == ["kept"]


def test_h5_whoever_opted_out_is_created_as_such_or_not_at_all(scene: Scene) -> None:
    scene.computed("marts.unmatched_people", {"is_opted_out": True})
    contact = written(scene.plan(plan_missing_people, CONTACTS))["Contact", NORA]
    assert contact["HasOptedOutOfEmail"] == "true"
    hidden = schemas(Contact=without_field("Contact", "HasOptedOutOfEmail"))
    planned = scene.plan(plan_missing_people, CONTACTS, hidden)
    assert planned == {("Contact", NORA): {"Email": (NORA, "kept")}}


def test_h5_who_is_not_creatable_gets_no_record(scene: Scene) -> None:
    scene.computed("marts.unmatched_people", {"is_creatable": False})
    assert scene.plan(plan_missing_people, CONTACTS) == {}
