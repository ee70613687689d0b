"""E6: what a sender wrote themselves, without quotations and signature, in many clients' shapes."""

import time

import pytest

from orchestration.landing.mail import parse_mail
from orchestration.landing.mail_quotes import own_words

OWN = "Please take me off this list."
QUOTED = "> Hello Kai,\n> shall I unsubscribe you?\n> Ada\n"

INTRODUCTIONS = {
    "gmail": "On Tue, Oct 6, 2026 at 9:30 AM Ada Low <ada@team.example> wrote:",
    "gmail, wrapped": "On Tue, Oct 6, 2026 at 9:30 AM Ada Low <\nada@team.example> wrote:",
    "no date": "Ada Low <ada@team.example> wrote:",
    "german": "Am 06.10.2026 um 09:30 schrieb Ada Low:",
    "german, by web": "ada@team.example schrieb am 06.10.2026 09:30 (GMT +02:00):",
    "french": "Le mar. 6 oct. 2026 à 09:30, Ada Low <ada@team.example> a écrit\xa0:",
    "spanish": "El mar, 6 oct 2026 a las 9:30, Ada Low (<ada@team.example>) escribió:",
    "italian": "Il giorno mar 6 ott 2026 alle ore 09:30 Ada Low <ada@team.example> ha scritto:",
    "portuguese": "Em ter., 6 de out. de 2026 às 09:30, Ada Low <ada@team.example> escreveu:",
    "dutch": "Op di 6 okt 2026 om 09:30 schreef Ada Low <ada@team.example>:",
    "swedish": "Den tis 6 okt. 2026 kl 09:30 skrev Ada Low <ada@team.example>:",
    "danish": "tir. 6. okt. 2026 kl. 09.30 skrev Ada Low <ada@team.example>:",
    "finnish": "ti 6. lokak. 2026 klo 9.30 Ada Low (ada@team.example) kirjoitti:",
    "polish": "wt., 6 paź 2026 o 09:30 Ada Low <ada@team.example> napisał(a):",
    "czech": "út 6. 10. 2026 v 9:30 odesílatel Ada Low <ada@team.example> napsal:",
    "russian": "вт, 6 окт. 2026\xa0\u0433. в 09:30, Ada Low <ada@team.example>:",
    "turkish": "Ada Low <ada@team.example>, 6 Eki 2026 Sal, 09:30 tarihinde şunu yazd\u0131:",
    "japanese": "2026年10月6日(火) 9:30 Ada Low <ada@team.example>:",
    "chinese": "Ada Low <ada@team.example> 于2026年10月6日周二 09:30写道\uff1a",
    "korean": "2026년 10월 6일 (화) 오전 9:30, Ada Low <ada@team.example>님이 작성:",
}

#: How clients begin a mail that they quote without marks.
BEGINNINGS = {
    "outlook": "From: Ada Low <ada@team.example>\nSent: October 6, 2026\nTo: Kai\nSubject: Hi",
    "outlook, older": "-----Original Message-----\nFrom: Ada\nSubject: Hi",
    "outlook, ruled": "________________________________\nFrom: Ada\nSent: today\nSubject: Hi",
    "german": "Von: Ada Low\nGesendet: Dienstag, 6. Oktober 2026\nAn: Kai\nBetreff: Hi",
    "french": "De\xa0: Ada Low\nEnvoyé\xa0: mardi 6 octobre 2026\nÀ\xa0: Kai\nObjet\xa0: Hi",
    "italian": "Da: Ada Low\nInviato: martedì 6 ottobre 2026\nA: Kai\nOggetto: Hi",
    "italian, older": "-----Messaggio originale-----\nDa: Ada",
    "polish": "Od: Ada Low\nWysłano: wtorek, 6 października 2026\nDo: Kai\nTemat: Hi",
    "danish": "Fra: Ada Low\nSendt: 6. oktober 2026\nTil: Kai\nEmne: Hi",
    "turkish": "Kimden: Ada Low\nGönderildi: Pazartesi\nKime: Kai\nKonu: Hi",
    "japanese": "差出人: Ada\n送信日時: 2026年10月6日\n宛先: Kai\n件名: Hi",
    "chinese": "发件人\uff1a Ada\n发送时间\uff1a 2026年10月6日\n收件人\uff1a Kai\n主题\uff1a Hi",
    "forwarded": "---------- Forwarded message ---------\nFrom: Ada\nSubject: Hi",
}


