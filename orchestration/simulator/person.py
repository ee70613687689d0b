"""Who a sequence writes to, and the traits that decide how the story goes."""

import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from random import Random

from orchestration.simulator.names import (
    COMPANY_HEADS,
    COMPANY_TAILS,
    FIRST_NAMES,
    LAST_NAMES,
    TITLES,
)


class Reader(StrEnum):
    """The way a person reads mail, which decides what an open leaves behind."""

    APPLE = "apple"
    GMAIL = "gmail"
    YAHOO = "yahoo"
    DESKTOP = "desktop"
    IMAGES_OFF = "images_off"


class Gateway(StrEnum):
    """The scanner in front of a company's mail, named after how it gives itself away.

    Those after BURST are met with other habits than the typical ones only.
    """

    NONE = "none"
    AGENT = "agent"
    FAST = "fast"
    BURST = "burst"
    PATIENT = "patient"
    SHARED = "shared"
    SINGLE = "single"
    HONEYPOT = "honeypot"
    UNSUBSCRIBE = "unsubscribe"
    QUICK = "quick"
    CLOUD = "cloud"


class Fate(StrEnum):
    """What becomes of one enrollment."""

    SILENT = "silent"
    QUEUED = "queued"
    REPLIES = "replies"
    CONVERSES = "converses"
    REPLIES_BARE = "replies_bare"
    REPLIES_IN_GMAIL_THREAD = "replies_in_gmail_thread"
    REPLIES_FROM_ELSEWHERE = "replies_from_elsewhere"
    WRITES_APART = "writes_apart"
    WRITES_AFTER_END = "writes_after_end"
    PLATFORM_REPLIED = "platform_replied"
    AWAY = "away"
    AWAY_BY_SUBJECT = "away_by_subject"
    AWAY_AT_END = "away_at_end"
    AWAY_THEN_REPLIES = "away_then_replies"
    HARD_BOUNCE = "hard_bounce"
    HARD_BOUNCE_UNSEEN = "hard_bounce_unseen"
    BOUNCE_BY_MAIL = "bounce_by_mail"
    DROPPED = "dropped"
    SOFT_BOUNCE_STOPS = "soft_bounce_stops"
    BLOCK_STOPS = "block_stops"
    SOFT_BOUNCE_PASSES = "soft_bounce_passes"
    DELAY_REPORT = "delay_report"
    UNSUBSCRIBES = "unsubscribes"
    UNSUBSCRIBES_UNSEEN = "unsubscribes_unseen"
    OPTED_OUT_BY_FLAG = "opted_out_by_flag"
    SCANNER_UNSUBSCRIBES = "scanner_unsubscribes"
    RESUBSCRIBES = "resubscribes"
    COMPLAINS = "complains"
    CANCELED = "canceled"
    CANCELED_THEN_REPLIES = "canceled_then_replies"
    COMPLETES_THEN_REPLIES = "completes_then_replies"
    REPLIES_TOO_LATE = "replies_too_late"
    EXCLUDED = "excluded"
    EXCLUDED_AT_ONCE = "excluded_at_once"
    BLOCKED = "blocked"
    PAUSED = "paused"
    PAUSED_AND_RESUMED = "paused_and_resumed"


class CrmCase(StrEnum):
    """How the CRM knows a person."""

    CONTACT_BY_ID = "contact_by_id"
    CONTACT_BY_EMAIL = "contact_by_email"
    LEAD_BY_ID = "lead_by_id"
    LEAD_BY_EMAIL = "lead_by_email"
    TYPED_OTHERWISE = "typed_otherwise"
    TWO_CONTACTS = "two_contacts"
    TWO_CONTACTS_OLDER_BY_ID = "two_contacts_older_by_id"
    CONTACT_AND_NEWER_LEAD = "contact_and_newer_lead"
    NEWER_CONTACT_AND_LEAD = "newer_contact_and_lead"
    CONVERTED_BY_ID = "converted_by_id"
    CONVERTED_BY_EMAIL = "converted_by_email"
    CONVERTED_OTHER_EMAIL = "converted_other_email"
    MERGED = "merged"
    DELETED_BY_ID = "deleted_by_id"
    DELETED_BY_EMAIL = "deleted_by_email"
    NO_EMAIL = "no_email"
    ABSENT = "absent"
    TWO_ADDRESSES = "two_addresses"
    LEAD_AND_CONTACT = "lead_and_contact"


@dataclass(frozen=True, slots=True)
class Role:
    """What the cast (or chance) lays down about one person; the rest is left to chance.

    `days_early` moves the first enrollment before the first week (for replies that come too late).
    """

    fates: tuple[Fate, ...]
    crm: CrmCase
    reader: Reader
    gateway: Gateway = Gateway.NONE
    sequence: str | None = None
    opted_out_in_crm: bool = False
    has_tracking_opt_out: bool = False
    is_filled_by_hand: bool = False
    is_keen: bool = False
    is_extra_noisy: bool = False
    is_cast: bool = False
    days_early: int = 0


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody that a sequence writes to.

    `email` is in lower case, `typed_email` as somebody typed it.
    """

    index: int
    first: str
    last: str
    company: str
    domain: str
    title: str
    email: str
    typed_email: str
    second_email: str
    role: Role

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


_PROVIDERS = {
    Reader.APPLE: "orchardmail.example",
    Reader.GMAIL: "gmailish.example",
    Reader.YAHOO: "yahooish.example",
    Reader.DESKTOP: "outlookish.example",
    Reader.IMAGES_OFF: "postbox.example",
}
_GUARDED = {
    Gateway.AGENT: "corp",
    Gateway.FAST: "mail",
    Gateway.BURST: "hq",
    Gateway.PATIENT: "post",
    Gateway.SHARED: "group",
    Gateway.SINGLE: "office",
    Gateway.HONEYPOT: "in",
    Gateway.UNSUBSCRIBE: "team",
    Gateway.QUICK: "mx",
    Gateway.CLOUD: "cloud",
}
_UNLIKE_ASCII = str.maketrans({"'": "", "ł": "l", "ø": "o"})


@cache
def _plain(name: str) -> str:
    """Return a name as it stands in an address: lower case, without accents."""
    decomposed = unicodedata.normalize("NFKD", name.lower().translate(_UNLIKE_ASCII))
    return decomposed.encode("ascii", "ignore").decode()


def meet(index: int, role: Role, rng: Random) -> Person:
    """Return the person with this index, who plays `role`."""
    draw = rng.random
    first = FIRST_NAMES[int(draw() * len(FIRST_NAMES))]
    last = LAST_NAMES[int(draw() * len(LAST_NAMES))]
    head = COMPANY_HEADS[int(draw() * len(COMPANY_HEADS))]
    tail = COMPANY_TAILS[int(draw() * len(COMPANY_TAILS))]
    # A scanner guards a whole company: one domain, one scanner.
    domain = f"{head}{tail}.example".lower()
    if role.gateway is not Gateway.NONE:
        domain = f"{_GUARDED[role.gateway]}.{domain}"
    elif draw() < 0.25:
        domain = _PROVIDERS[role.reader]
    # Numbers keep addresses apart without a memory of those already given out.
    local = f"{_plain(first)}.{_plain(last)}{index}"
    email = f"{local}@{domain}"
    typed = email
    if draw() < 0.05:
        typed = f"{local.title()}@{domain}"
    return Person(
        index,
        first,
        last,
        f"{head} {tail}",
        domain,
        TITLES[int(draw() * len(TITLES))],
        email,
        typed,
        f"{_plain(first)[0]}{_plain(last)}{index}@{_PROVIDERS[role.reader]}",
        role,
    )
