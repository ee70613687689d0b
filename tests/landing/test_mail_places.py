"""A3: which files are mail, of which mailbox and folder, and which of them was never sent."""

from pathlib import Path, PurePosixPath

import pytest

from orchestration.landing.discovery import is_hidden
from orchestration.landing.mail_places import MailPlace, claims
from orchestration.landing.place import Folder as LandingFolder
from tests.landing.folder import Folder
from tests.landing.test_mailboxes import TABLE, mail, mbox

ADA = "mailboxes/ada@team.example"

#: Path below Ada's mailbox, and the folders that it stands for.
FOLDERS = {
    "1.eml": (),
    "Drafts/1.eml.gz": ("Drafts",),
    "2026/Sent/1.EML": ("2026", "Sent"),
    "Sent.mbox": ("Sent",),
    "Archive/Spam.MBOX.gz": ("Archive", "Spam"),
    "Sent Messages.mbox/mbox": ("Sent Messages",),
    "new/Sent.mbox": ("new", "Sent"),
    "cur/1790000000.M1P2.host:2,S": (),
    "new/1790000000.M1P2.host": (),
    ".Sent/cur/1": ("Sent",),
    "Maildir/.Clients.Sent/cur/1": ("Maildir", "Clients", "Sent"),
    ".INBOX.Entw&APw-rfe/new/1": ("INBOX", "Entwürfe"),
    "Entwu\u0308rfe.mbox": ("Entwürfe",),
    ".R&D/cur/1": ("R&D",),
    ".R&-D/cur/1": ("R&D",),
    ".&2AA-&AAA-/cur/1": ("?",),
    "Sent/cur/1": ("Sent",),
    "tmp/1.eml": ("tmp",),
}


@pytest.mark.parametrize("path", FOLDERS)
def test_a3_a_mail_knows_its_mailbox_and_its_folders(path: str) -> None:
    file = f"{ADA}/{path}"
    assert claims(Path(file))
    assert not is_hidden(PurePosixPath(file))
    place = MailPlace.of(file)
    assert (place.mailbox, place.folders) == ("ada@team.example", FOLDERS[path])
    assert place.is_mbox == ("mbox" in path.lower())
    assert place.is_in_maildir == (
        ("cur/" in path or "new/" in path) and not place.is_mbox and "eml" not in path
    )


@pytest.mark.parametrize(
    "file", ["mailboxes/1.eml", "mailboxes/ada/1.eml", f"{ADA}/a.txt", f"{ADA}/mbox", "x.mbox"]
)
def test_a3_what_is_no_mail_by_its_place_is_not_claimed(file: str) -> None:
    assert not claims(Path(file))


def test_a3_a_maildir_gives_its_folders_and_keeps_its_servers_business(folder: Folder) -> None:
    for number, name in enumerate(("cur/1:2,S", ".Sent/cur/2:2,S", ".Drafts/cur/3:2,DS", "new/4")):
        folder.write(f"{ADA}/{name}", mail(number))
    for name in ("tmp/5", ".Sent/tmp/6", ".Sent/maildirfolder", ".notes/7.eml", "cur/.8", ".9.eml"):
        folder.write(f"{ADA}/{name}", mail(9))
    report = folder.load()
    assert (report.rows, report.rejected) == (4, 0)
    found = {
        payload["message_id"][0]: (payload["labels"], payload["is_draft"])
        for payload in folder.payloads(TABLE)
    }
    assert found == {
        "0": ([], False),
        "1": (["Sent"], False),
        "2": (["Drafts"], True),
        "3": ([], False),
    }
    assert len(list(LandingFolder(folder.path).files())) == 4


def test_a3_the_same_mail_in_another_folder_is_another_fact(folder: Folder) -> None:
    """Which of the copies comes first must not decide whether it was sent, or is spam."""
    places = ("Inbox/1.eml", "Spam/1.eml", "Spam/2.eml", "cur/1:2,S", "cur/2:2,DS", ".Sent/cur/3")
    for name in places:
        folder.write(f"{ADA}/{name}", mail(1))
        folder.load()
    found = [(payload["labels"], payload["is_draft"]) for payload in folder.payloads(TABLE)]
    assert found == [
        (["Inbox"], False),
        (["Spam"], False),
        ([], False),
        ([], True),
        (["Sent"], False),
    ]
    assert folder.load().files == 0


def test_a3_labels_and_folders_stand_side_by_side(folder: Folder) -> None:
    labelled = mail(1).replace("Subject", "X-Gmail-Labels: =?utf-8?q?Entw=C3=BCrfe?=,Ge&auml;\nTo")
    folder.write(f"{ADA}/All mail.mbox", mbox(labelled))
    folder.write(f"{ADA}/Saved/2.eml", mail(2).replace("Subject", "X-Unsent: 1\nSubject"))
    folder.load()
    found = [(payload["labels"], payload["is_draft"]) for payload in folder.payloads(TABLE)]
    assert found == [(["Entwürfe", "Ge&auml;", "All mail"], False), (["Saved"], True)]
