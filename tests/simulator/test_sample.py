"""The committed sample: what the code makes today, small, and with every awkward case in it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestration.simulator.simulate import simulate
from tests.simulator.mail_reader import read_mail
from tests.simulator.world import World, text_of

Json = dict[str, Any]

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
PEOPLE, WEEKS, SEED = 220, 6, 7
LARGEST_BYTES = 3_000_000


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> World:
    out = tmp_path_factory.mktemp("sample")
    return World(out, simulate(PEOPLE, WEEKS, SEED, out))


def contents(folder: Path) -> dict[str, str]:
    # Unpacked: two builds of zlib may pack the same text differently.
    return {
        str(path.relative_to(folder)): text_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_sample_is_what_the_code_makes(sample: World) -> None:
    """If this fails after a wanted change: `touchline simulate` again, see docs/simulator.md."""
    assert contents(SAMPLE) == contents(sample.out)


def test_the_sample_is_small() -> None:
    sizes = [path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()]
    assert sum(sizes) < LARGEST_BYTES


def opens(world: World) -> list[Json]:
    return [event for event in world.events() if event["event"] == "open"]


def has_event(**fields: object) -> Callable[[World], bool]:
    return lambda world: any(
        all(event.get(key) == value for key, value in fields.items()) for event in world.events()
    )


def has_true(name: str, **fields: object) -> Callable[[World], bool]:
    return lambda world: any(
        all(row[key] == value for key, value in fields.items()) for row in world.truth(name)
    )


def has_agent(part: str) -> Callable[[World], bool]:
    return lambda world: any(part in event["useragent"] for event in opens(world))


def has_record(kind: str, **fields: object) -> Callable[[World], bool]:
    return lambda world: any(
        all(record.get(key) == value for key, value in fields.items()) for record in world.org(kind)
    )


def has_mail(text: str) -> Callable[[World], bool]:
    return lambda world: any(
        text in path.read_text() for path in (world.out / "landing" / "mailboxes").iterdir()
    )


def has_step_with(setting: str, other: str) -> Callable[[World], bool]:
    return lambda world: any(row[setting] and not row[other] for row in world.messages())


def read_without_open(world: World) -> bool:
    return any(
        row["human_click_count"] and row["human_open_count"] == 0 for row in world.truth("messages")
    )


def privacy_open_without_flag(world: World) -> bool:
    return any(
        event["useragent"] == "Mozilla/5.0" and not event["sg_machine_open"]
        for event in opens(world)
    )


def own_manual_mail(world: World) -> bool:
    copies = {row["message_id"] for row in world.messages()}
    mails = read_mail(world.out / "landing" / "mailboxes")
    return any(mail.kind == "own" and mail.message_id not in copies for mail in mails)


def own_copies(world: World) -> bool:
    copies = {row["message_id"] for row in world.messages()}
    mails = read_mail(world.out / "landing" / "mailboxes")
    return any(mail.kind == "own" and mail.message_id in copies for mail in mails)


def reply_from_another_address(world: World) -> bool:
    to = {row["message_id"]: row["to"].lower() for row in world.messages()}
    return any(
        row["match"] == "in_thread"
        and row["kind"] == "human"
        and to[row["sequence_message_id"]] != row["sender_email"]
        for row in world.truth("replies")
    )


def reply_after(flag: str) -> Callable[[World], bool]:
    def check(world: World) -> bool:
        enrollments = world.enrollments()
        return any(
            row["enrollment_id"]
            and row["kind"] == "human"
            and enrollments[row["enrollment_id"]][flag]
            and row["received_at"] > str(enrollments[row["enrollment_id"]]["ended_at"] or "9")
            for row in world.truth("replies")
        )

    return check


def reply_too_late(world: World) -> bool:
    statuses = {row["enrollment_id"]: row["status"] for row in world.truth("enrollments")}
    return any(
        row["kind"] == "human" and statuses.get(row["enrollment_id"]) == "completed"
        for row in world.truth("replies")
    )


def duplicate_emails(world: World) -> bool:
    emails = [str(record["Email"]).strip().lower() for record in world.org("Contact")]
    return len(set(emails)) < len(emails)


def contact_and_lead(world: World) -> bool:
    leads = {record["Email"] for record in world.org("Lead") if not record["IsConverted"]}
    return any(record["Email"] in leads for record in world.org("Contact") if record["Email"])


def email_typed_otherwise(world: World) -> bool:
    return any(
        record["Email"] and record["Email"] != record["Email"].strip().lower()
        for record in world.org("Contact")
    )


def category_list_and_string(world: World) -> bool:
    return {type(event["category"]) for event in world.events()} == {str, list}


def two_people_on_one_record(world: World) -> bool:
    return any(row["person_count"] == 2 for row in world.truth("records"))


def mailbox_without_user(world: World) -> bool:
    users = {user["Email"] for user in world.org("User")}
    boxes = (world.out / "landing" / "mailboxes").iterdir()
    return len({path.stem for path in boxes} - users) == 1


def bounce_without_message_id(world: World) -> bool:
    return any(
        event["event"] == "bounce" and "sg_message_id" not in event for event in world.events()
    )


def all_shapes(world: World) -> bool:
    names = [path.name for path in (world.out / "landing" / "sendgrid").iterdir()]
    return {name.split(".", 1)[1] for name in names} >= {"ndjson", "json.gz", "jsonl.gz", "json"}


CASES: dict[str, Callable[[World], bool]] = {
    "privacy open, flagged": has_event(event="open", sg_machine_open=True),
    "privacy open, not flagged": privacy_open_without_flag,
    "Gmail image proxy": has_agent("GoogleImageProxy"),
    "Yahoo image proxy": has_agent("YahooMailProxy"),
    "images blocked, link clicked": read_without_open,
    "plain text, nothing tracked": has_true("messages", human_open_count=None, open_count=0),
    "click tracking only": has_step_with("track_clicks", "track_opens"),
    "link off the tracked domain": has_event(
        event="click", url="https://calendar.meetwell.example/northlight/intro"
    ),
    "deferred": has_event(event="deferred", attempt="1"),
    "hard bounce": has_true("enrollments", status="bounced", reason="hard_bounce"),
    "bounce that only the platform knows": has_true(
        "enrollments", status="bounced", reason="platform"
    ),
    "full mailbox": has_event(event="bounce", status="5.2.2"),
    "block": has_event(event="bounce", type="blocked"),
    "bounce without sg_message_id": bounce_without_message_id,
    "dropped": has_event(event="dropped", reason="Bounced Address"),
    "complaint": has_event(event="spamreport"),
    "unsubscribe": has_event(event="unsubscribe"),
    "group unsubscribe": has_event(event="group_unsubscribe"),
    "group resubscribe": has_event(event="group_resubscribe"),
    "event of foreign mail": has_event(category="password reset"),
    "category as list and string": category_list_and_string,
    "webhook files of all shapes": all_shapes,
    "reply in thread": has_true("replies", match="in_thread", kind="human"),
    "reply without thread headers": has_true("replies", match="probable"),
    "mail out of sequence": has_true("replies", match="out_of_sequence"),
    "mail apart, nothing active": has_true("replies", match="out_of_sequence", enrollment_id=None),
    "unknown sender": has_true("replies", match="unknown_sender", kind="human"),
    "newsletter": has_true("replies", kind="list"),
    "delivery report": has_true("replies", kind="dsn"),
    "delivery report called auto-replied": has_mail("Auto-Submitted: auto-replied"),
    "delay report": has_mail("Action: delayed"),
    "absence note": has_true("replies", kind="ooo"),
    "encoded subject": has_mail("Subject: =?utf-8?"),
    "reply from another address": reply_from_another_address,
    "reply after cancellation": reply_after("is_canceled"),
    "reply after completion": reply_after("started_at"),
    "reply too late": reply_too_late,
    "labelled reply": has_true("replies", platform_class="Willing to meet"),
    "own mail by hand": own_manual_mail,
    "own copy of sequence mail": own_copies,
    "platform knows of a reply alone": has_true("enrollments", status="replied", reason="platform"),
    "opted out in the CRM": has_true("enrollments", reason="crm_opt_out"),
    "paused by absence": has_true("enrollments", status="paused", reason="ooo"),
    "paused sequence": has_true("enrollments", reason="sequence_paused"),
    "paused mailbox": has_true("enrollments", reason="mailbox_paused"),
    "paused enrollment": has_true("enrollments", reason="enrollment_paused"),
    "no CRM record": has_true("people", unmatched_reason="no_record"),
    "deleted CRM record": has_true("people", unmatched_reason="deleted_record"),
    "two people on one record": two_people_on_one_record,
    "two contacts with one email": duplicate_emails,
    "contact and lead with one email": contact_and_lead,
    "email in other case": email_typed_otherwise,
    "record without email": has_record("Contact", Email=None),
    "converted lead": has_record("Lead", IsConverted=True),
    "first sequence filled by hand": has_record(
        "Contact", Touchline_First_Sequence__c="Cold calls 2025"
    ),
    "don't track": has_record("Individual", HasOptedOutTracking=True),
    "mailbox whose owner is no user": mailbox_without_user,
}


@pytest.mark.parametrize("case", CASES)
def test_every_awkward_case_is_in_the_sample(sample: World, case: str) -> None:
    assert CASES[case](sample)


def test_every_status_is_in_the_sample(sample: World) -> None:
    assert {row["status"] for row in sample.truth("enrollments")} == {
        "queued", "engaged", "blocked", "paused", "completed", "replied", "bounced",
        "bounce_stopped", "canceled", "excluded", "unsubscribed", "do_not_contact",
    }  # fmt: skip


def test_a_merged_pair_is_in_the_sample(sample: World) -> None:
    merged = [row for row in sample.org("Contact") if row["MasterRecordId"]]
    assert merged
    assert all(row["IsDeleted"] for row in merged)


def test_some_lines_are_beyond_repair(sample: World) -> None:
    """A8: a few rejects are to be seen, each of its own kind."""
    counts = sample.counts
    assert (counts["sendgrid_broken_lines"], counts["sendgrid_unknown_types"]) == (2, 2)
    first = next(iter(sorted((sample.out / "landing" / "sendgrid").iterdir())))
    broken = 0
    for line in text_of(first).splitlines():
        try:
            json.loads(line)
        except json.JSONDecodeError:
            broken += 1
    assert broken == counts["sendgrid_broken_lines"]
