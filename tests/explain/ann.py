"""A story in which one of everything happens, made up without a warehouse."""

from datetime import datetime

from orchestration.explain.story import (
    Address,
    Attempt,
    Cell,
    CrmFact,
    Enrollment,
    Event,
    Person,
    Place,
    Planned,
    Record,
    Reply,
    Sent,
    StatusChange,
    Story,
    Value,
)

RULE = "No person clicks within 5 s of delivery, let alone before it (practice: 2 s Value Builder)"

#: As plans say it.
KEPT = (
    "kept: already filled: Salesforce has Cold, Touchline computed Warm, policy fill_blank writes "
    "only into empty fields"
)


def at(time: str, day: int = 6) -> datetime:
    """Return a moment of October 2026."""
    return datetime.fromisoformat(f"2026-10-{day:02} {time}")


def clicked(time: str, **changes: object) -> Event:
    """Return a click of a machine on the pricing page."""
    told: dict[str, object] = {
        "at": at(time),
        "event_key": f"clicked {time}",
        "event_type": "clicked",
        "event_subtype": None,
        "message_key": "m1",
        "enrollment_id": "e1",
        "step_number": 1,
        "recipient_email": "ann@acme.example",
        "source": "sendgrid",
        "actor": "machine",
        "rule_id": "R07_too_fast_click",
        "rule_words": RULE,
        "is_proxy": False,
        "url": "https://us.example/pricing",
        "link_kind": None,
        "is_counted": True,
        "ip": "192.0.2.1",
        "user_agent": "curl",
        "is_other_recipient": False,
        "place": Place("sendgrid/1.ndjson", 7, copies=2),
    }
    return Event(**(told | changes))  # type: ignore[arg-type]


def story() -> Story:
    """Ann was written to, clicked, or somebody did, and answered."""
    person = Person(
        crm_object="Contact",
        crm_id="003Hs0000000001IAA",
        matched_by="email",
        unmatched_reason=None,
        owner_id="005Hs0000000001IAA",
        owner_name="Mara Lind",
        addresses=(Address("ann@acme.example", "current"), Address("ann@old.example", "earlier")),
        stand_ins=(Record("Lead", "00QHs0000000001MAA", "converted", "ann@acme.example"),),
        duplicates=(Record("Contact", "003Hs0000000002IAA", "duplicate", "ann@acme.example"),),
        wants_no_tracking=False,
        notes=("Lead 00QHs0000000001MAA was converted to Contact 003Hs0000000001IAA.",),
    )
    enrollment = Enrollment(
        enrollment_id="e1",
        sequence_name="Warm | introduction",
        person_email="ann@acme.example",
        mailbox="mara@us.example",
        enrolled_at=at("08:00"),
        status="replied",
        status_word="Finished: Replied",
        reason="in_thread",
        reason_words="a person answered in the thread",
        since=at("10:00"),
        cause_event_key="reply",
        place=Place("sequences/enrollments/1.json", 1),
    )
    return Story(
        asked="ann@acme.example",
        as_of=None,
        loaded_until=at("12:00"),
        person=person,
        enrollments=(enrollment,),
        values=(
            Value(
                field="Replied__c",
                metric="is_replied",
                value="true",
                decision="write",
                reason="differs",
                plan_id="plan-00001",
                outcome="failed",
                unchanged_since=None,
            ),
            Value("First__c", "first_sequence", "Warm", "kept", KEPT, "plan-00001", None, None),
            Value("Tags__c", "tags", None, "unchanged", "both empty", "plan-00001", None, None),
        ),
        timeline=(
            CrmFact(
                at("07:00"), "Lead", "00QHs0000000001MAA", "opted_out", "has opted out of email",
                Place("Salesforce Lead, load 2"),
            ),
            Sent(
                at=at("09:00"),
                message_key="m1",
                enrollment_id="e1",
                sequence_name="Warm | introduction",
                step_number=1,
                origin="sequence",
                subject="Hi \x1b[31mAnn",
                mailbox="mara@us.example",
                recipient_email="ann@acme.example",
                open_tracking_enabled=True,
                click_tracking_enabled=True,
                discrepancy_class="replied_without_open",
                discrepancy_cause="images_blocked",
                place=Place("sequences/messages/1.ndjson", 3),
            ),
            clicked("09:00:02"),
            clicked("09:00:03"),
            clicked("09:00:04", url="https://elsewhere.example", is_counted=False),
            Reply(
                at=at("10:00"),
                event_key="reply",
                event_type="replied",
                event_subtype=None,
                reply_key="r1",
                message_key="m1",
                enrollment_id="e1",
                match="in_thread",
                thread_rule="in_reply_to",
                sender_email="ann@acme.example",
                mailbox="mara@us.example",
                subject="Re: Hi",
                is_automated=False,
                reply_group="Positive",
                reply_class="Willing to meet",
                classified_by="platform",
                classified_words="the sequence platform's label",
                tags=None,
                place=Place("mailboxes/mara.mbox", 12),
            ),
            StatusChange(
                at=at("10:00"),
                enrollment_id="e1",
                sequence_name="Warm | introduction",
                previous_status="engaged",
                status="replied",
                reason="in_thread",
                reason_words="a person answered in the thread",
                cause_event_key="reply",
                place=Place("mailboxes/mara.mbox", 12),
            ),
            Planned(
                at("11:00", day=7),
                "plan-00001",
                "Contact",
                "003Hs0000000001IAA",
                (
                    Cell("Replied__c", "false", "true", "owned", "write", "differs"),
                    Cell("First__c", "Cold", "Warm", "fill_blank", "kept", KEPT),
                    Cell("Tags__c", None, None, "owned", "unchanged", "both empty"),
                ),
            ),
            Attempt(
                at("11:01", day=7), "plan-00001", "run", "Contact", "003Hs0000000001IAA", "failed",
                "UNABLE_TO_LOCK_ROW", "busy", ("Replied__c",), {"Replied__c": "true"},
            ),
        ),
    )  # fmt: skip
