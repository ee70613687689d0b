"""A3, A9: mailbox exports load mail by mail, also while they grow."""

import gzip

from tests.landing.folder import Folder

MBOX = "mailboxes/Ada@team.example.mbox"


def mail(number: int, body: str = "Hello") -> str:
    return (
        f"From: person{number}@visitor.example\nTo: ada@team.example\n"
        f"Message-ID: <{number}@visitor.example>\nSubject: Mail {number}\n"
        f"Date: Tue, 6 Oct 2026 10:00:{number:02} +0000\n\n{body}\n"
    )


def mbox(*mails: str) -> str:
    return "".join(f"From someone@there Tue Oct  6 10:00:00 2026\n{each}\n" for each in mails)


def message_ids(folder: Folder) -> list[str]:
    return [payload["message_id"] for payload in folder.payloads("raw.mailbox_messages")]


def test_a3_an_mbox_gives_its_mails_with_line_and_mailbox(folder: Folder) -> None:
    folder.write(MBOX, mbox(mail(1), mail(2, ">From the start\nFrom here on, twice")))
    report = folder.load()
    first, second = folder.payloads("raw.mailbox_messages")
    assert (report.rows, report.rejected) == (2, 0)
    assert first["mailbox"] == "ada@team.example"
    assert second["body_text"] == "From the start\nFrom here on, twice\n"
    assert [line for _, line, _ in folder.places("raw.mailbox_messages")] == [1, 10]


def test_a3_single_mails_and_maildirs_load_too(folder: Folder) -> None:
    folder.write("mailboxes/ada@team.example/one.eml", mail(1))
    folder.write("mailboxes/ada@team.example/two.eml.gz", gzip.compress(mail(2).encode()))
    folder.write("mailboxes/ada@team.example/cur/123.M1P2.host:2,S", mail(3))
    folder.load()
    assert sorted(message_ids(folder)) == [f"{n}@visitor.example" for n in (1, 2, 3)]
    assert {p["mailbox"] for p in folder.payloads("raw.mailbox_messages")} == {"ada@team.example"}


def test_a9_the_same_mail_in_two_mailboxes_is_two_facts(folder: Folder) -> None:
    folder.write("mailboxes/ada@team.example.mbox", mbox(mail(1)))
    folder.write("mailboxes/ben@team.example.mbox", mbox(mail(1)))
    assert folder.load().rows == 2


def test_a9_a_growing_mbox_gives_only_its_new_mails(folder: Folder) -> None:
    folder.write(MBOX, mbox(mail(1)))
    folder.load()
    folder.append(MBOX, mbox(mail(2), mail(3)))
    assert folder.load().rows == 2
    assert message_ids(folder) == [f"{n}@visitor.example" for n in (1, 2, 3)]
    folder.write(f"{MBOX}.gz", gzip.compress((folder.path / MBOX).read_bytes()))
    assert folder.load().rows == 0


def test_a9_a_mail_still_being_written_waits(folder: Folder) -> None:
    whole = mbox(mail(1), mail(2))
    cut = whole.index("Subject: Mail 2")
    folder.write(MBOX, whole[:cut])
    assert folder.load().rows == 1
    folder.append(MBOX, whole[cut:])
    assert folder.load().rows == 1
    assert message_ids(folder) == ["1@visitor.example", "2@visitor.example"]


def test_a8_what_is_no_mail_is_a_reject_and_the_rest_loads(folder: Folder) -> None:
    folder.write(MBOX, mbox(mail(1), "no header here", mail(2)))
    report = folder.load()
    assert (report.rows, report.rejected) == (2, 1)
    assert folder.rejects() == [(10, "unreadable_mail")]
    assert folder.load().rejected == 0
