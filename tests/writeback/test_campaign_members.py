"""Members of the campaigns that sequences are tied to: added, and moved forward only (J5)."""

from typing import Any

import pytest

from orchestration.writeback.campaign_members import FUNNEL, plan_campaign_members
from tests.dbt_files import models
from tests.writeback.activity_scene import ANN, CAMPAIGN, LEA, Scene, decisions, written

FILL: dict[str, Any] = {"campaign_members": {"fill": True}}
MEMBER = "00v000000000001AAA"


def stored_member(status: str | None, **more: Any) -> dict[str, Any]:
    """Return Ann's membership as the org shows it."""
    plain = {"Id": MEMBER, "CampaignId": CAMPAIGN, "ContactId": ANN, "LeadId": None}
    return plain | {"Status": status} | more


def test_j5_a_person_is_added_with_how_far_they_came(scene: Scene) -> None:
    lead = {"member_key": f"member {CAMPAIGN} {LEA}", "crm_object": "Lead", "crm_id": LEA}
    scene.computed("crm.campaign_members", {}, lead)
    assert written(scene.plan(plan_campaign_members, FILL)) == {
        ("CampaignMember", f"member {CAMPAIGN} {ANN}"): {
            "CampaignId": CAMPAIGN,
            "ContactId": ANN,
            "Status": "Opened",
        },
        ("CampaignMember", f"member {CAMPAIGN} {LEA}"): {
            "CampaignId": CAMPAIGN,
            "LeadId": LEA,
            "Status": "Opened",
        },
    }


@pytest.mark.parametrize(
    ("theirs", "ours", "decision"),
    [
        ("Sent", "Opened", "write"),
        ("Sent", "Responded", "write"),
        ("Responded", "Clicked", "kept"),
        ("Registered", "Responded", "kept"),
    ],
)
def test_j5_a_status_only_moves_forward_and_one_of_somebodys_own_stays(
    scene: Scene, theirs: str, ours: str, decision: str
) -> None:
    scene.computed("crm.campaign_members", {"status": ours})
    scene.stored("CampaignMember", stored_member(theirs))
    planned = scene.plan(plan_campaign_members, FILL)
    assert planned == {("CampaignMember", MEMBER): {"Status": (ours, decision)}}


def test_j5_the_same_status_is_no_change_whichever_form_of_the_id_was_given(scene: Scene) -> None:
    scene.computed("crm.campaign_members", {"campaign_id": CAMPAIGN[:15]})
    scene.stored("CampaignMember", stored_member("Opened"))
    assert scene.plan(plan_campaign_members, FILL) == {}


def test_j5_whoever_was_taken_out_is_not_added_again(scene: Scene) -> None:
    scene.computed("crm.campaign_members", {})
    scene.stored("CampaignMember", stored_member("Sent", IsDeleted=True))
    assert decisions(scene.plan(plan_campaign_members, FILL)) == ["kept"]


def test_k4_a_member_that_does_not_show_yet_is_not_added_again(scene: Scene) -> None:
    scene.computed("crm.campaign_members", {})
    scene.attempted("CampaignMember", f"member {CAMPAIGN} {ANN}", "written", record_id=MEMBER)
    assert decisions(scene.plan(plan_campaign_members, FILL)) == ["kept"]


def test_j5_nobody_is_added_unless_the_mapping_says_so(scene: Scene) -> None:
    scene.computed("crm.campaign_members", {})
    assert scene.plan(plan_campaign_members, {}) == {}


def test_j5_the_model_and_the_plan_know_the_same_steps() -> None:
    (check,) = models()["campaign_members"].columns["status"]["data_tests"]
    assert tuple(check["accepted_values"]["arguments"]["values"]) == FUNNEL
