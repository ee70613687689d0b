"""A3, A9: mailbox exports load mail by mail, also while they grow."""

import gzip
import tempfile
from pathlib import Path
from typing import cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orchestration.landing.mail_limits import MailLimits
from orchestration.warehouse import Warehouse
from tests.landing.folder import Folder

MBOX = "mailboxes/Ada@team.example.mbox"
TABLE = "raw.mailbox_messages"


def mail(number: int, body: str = "Hello") -> str:
    return (
        f"From: person{number}@visitor.example\nTo: ada@team.example\n"
        f"Message-ID: <{number}@visitor.example>\nSubject: Mail {number}\n"
        f"Date: Tue, 6 Oct 2026 10:00:{number:02} +0000\n\n{body}\n"
    )


def mbox(*mails: str) -> str:
    return "".join(f"From someone@there Tue Oct  6 10:00:00 2026\n{each}\n" for each in mails)


def message_ids(folder: Folder) -> list[str]:
    return [payload["message_id"] for payload in folder.payloads(TABLE)]


def test_a3_an_mbox_gives_its_mails_with_line_and_mailbox(folder: Folder) -> None:
    folder.write(MBOX, mbox(mail(1), mail(2, ">From the start\nFrom here on, twice")))
    report = folder.load()
    first, second = folder.payloads(TABLE)
    assert (report.rows, report.rejected) == (2, 0)
    assert first["mailbox"] == "ada@team.example"
    assert second["body_text"] == "From the start\nFrom here on, twice\n"
    assert [line for _, line, _ in folder.places(TABLE)] == [1, 10]


def test_a3_single_mails_and_maildirs_load_too(folder: Folder) -> None:
    folder.write("mailboxes/ada@team.example/one.eml", mail(1))
    folder.write("mailboxes/ada@team.example/two.eml.gz", gzip.compress(mail(2).encode()))
    folder.write("mailboxes/ada@team.example/cur/123.M1P2.host:2,S", mail(3))
    folder.load()
    assert sorted(message_ids(folder)) == [f"{n}@visitor.example" for n in (1, 2, 3)]
    assert {p["mailbox"] for p in folder.payloads(TABLE)} == {"ada@team.example"}


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


@pytest.mark.parametrize("line_end", ["\r\n", "\r"])
def test_a3_an_mbox_holds_its_mails_whatever_its_line_ends(folder: Folder, line_end: str) -> None:
    folder.write(MBOX, mbox(mail(1), mail(2), mail(3)).replace("\n", line_end))
    assert folder.load().rows == 3
    assert [line for _, line, _ in folder.places(TABLE)] == [1, 10, 19]
    assert {payload["body_text"] for payload in folder.payloads(TABLE)} == {"Hello\n"}


def test_a3_mailboxes_written_by_different_systems_may_be_put_together(folder: Folder) -> None:
    whole = mbox(mail(1)) + mbox(mail(2)).replace("\n", "\r") + mbox(mail(3)).replace("\n", "\r\n")
    folder.write(MBOX, whole + mbox(mail(4)))
    folder.load()
    assert message_ids(folder) == [f"{n}@visitor.example" for n in (1, 2, 3, 4)]


def test_a3_a_sentence_that_begins_with_from_is_none_of_the_separators(folder: Folder) -> None:
    body = (
        "\nFrom here on at 10:00 we wait.\n\nFrom Monday at 9:30 we are open\nagain\n"
        "From you Tue Oct  6 10:00:00 I heard nothing\nFrom\n"
    )
    folder.write(MBOX, mbox(mail(1, body), mail(2)))
    assert folder.load().rows == 2
    assert folder.payloads(TABLE)[0]["body_text"].strip() == body.strip()


def test_a3_a_forgotten_empty_line_does_not_join_two_mails(folder: Folder) -> None:
    folder.write(MBOX, mbox(mail(1)).rstrip() + "\n" + mbox(mail(2)))
    assert folder.load().rows == 2


@pytest.mark.parametrize(
    "separator",
    [
        "From - Tue Oct  6 10:00:00 2026",
        "From 1790000000000000001@xxx Tue Oct 06 10:00:00 +0000 2026",
        "From MAILER-DAEMON  Tue Oct  6 10:00:00 2026",
        "From ada@team.example Tue, 6 Oct 2026 10:00:00 +0000",
        "From ???@??? Tue Oct 06 10:00:00 2026",
    ],
)
def test_a3_every_programs_separator_is_one(folder: Folder, separator: str) -> None:
    folder.write(MBOX, "".join(f"{separator}\n{mail(n)}\n" for n in (1, 2)))
    assert (folder.load().rows, len(message_ids(folder))) == (2, 2)


