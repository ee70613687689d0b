"""The logs alone lead to the truth about replies, statuses and CRM records (E2, E3, F2, H1-H3).

Like `test_rules_can_tell`, this reads the contract in the plainest way and shares nothing with
the simulator.
"""

import re
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.simulator.mail_reader import Mail, read_mail
from tests.simulator.world import World

Json = dict[str, Any]

ORDER = (
    "do_not_contact", "unsubscribed", "replied", "bounced", "bounce_stopped", "excluded",
    "canceled", "completed", "blocked", "paused", "engaged", "queued",
)  # fmt: skip
HARD = {"5.1.1", "5.1.2", "5.1.10"}


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def bare_subject(subject: str) -> str:
    return re.sub(r"^(re: )+", "", subject.lower())


class Reader:
    """Everything that the landing folder and the org say, indexed."""

    def __init__(self, world: World) -> None:
        self.enrollments = world.enrollments()
        self.messages = {row["message_id"]: row for row in world.messages()}
        self.sent: dict[str, list[Json]] = defaultdict(list)
        for message in sorted(self.messages.values(), key=lambda row: str(row["sent_at"])):
            self.sent[message["enrollment_id"]].append(message)
        self.by_person: dict[str, list[Json]] = defaultdict(list)
        for enrollment in self.enrollments.values():
            self.by_person[enrollment["person"]["email"].strip().lower()].append(enrollment)
        self.events: dict[str, list[Json]] = defaultdict(list)
        for event in world.distinct_events():
            if "enrollment_id" in event:
                self.events[event["enrollment_id"]].append(event)
        self.mail = read_mail(world.out / "landing" / "mailboxes")
        self.threads = {
            (row["mailbox"]["email"], row["thread_id"]): row["enrollment_id"]
            for row in self.messages.values()
        }
        self.replies = {mail.message_id: self.match(mail) for mail in self.mail}
        self.records = {
            record["Id"]: {**record, "object": name}
            for name in ("Contact", "Lead")
            for record in world.org(name)
        }

    def match(self, mail: Mail) -> tuple[str, str | None]:
        """Return how a mail belongs to what was sent, and to which enrollment."""
        for known in (*mail.references, mail.original):
            if known in self.messages:
                return "in_thread", self.messages[known]["enrollment_id"]
        if mail.gmail_thread and (mail.mailbox, mail.gmail_thread) in self.threads:
            return "in_thread", self.threads[mail.mailbox, mail.gmail_thread]
        known_enrollments = self.by_person.get(mail.sender, [])
        earlier = sorted(
            (
                message
                for enrollment in known_enrollments
                for message in self.sent[enrollment["id"]]
                if datetime.fromisoformat(message["sent_at"]) < mail.received_at
            ),
            key=lambda row: str(row["sent_at"]),
        )
        for message in reversed(earlier):
            age = mail.received_at - datetime.fromisoformat(message["sent_at"])
            same = bare_subject(message["subject"]) == bare_subject(mail.subject)
            if same and age <= timedelta(days=30) and message["mailbox"]["email"] == mail.mailbox:
                return "probable", message["enrollment_id"]
        if not known_enrollments:
            return "unknown_sender", None
        for message in reversed(earlier):
            enrollment = self.enrollments[message["enrollment_id"]]
            ended_at = moment(enrollment["ended_at"])
            if enrollment["started_at"] and (ended_at is None or ended_at >= mail.received_at):
                return "out_of_sequence", enrollment["id"]
        return "out_of_sequence", None

    def record_of(self, enrollment: Json) -> Json | None:
        """Return the record that a person's results belong to."""
        email = enrollment["person"]["email"].strip().lower()
        record = self.records.get(enrollment["person"]["crm_record_id"] or "")
        if record is None and enrollment["person"]["crm_record_id"] is None:
            candidates = [
                each
                for each in self.records.values()
                if not each["IsDeleted"] and (each["Email"] or "").strip().lower() == email
            ]
            record = max(candidates, key=lambda each: str(each["LastModifiedDate"]), default=None)
        if record and record["IsDeleted"] and record["MasterRecordId"]:
            record = self.records[record["MasterRecordId"]]
        if record and record.get("ConvertedContactId"):
            record = self.records[record["ConvertedContactId"]]
        return None if record and record["IsDeleted"] else record

    def statuses(self, enrollment: Json) -> set[str]:
        """Return every status that is in force; the first of ORDER among them holds."""
        found = {"queued"}
        ended_at = moment(enrollment["ended_at"])
        events = self.events[enrollment["id"]]
        if enrollment["started_at"] or self.sent[enrollment["id"]]:
            found.add("engaged")
        if ended_at is None:
            paused = (enrollment, enrollment["sequence"], enrollment["mailbox"])
            if any(each["is_paused"] for each in paused) or self.is_away(enrollment):
                found.add("paused")
            if enrollment["is_blocked"]:
                found.add("blocked")
        else:
            found.add("completed")
        for flag, status in (("is_canceled", "canceled"), ("is_excluded", "excluded")):
            if enrollment[flag]:
                found.add(status)
        codes = {event["status"] for event in events if event["event"] == "bounce"}
        if codes & HARD or (enrollment["is_bounced"] and not codes):
            found.add("bounced")
        elif enrollment["is_bounced"]:
            found.add("bounce_stopped")
        if self.is_replied(enrollment):
            found.add("replied")
        return found | self.refusals(enrollment, ended_at)

    def is_away(self, enrollment: Json) -> bool:
        """Say whether an absence note came after the last mail."""
        last = max((row["sent_at"] for row in self.sent[enrollment["id"]]), default="")
        return any(
            mail.kind == "ooo"
            and self.replies[mail.message_id][1] == enrollment["id"]
            and mail.received_at.isoformat() > last
            for mail in self.mail
        )

    def is_replied(self, enrollment: Json) -> bool:
        """Say whether a human answered in time, or the platform says so."""
        ended_at = moment(enrollment["ended_at"])
        received = [
            mail.received_at
            for mail in self.mail
            if mail.kind == "human" and self.replies[mail.message_id][1] == enrollment["id"]
        ]
        if ended_at is not None:
            received = [at for at in received if at <= ended_at + timedelta(days=90)]
        return bool(received) or enrollment["is_replied"]

    def refusals(self, enrollment: Json, ended_at: datetime | None) -> set[str]:
        """Return how the person, or the CRM on their behalf, refused more mail."""
        found = set()
        has_own_wish = False
        for other in self.by_person[enrollment["person"]["email"].strip().lower()]:
            for event in self.events[other["id"]]:
                reaches = other is enrollment or (
                    ended_at is None or ended_at.timestamp() >= event["timestamp"]
                )
                if event["event"] == "spamreport" and reaches:
                    found.add("do_not_contact")
                if event["event"] in {"unsubscribe", "group_unsubscribe"}:
                    has_own_wish = True
                    if reaches:
                        found.add("unsubscribed")
            has_own_wish = has_own_wish or other["is_opted_out"]
        if enrollment["is_opted_out"]:
            found.add("unsubscribed")
        record = self.record_of(enrollment)
        if record and record["HasOptedOutOfEmail"] and not has_own_wish:
            ticked_at = moment(record["SystemModstamp"])
            if ticked_at and (ended_at is None or ended_at > ticked_at):
                found.add("do_not_contact")
        return found


@pytest.fixture(scope="module")
def reader(world: World) -> Reader:
    return Reader(world)


def test_every_reply_is_matched_as_it_really_belongs(world: World, reader: Reader) -> None:
    kinds = {mail.message_id: mail.kind for mail in reader.mail}
    for row in world.truth("replies"):
        found = (*reader.replies[row["message_id"]], kinds[row["message_id"]])
        assert found == (row["match"], row["enrollment_id"], row["kind"]), row


def test_every_status_can_be_told(world: World, reader: Reader) -> None:
    for row in world.truth("enrollments"):
        found = reader.statuses(reader.enrollments[row["enrollment_id"]])
        assert next(status for status in ORDER if status in found) == row["status"], row


def test_every_person_finds_the_right_record(world: World, reader: Reader) -> None:
    for row in world.truth("people"):
        for enrollment in reader.by_person[row["person_email"]]:
            record = reader.record_of(enrollment)
            found = (record["object"], record["Id"]) if record else (None, None)
            assert found == (row["crm_object"], row["crm_id"]), row