@pytest.mark.parametrize("introduction", INTRODUCTIONS.values(), ids=INTRODUCTIONS)
def test_e6_an_introduction_begins_a_quotation(introduction: str) -> None:
    assert own_words(f"{OWN}\n\n{introduction}\n\n{QUOTED}") == OWN


@pytest.mark.parametrize("introduction", INTRODUCTIONS.values(), ids=INTRODUCTIONS)
def test_e6_an_answer_below_the_quotation_counts(introduction: str) -> None:
    assert own_words(f"{introduction}\n{QUOTED}\n{OWN}\n") == OWN


@pytest.mark.parametrize("beginning", BEGINNINGS.values(), ids=BEGINNINGS)
def test_e6_a_quoted_mail_without_marks_goes_to_the_end(beginning: str) -> None:
    assert own_words(f"{OWN}\n\n{beginning}\n\nShall I unsubscribe you?\nAda") == OWN


def test_e6_answers_between_quotations_count_and_quotations_of_one_line_do_not() -> None:
    text = f"{QUOTED}Yes.\n\n> A second one?\nNo.\n>> deep\n> less deep\nThat is all."
    assert own_words(text) == "Yes.\n\nNo.\nThat is all."


def test_e6_an_introduction_in_own_words_counts_before_marks_only() -> None:
    introduction = "In your mail of 3 May you wrote:"
    assert own_words(f"{OWN}\n{introduction}\n\n{QUOTED}") == OWN


def test_e6_a_clients_introduction_without_marks_goes_to_the_end() -> None:
    introduction = "Am 06.10.2026 um 09:30 schrieb Ada Low:"
    assert own_words(f"{OWN}\n\n{introduction}\nShall I unsubscribe you?\nAda") == OWN


def test_e6_a_signature_is_nobodys_wish() -> None:
    assert own_words("Thursday, then.\n\n-- \nKai\nUnsubscribe me: https://visitor.example") == (
        "Thursday, then."
    )


@pytest.mark.parametrize(
    "text",
    [
        "My boss wrote: no.\nSo, no.",
        "Two points:\n- time: none\n- money: none\nSorry.",
        "Tel: +49 30 1\nFax: +49 30 2",
        "From my side: fine.\nSee you.",
        "In your mail of 3 May you wrote:\nwe can do 20k.\nPlease remove me from your list.",
        "Ihr habt am 3. Mai geschrieben:\nwir rufen nicht mehr an.\nBitte keine Mails mehr.",
        "On Monday my boss wrote:\nno.\nSo, no.",
        "Am 3. Mai schrieb Ada:\nwir rufen nicht mehr an.\nBitte keine Mails mehr.",
    ],
)
def test_e6_what_only_looks_like_a_quotation_stays(text: str) -> None:
    assert own_words(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "From: a\n" * 5_000,
        "De:\n" * 5_000,
        "\n" * 50_000,
        ">\n\n" * 9_000,
        "2026 9:30<" + "a@" * 9_000,
        "1 wrote " * 9_000 + ":",
        "1 wrote:\n> a\nb\n" * 3_000,
        "--- a" * 9_000,
        "On " * 20_000,
    ],
)
def test_a8_no_text_takes_long(text: str) -> None:
    start = time.process_time()
    own_words(text)
    assert time.process_time() - start < 1


def test_e6_a_mail_keeps_its_senders_own_words_but_not_those_of_the_mailbox_itself() -> None:
    body = f"{OWN}\n\n{INTRODUCTIONS['gmail']}\n{QUOTED}"
    headers = "Subject: Re: Hi\n\n"
    theirs = parse_mail(f"From: kai@visitor.example\n{headers}{body}".encode(), "ada@team.example")
    ours = parse_mail(f"From: Ada@team.example\n{headers}{body}".encode(), "ada@team.example")
    assert (theirs["own_text"], theirs["body_text"]) == (OWN, body)
    assert (ours["own_text"], ours["body_text"]) == (None, body)


def test_e6_html_is_read_as_it_shows() -> None:
    mail = parse_mail(
        b"From: kai@visitor.example\nContent-Type: text/html\n\n"
        b"<div>Please take me off this list.</div><div><b>From:</b> Ada<br><b>Sent:</b> today<br>"
        b"<b>Subject:</b> Hi</div><p>Shall I unsubscribe you?</p>\n",
        "ada@team.example",
    )
    assert mail["own_text"] == OWN