@pytest.mark.parametrize("before", ["\ufeff", "\n\n", ""])
def test_a3_what_stands_before_the_first_separator_does_no_harm(
    folder: Folder, before: str
) -> None:
    folder.write(MBOX, before + mbox(mail(1), mail(2)))
    report = folder.load()
    assert (report.rows, report.rejected) == (2, 0)


def test_a3_an_mbox_may_begin_without_a_separator(folder: Folder) -> None:
    folder.write(MBOX, f"{mail(1)}\n{mbox(mail(2))}")
    folder.write("mailboxes/ben@team.example.mbox", f"Exported by a clerk.\n\n{mbox(mail(3))}")
    report = folder.load()
    assert (report.rows, report.rejected) == (3, 1)
    assert folder.rejects() == [(1, "unreadable_mail")]


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
def test_a8_an_empty_mailbox_is_nothing(folder: Folder, content: str) -> None:
    folder.write(MBOX, content, is_old=True)
    folder.write("mailboxes/ada@team.example/a.eml", content, is_old=True)
    report = folder.load()
    assert report.rows == 0
    assert report.rejected <= 2


def test_a8_a_mail_that_is_too_large_is_one_reject_and_its_neighbours_load(folder: Folder) -> None:
    huge = mail(2, "x" * 60 + "\nFrom x 10:00\n" + ("y" * 99 + "\n") * 90_000)
    folder.write(MBOX, mbox(mail(1), huge, mail(3)))
    report = folder.load(mail_bytes=100_000)
    assert (report.rows, report.rejected) == (2, 1)
    assert folder.rejects() == [(10, "mail_too_large")]
    assert message_ids(folder) == ["1@visitor.example", "3@visitor.example"]
    assert folder.places(TABLE)[1][1] == 10 + huge.count("\n") + 2
    assert folder.query("select pending_bytes from raw.loads") == [(0,)]
    assert folder.load().rows == 0


def test_a8_a_single_mail_that_is_too_large_is_a_reject(folder: Folder) -> None:
    folder.write("mailboxes/ada@team.example/a.eml", mail(1, "x" * 200_000))
    assert folder.load(mail_bytes=100_000).rejected == 1
    assert folder.rejects() == [(1, "mail_too_large")]
    assert folder.load(mail_bytes=100_000).rejected == 0


def test_a8_the_mails_beside_a_hostile_one_load(folder: Folder) -> None:
    hostile = [
        mail(2, "--b\n" * 100_000).replace(
            "Subject", "Content-Type: multipart/mixed; boundary=b\nTo"
        ),
        mail(3).replace("Subject: Mail 3", "References: " + "<a@b>\n " * 50_000),
        mail(4).replace("Subject", "Content-Type: message/rfc822\n\n" * 2_000 + "Subject"),
        mail(5).replace("2026", "9999"),
        mail(6).replace("Mail 6", "\x00").replace("6@", "\x00@"),
        "\x00\n" * 100,
    ]
    folder.write(MBOX, mbox(mail(1), *hostile, mail(7)))
    report = folder.load()
    assert (report.rows, report.rejected) == (7, 1)
    assert [line for line, _ in folder.rejects()] == [
        1 + sum(1 + each.count("\n") + 1 for each in [mail(1), *hostile[:-1]])
    ]


def test_a8_a_mail_that_the_reader_stumbles_over_is_a_reject(folder: Folder) -> None:
    folder.write(MBOX, mbox(mail(1), mail(2)))
    report = folder.load(mail=MailLimits(field_characters=cast("int", "a fault of ours")))
    assert (report.rows, report.rejected) == (0, 2)
    assert folder.rejects() == [(1, "unreadable_mail"), (10, "unreadable_mail")]


def test_a9_mails_in_a_maildir_are_whole(folder: Folder) -> None:
    folder.write("mailboxes/ada@team.example/new/1", mail(1).rstrip())
    folder.write("mailboxes/ada@team.example/new/2", mail(2).partition("\n\n")[0])
    assert folder.load().rows == 2


