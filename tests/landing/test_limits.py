"""Limits are settings: each can be set by its name, and a wrong one is refused with a remedy."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from orchestration.landing.limits import Limits, LimitsError
from orchestration.landing.mail_limits import MailLimits
from orchestration.settings import Settings, SettingsError
from tests.landing.folder import Folder

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
MEBIBYTE = 1 << 20


def defaults() -> dict[str, float]:
    """Return every limit's default by the name that it is set by."""
    limits = Limits()
    own = {each.name: getattr(limits, each.name) for each in fields(Limits) if each.name != "mail"}
    return own | {f"mail.{each.name}": each.default for each in fields(MailLimits)}


def test_every_limit_can_be_set_by_its_name() -> None:
    assert set(Limits.names()) == set(defaults())
    for name, default in defaults().items():
        found = Limits.of({name: default + 1})
        place = found.mail if name.startswith("mail.") else found
        assert getattr(place, name.removeprefix("mail.")) == default + 1
        assert Limits.of({name: default}) == Limits()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("5000", 5000),
        ("5_000", 5000),
        (5000, 5000),
        ("64 MiB", 64 * MEBIBYTE),
        ("64MiB", 64 * MEBIBYTE),
        ("1.5 gib", 1536 * MEBIBYTE),
        (" 2KiB ", 2048),
    ],
)
def test_a_size_may_have_a_unit(text: object, number: int) -> None:
    assert Limits.of({"document_bytes": text}).document_bytes == number


@pytest.mark.parametrize("value", ["", "0", "-1", "1.5", "64 MB", "1e6", "nan", True, None, [1]])
def test_a_value_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(LimitsError, match=r"limit frame_rows=.* is none\. Give a whole number of"):
        Limits.of({"frame_rows": value})


def test_waiting_may_be_short_or_nothing() -> None:
    assert Limits.of({"settle_seconds": "0.5"}).settle_seconds == 0.5
    assert Limits.of({"settle_seconds": 0, "reject_characters": 0}).reject_characters == 0


@pytest.mark.parametrize("name", ["document_byte", "mail.part", "mail", "mail.mail.parts", ""])
def test_an_unknown_limit_is_refused_and_a_known_one_named(name: str) -> None:
    with pytest.raises(LimitsError, match=r"There is no limit .*\. Try .*(bytes|parts)"):
        Limits.of({name: 1})


def limits(text: str) -> Limits:
    """Return the limits that a variable sets."""
    return Settings.from_environment({"TOUCHLINE_LIMITS": text}).limits


def test_limits_are_set_by_pairs_or_by_a_file(tmp_path: Path) -> None:
    wanted = Limits.of({"document_bytes": 32 * MEBIBYTE, "mail.parts": 50})
    assert limits("document_bytes=32 MiB, mail.parts=50,") == wanted
    file = tmp_path / "limits.toml"
    file.write_text('document_bytes = "32 MiB"\n[mail]\nparts = 50\n', encoding="utf-8")
    assert limits(str(file)) == wanted
    assert limits("") == Limits()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("document_bytes=much", r"TOUCHLINE_LIMITS: The limit document_bytes='much' is none"),
        ("documents=1", r"TOUCHLINE_LIMITS: There is no limit 'documents'"),
        ("nowhere.toml", r"TOUCHLINE_LIMITS='nowhere.toml' is neither .* No such file"),
        ("document_bytes", r"TOUCHLINE_LIMITS='document_bytes' is neither pairs such as"),
    ],
)
def test_a_wrong_setting_says_how_to_mend_it(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        limits(text)


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "limits.toml"
    for content in (b"document_bytes: 3", b"\xff\xfe"):
        file.write_bytes(content)
        with pytest.raises(SettingsError, match="nor a TOML file that can be read"):
            limits(str(file))


def test_a_limit_of_a_mail_reaches_the_mail(folder: Folder) -> None:
    mail = "From: a@visitor.example\nSubject: " + "x" * 100 + "\n\nhello, this is long\n"
    folder.write("mailboxes/ann@team.example/1.eml", mail)
    folder.load(mail=Limits.of({"mail.body_characters": 5}).mail)
    [payload] = folder.payloads("raw.mailbox_messages")
    assert payload["body_text"] == "hello"


def shown(name: str, default: float) -> str:
    """Return a default as the manual writes it."""
    for unit, size in (("GiB", 1 << 30), ("MiB", MEBIBYTE), ("KiB", 1 << 10)):
        if "bytes" in name and default % size == 0:
            return f"{default / size:,.0f} {unit}"
    return f"{default:,.0f}"


def test_the_manual_lists_every_limit_with_its_default() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| ([0-9][^|]*) \|", PAGE.read_text("utf-8"), re.M)
    listed = {name: default.strip() for name, default in rows if name in defaults()}
    assert listed == {name: shown(name, default) for name, default in defaults().items()}


@pytest.mark.parametrize("share", ["-0.1", "1.1", "nan", "half"])
def test_a_share_of_rejects_that_is_none_is_refused(share: str) -> None:
    with pytest.raises(SettingsError, match=r"TOUCHLINE_REJECT_SHARE=.* from 0 to 1"):
        Settings.from_environment({"TOUCHLINE_REJECT_SHARE": share})


@pytest.mark.parametrize("count", ["-1", "1.5", "ten"])
def test_a_minimum_of_rejects_that_is_none_is_refused(count: str) -> None:
    with pytest.raises(SettingsError, match=r"TOUCHLINE_REJECT_MINIMUM=.* whole number"):
        Settings.from_environment({"TOUCHLINE_REJECT_MINIMUM": count})
