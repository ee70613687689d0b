"""Bytes of a mail into text that a database can hold, whatever charset they claim to be in."""

import binascii
import codecs
import html
import re
from collections.abc import Iterator

#: Python codecs that are no charsets of mail: slow on hostile input, or made for source code.
_NO_CHARSETS = {"idna", "punycode", "raw_unicode_escape", "unicode_escape", "undefined"}
_MOST_MISFITS = 0.05
_ENCODED_WORD = re.compile(r"=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bBqQ])\?([^?]*)\?=")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
#: Possessive: a name that has no end must not be tried at each of its lengths.
_TAG = re.compile(r"<(/?)([a-zA-Z]\w*+)[^<>]*+>|<!(?:--)?[^<>]*>?")
#: Python refuses to read such numbers; no character has one.
_ENDLESS_NUMBER = re.compile(r"&(?=#[0-9]{100})")
_UNSEEN = {"head", "script", "style", "title"}
_NEW_LINE = {"blockquote", "br", "div", "h1", "h2", "h3", "li", "p", "table", "tr"}


def legible(data: bytes) -> str:
    """Return bytes of no known charset as text: UTF-8 if they are that, else Latin-1."""
    try:
        return data.decode().replace("\x00", "")
    except UnicodeDecodeError:
        return data.decode("latin-1").replace("\x00", "")


def decoded(data: bytes, charset: str | None) -> str:
    """Return bytes as text in the charset that they claim to be in, or else as they are legible.

    The end may be cut off within a character.
    """
    try:
        codec = codecs.lookup(charset or "utf-8")
        if codec.name.replace("-", "_") in _NO_CHARSETS or not codec.incrementaldecoder:
            return legible(data)
        # A lookup finds zlib, base64 and the like too, which turn bytes into bytes, many from few;
        # only what asks for text refuses them. Nothing is decoded here but a space.
        b" ".decode(codec.name, "replace")
        text = codec.incrementaldecoder("strict").decode(data)
    except UnicodeDecodeError:
        text = _nearly(data, codec.name)
    except (LookupError, UnicodeError, ValueError, TypeError):
        return legible(data)
    # Charsets such as UTF-7 may leave what a database cannot hold.
    return text.encode("utf-8", "replace").decode().replace("\x00", "")


def _nearly(data: bytes, charset: str) -> str:
    """Return bytes of which some do not fit their charset; if many do not, it is another one."""
    text = data.decode(charset, "replace")
    is_wrong = text.count("\ufffd") > len(text) * _MOST_MISFITS
    return legible(data) if is_wrong or charset in {"ascii", "utf-8"} else text


def words_decoded(text: str) -> str:
    """Decode the RFC 2047 words in a header; one character may be spread over two of them."""
    if "=?" not in text:
        return text
    return "".join(_runs(text))


def _runs(text: str) -> Iterator[str]:
    run, run_charset, end = b"", "", 0
    for word in _ENCODED_WORD.finditer(text):
        charset, encoding, content = word[1].lower(), word[2].lower(), word[3]
        between = text[end : word.start()]
        if between.strip() or not end or charset != run_charset:
            yield decoded(run, run_charset)
            # White space between two encoded words only separates them.
            yield between if between.strip() or not end else ""
            run = b""
        data = content.encode("ascii", "ignore")
        run += from_base64(data) if encoding == "b" else binascii.a2b_qp(data, header=True)
        run_charset, end = charset, word.end()
    yield decoded(run, run_charset)
    yield text[end:]


def from_base64(data: bytes) -> bytes:
    """Return what base64 stands for, leaving out what is none and what is cut off at the end."""
    # Padding is where a text ends; some senders go on behind it with another.
    return b"".join(map(_from_base64, data.split(b"=")))


def _from_base64(data: bytes) -> bytes:
    digits = _NOT_BASE64.sub(b"", data)
    whole = len(digits) - (len(digits) % 4 == 1)
    return binascii.a2b_base64(digits[:whole] + b"=" * (-whole % 4))


def without_tags(text: str) -> str:
    """Return roughly what a reader sees of HTML, line by line."""
    seen: list[str] = []
    end = 0
    hidden_in = ""
    for tag in _TAG.finditer(text):
        name = (tag[2] or "").lower()
        if not hidden_in:
            seen.append(" ".join(text[end : tag.start()].split()))
            seen.append("\n" if name in _NEW_LINE else " ")
            hidden_in = name if name in _UNSEEN and not tag[1] else ""
        elif name == hidden_in and tag[1]:
            hidden_in = ""
        end = tag.end()
    if not hidden_in:
        seen.append(text[end:])
    readable = html.unescape(_ENDLESS_NUMBER.sub("&amp;", "".join(seen)))
    lines = (" ".join(line.split()) for line in readable.split("\n"))
    return "\n".join(line for line in lines if line)