def test_a9_a_single_mail_still_being_written_waits(folder: Folder) -> None:
    parts = "--b\nContent-Type: text/plain\n\nhi\n"
    whole = mail(1, f"{parts}{parts}--b--").replace(
        "Subject", "Content-Type: multipart/mixed; boundary=b\nSubject"
    )
    file = "mailboxes/ada@team.example/a.eml"
    for length in (len("From"), whole.index("Date"), whole.index("--b--")):
        folder.write(file, whole[:length])
        assert folder.load().rows == 0
    folder.write(file, whole)
    assert folder.load().rows == 1
    assert folder.load().rows == 0


def test_a9_the_same_single_mail_again_is_none(folder: Folder) -> None:
    folder.write("mailboxes/ada@team.example/a.eml", mail(1))
    folder.write("mailboxes/ada@team.example/b.eml", mail(1))
    folder.write("mailboxes/ada@team.example/cur/c", mail(1))
    assert folder.load().rows == 1
    folder.write("mailboxes/ada@team.example/d.eml.gz", gzip.compress(mail(1).encode()))
    assert folder.load().rows == 0


@pytest.mark.parametrize("rest", ["Subject: the second paragraph\n\n", "more\n\nand more\n\n"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a9_more_of_a_mail_taken_for_whole_gives_it_once_more_as_a_whole(
    folder: Folder, rest: str, line_end: str
) -> None:
    begun = mbox(mail(1), mail(2))
    folder.write(MBOX, begun.replace("\n", line_end))
    folder.load()
    folder.append(MBOX, (rest + mbox(mail(3))).replace("\n", line_end))
    report = folder.load()
    assert (report.rows, report.rejected) == (2, 0)
    assert message_ids(folder) == [f"{n}@visitor.example" for n in (1, 2, 2, 3)]
    bodies = [payload["body_text"] for payload in folder.payloads(TABLE)]
    assert bodies[1:3] == ["Hello\n", f"Hello\n\n{rest}".rstrip() + "\n"]
    assert [line for _, line, _ in folder.places(TABLE)] == [1, 10, 10, 19 + rest.count("\n")]
    hashes = [payload["content_hash"] for payload in folder.payloads(TABLE)]
    assert [p["replaces"] for p in folder.payloads(TABLE)] == [None, None, hashes[1], None]
    assert folder.load().files == 0


@pytest.mark.parametrize("cut", range(1, 30, 3))
def test_a9_a_mail_cut_in_the_line_that_separates_it_is_not_lost(folder: Folder, cut: int) -> None:
    whole = mbox(mail(1), mail(2))
    folder.write(MBOX, whole[: whole.rindex("From someone") + cut], is_old=True)
    folder.load()
    folder.write(MBOX, whole, is_old=True)
    folder.load()
    found = {payload["message_id"]: payload for payload in folder.payloads(TABLE)}
    assert {key: each["body_text"] for key, each in found.items()} == {
        "1@visitor.example": "Hello\n",
        "2@visitor.example": "Hello\n",
    }
    assert folder.query("select line from raw.rejects where settled_at is null") == []
    assert folder.load().files == 0


def test_a9_the_last_known_mail_once_more_is_counted_like_any_other(folder: Folder) -> None:
    """Not every program writes separators that tell at once that a mail begins."""
    whole = "".join(f"From a@b.example Tue, 6 Oct 2026 10:00:00\n{mail(n)}\n" for n in (1, 1, 2))
    folder.write(MBOX, whole[: len(whole) // 3])
    assert folder.load().rows == 1
    folder.write(MBOX, whole)
    assert folder.load().rows == 2
    assert message_ids(folder) == [f"{n}@visitor.example" for n in (1, 1, 2)]
    folder.write(f"{MBOX}.gz", gzip.compress(whole.encode()))
    assert folder.load().rows == 0


def test_a9_a_mail_cut_in_its_headers_is_replaced_when_the_rest_comes(folder: Folder) -> None:
    whole = mbox(mail(1), mail(2))
    folder.write(MBOX, whole[: whole.rindex("Message-ID")], is_old=True)
    folder.write("mailboxes/ada@team.example/a.eml", mail(3)[:20], is_old=True)
    folder.load()
    folder.write(MBOX, whole)
    folder.write("mailboxes/ada@team.example/a.eml", mail(3))
    folder.load()
    payloads = folder.payloads(TABLE)
    replaced = {payload["replaces"] for payload in payloads}
    kept = [p["message_id"] for p in payloads if p["content_hash"] not in replaced]
    assert sorted(kept) == [f"{n}@visitor.example" for n in (1, 2, 3)]
    assert len(payloads) == 5


def test_a8_what_was_no_mail_yet_is_settled_when_the_rest_comes(folder: Folder) -> None:
    whole = mbox(mail(1), "X-First: 1\n" + mail(2))
    folder.write(MBOX, whole[: whole.rindex("From: ")], is_old=True)
    folder.load()
    assert folder.rejects() == [(10, "truncated")]
    folder.write(MBOX, whole)
    folder.load()
    assert message_ids(folder) == ["1@visitor.example", "2@visitor.example"]
    assert folder.query("select line from raw.rejects where settled_at is null") == []


@pytest.mark.parametrize("end", ["", "\n"])
def test_a3_a_sentence_at_the_end_or_a_long_one_begins_no_mail(folder: Folder, end: str) -> None:
    long = "From our side the call at 12:30 " + "word " * 1_000
    last = f"Hello\n\n{long}\n\nFrom Monday 09:30 we are open"
    folder.write(MBOX, mbox(mail(1, long), mail(2, last)).rstrip() + end, is_old=True)
    report = folder.load()
    assert (report.rows, report.rejected) == (2, 0)
    assert [p["body_text"].strip()[-4:] for p in folder.payloads(TABLE)] == ["word", "open"]


def test_a8_more_of_a_mail_that_is_too_large_is_said_once_and_costs_no_other(
    folder: Folder,
) -> None:
    long = ("x" * 99 + "\n") * 60_000 + "\n\n"
    folder.write(MBOX, mbox(mail(1)))
    folder.load(mail_bytes=1_000)
    folder.append(MBOX, long)
    folder.load(mail_bytes=1_000)
    assert folder.rejects() == [(1, "mail_too_large")]
    folder.append(MBOX, long + mbox(mail(2)))
    folder.load(mail_bytes=1_000)
    assert message_ids(folder) == ["1@visitor.example", "2@visitor.example"]
    assert (len(folder.rejects()), folder.load().files) == (1, 0)


def test_a9_a_mail_that_was_given_up_on_is_taken_as_it_is(folder: Folder) -> None:
    folder.write(MBOX, mbox(mail(1), mail(2)).rstrip(), is_old=True)
    assert folder.load().rows == 2
    folder.append(MBOX, "\n\n" + mbox(mail(3)))
    report = folder.load()
    assert (report.rows, report.rejected) == (1, 0)


MAILS = mbox(*(mail(n, f"Hello {n}\n\n>From me\nFrom you\n\nBye") for n in range(6))).encode()


@settings(max_examples=10, deadline=None)
@given(
    cuts=st.lists(st.tuples(st.integers(0, len(MAILS)), st.booleans()), max_size=3),
    line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
)
@example(cuts=[(MAILS.index(b"\n\n>From") + 2, False)], line_end=b"\n")
def test_a9_a_mailbox_that_grows_gives_each_mail_whole(
    cuts: list[tuple[int, bool]], line_end: bytes
) -> None:
    """Also where it settles between: what was cut off is taken as it is, and replaced later."""
    whole = MAILS.replace(b"\n", line_end)
    with tempfile.TemporaryDirectory() as directory:
        landing = Path(directory) / "landing"
        landing.mkdir()
        grown = Folder(landing, Warehouse(Path(directory) / "warehouse.duckdb"))
        for cut, is_old in [*sorted(cuts), (len(whole), True)]:
            grown.write(MBOX, whole[:cut], is_old=is_old)
            grown.load()
        at_once = Folder(landing, Warehouse(Path(directory) / "at_once.duckdb"))
        at_once.load()
        assert _not_replaced(grown) == _not_replaced(at_once)
        assert len(_not_replaced(at_once)) == 6
        assert set(at_once.places(TABLE)) <= set(grown.places(TABLE))
        assert grown.query("select line from raw.rejects where settled_at is null") == []


def _not_replaced(folder: Folder) -> dict[str, tuple[str, str]]:
    payloads = folder.payloads(TABLE)
    replaced = {payload["replaces"] for payload in payloads}
    return {
        each["content_hash"]: (each["message_id"], each["body_text"])
        for each in payloads
        if each["content_hash"] not in replaced
    }
