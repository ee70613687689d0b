"""What the sender of a mail wrote themselves: its text without quotations and signature (E6).

`quotequail` tells where a quotation begins and ends. It looks for introductions in ten languages;
those of more are put into words that it knows. It tries every pattern on every line, and reads on
from each that looks like a header: it is given the beginning of a text, and as much of each
quotation as it takes for one.
"""

import re

import quotequail

#: Who has more to say than this before the first quotation does not ask to be left alone.
_MOST_CHARACTERS, _MOST_LINES = 16_000, 200
#: As many lines in a row as the library takes for a quotation without an introduction.
_QUOTED_LINES = 3

#: Somebody wrote what is quoted: "Il giorno … Ada ha scritto:".
_WROTE = re.compile(
    r"(?!>).*?(?:"
    r"\b(?:wrote|schrieb|a écrit|ha scritto|escribió|escreveu|schreef|geschreven|skrev|kirjoitti"
    r"|napisał(?:a|\(a\))?|napsal(?:a|\(a\))?|написал\w?(?:\(\w\))?|пишет|yazd\w)"
    r"|写道|寫道|書きました|書いた|님이 작성).{0,200}[:\uff1a]",
    re.IGNORECASE,
)
#: Others name the time and the sender only: "2026年10月6日(火) 9:30 Ada <ada@team.example>:".
_DATED_SENDER = re.compile(r"(?!>)(?=.*\d:\d\d).*<\s?[^\s<>@]+@[^\s<>@]+\s?>\s?[:\uff1a]")
#: Clients tell when or from which address; before lines without marks, nothing less than a time of
#: day: people introduce some lines themselves, too, "In your mail of 3 May you wrote:".
_BEFORE_MARKS, _BEFORE_A_TEXT = re.compile(r"[@\d]"), re.compile(r"@|\d:\d\d")
_LONGEST_INTRODUCTION = 300
#: "-----Messaggio originale-----", whatever the words are.
_SEPARATOR = re.compile(r"-{3,} ?(?!BEGIN PGP SIGNED)[^\W\d_][^\n-]{2,60}?-{3,}")
_FIELD = re.compile(r"\*?([^\W\d_][^\n:\uff1a*]{0,30}?)\s?(?:\*?[:\uff1a]\*?)\s*(.*)")
#: How the fields of a quoted mail are called that begin it, in languages that it does not know.
_FIELDS = {
    **dict.fromkeys(
        ("da", "od", "fra", "från", "lähettäjä", "kimden", "gönderen", "差出人", "送信者"), "From"
    ),
    **dict.fromkeys(("发件人", "寄件者", "보낸 사람", "de", "expéditeur", "mittente"), "From"),
    **dict.fromkeys(
        ("inviato", "envoyé", "enviado", "enviada em", "wysłano", "wysłane", "odesláno", "sendt"),
        "Sent",
    ),
    **dict.fromkeys(
        ("skickat", "lähetetty", "tarih", "gönderildi", "data", "送信日時", "日時"), "Sent"
    ),
    **dict.fromkeys(("发送时间", "日期", "寄件日期", "보낸 날짜", "отправлено"), "Sent"),
    **dict.fromkeys(
        (
            "objet",
            "oggetto",
            "assunto",
            "temat",
            "předmět",
            "emne",
            "aihe",
            "konu",
            "件名",
            "主题",
            "主旨",
        ),
        "Subject",
    ),
}
#: Without such a line, nothing is quoted: an introduction, a mark, two fields of a mail's header.
_MAY_QUOTE = re.compile(
    r"^(?:>|-{3}|_{20}|.*:$|.*<.*@.*>$|\*?[-\w ]+:.*\n(?:.*\n)??\*?[-\w ]+:)", re.MULTILINE
)
#: The library takes a line that begins so for none that it knows.
_NO_INTRODUCTION = "\N{ZERO WIDTH SPACE}"
_INTRODUCTION, _ORIGINAL = "On a day, somebody wrote:", "-----Original Message-----"


def own_words(text: str) -> str:
    """Return what the sender of a text added to what they quote, line by line.

    Answers below and between quotations count; a signature behind the usual mark (`-- `) and what
    is forwarded do not.
    """
    rest: str | None = "\n".join(_translated(text[:_MOST_CHARACTERS].split("\n")[:_MOST_LINES]))
    own: list[str] = []
    while rest:
        parts = quotequail.unwrap(rest) if _MAY_QUOTE.search(rest) else None
        own += _unsigned((rest if parts is None else parts.get("text_top", "")).split("\n"))
        rest = None if parts is None else parts.get("text_bottom")
    told = (line.removeprefix(_NO_INTRODUCTION) for line in own if not line.startswith(">"))
    return "\n".join(told).strip()


def _translated(lines: list[str]) -> list[str]:
    """Return the lines with quotations as the library knows them, and no longer than need be."""
    found: list[str] = []
    quoted = 0
    lines = [line.strip() for line in lines]
    for line, is_before_marks in zip(lines, _before_marks(lines), strict=True):
        quoted = quoted + 1 if line.startswith(">") else 0
        if quoted:
            found += [">"] * (quoted <= _QUOTED_LINES)
        elif not line.endswith((":", "\uff1a")):
            found.append(_known(line))
        elif _introduces(line, is_before_marks):
            if found and found[-1].endswith("<"):
                found.pop()  # its first half: the address went onto a line of its own
            found.append(_INTRODUCTION)
        elif found and _introduces(f"{found[-1]} {line}", is_before_marks):
            found[-1] = _INTRODUCTION
        elif _WROTE.fullmatch(line[:_LONGEST_INTRODUCTION]) and not is_before_marks:
            found.append(_NO_INTRODUCTION + line)
        else:
            found.append(_known(line))
    return found


def _before_marks(lines: list[str]) -> list[bool]:
    """Return of each line whether the next one with a text is marked as quoted."""
    before: list[bool] = []
    is_marked = False
    for line in reversed(lines):
        before.append(is_marked)
        is_marked = line.startswith(">") if line else is_marked
    return before[::-1]


def _introduces(line: str, is_before_marks: bool) -> bool:
    if len(line) > _LONGEST_INTRODUCTION:
        return False
    if _WROTE.fullmatch(line):
        return bool((_BEFORE_MARKS if is_before_marks else _BEFORE_A_TEXT).search(line))
    return bool(_DATED_SENDER.fullmatch(line))


def _known(line: str) -> str:
    if line.startswith("---"):
        return _ORIGINAL if _SEPARATOR.fullmatch(line) else line
    field = _FIELD.match(line)
    name = _FIELDS.get(field[1].lower()) if field else None
    return f"{name}: {field[2]}" if field and name else line


def _unsigned(lines: list[str]) -> list[str]:
    """Return the lines before the mark of a signature."""
    return lines[: next((at for at, line in enumerate(lines) if line.strip() == "--"), None)]
