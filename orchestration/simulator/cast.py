"""Which roles people play: a fixed cast of awkward cases first, then whatever chance deals.

The first people of every simulated team are the cast, so that even a small team meets every case.
"""

from collections.abc import Sequence as Options
from dataclasses import replace
from random import Random
from typing import Any, TypeVar

from orchestration.simulator.habits import Habits
from orchestration.simulator.person import CrmCase, Fate, Gateway, Reader, Role

Item = TypeVar("Item")

_CLICK_ONLY = "Quiet launch"
_PLAIN = "Plain note"
_LINKED = "Warm introduction"
_LATER = "Trial follow-up"
_PAUSED = "Event invitation"


_TYPICAL = Role(
    (), CrmCase.CONTACT_BY_ID, Reader.GMAIL, sequence=_LINKED, is_keen=True, is_cast=True
)


def _role(*fates: Fate, **traits: Any) -> Role:
    """Return a role of the cast: keen to read and click, and typical but for these traits."""
    return replace(_TYPICAL, fates=fates, **traits)


CAST: tuple[Role, ...] = (
    # How people read, and what stands in front of them.
    _role(Fate.SILENT, reader=Reader.APPLE),
    _role(Fate.SILENT, reader=Reader.APPLE, crm=CrmCase.LEAD_BY_EMAIL, sequence=_CLICK_ONLY),
    _role(Fate.REPLIES, reader=Reader.APPLE, gateway=Gateway.FAST),
    _role(Fate.SILENT, reader=Reader.YAHOO, crm=CrmCase.CONTACT_BY_EMAIL, is_filled_by_hand=True),
    _role(Fate.SILENT, reader=Reader.DESKTOP, gateway=Gateway.AGENT),
    _role(Fate.SILENT, reader=Reader.DESKTOP, gateway=Gateway.FAST, is_keen=False),
    _role(Fate.REPLIES, reader=Reader.DESKTOP, gateway=Gateway.BURST),
    _role(Fate.SILENT, reader=Reader.GMAIL, gateway=Gateway.BURST, is_keen=False),
    _role(Fate.SILENT, reader=Reader.IMAGES_OFF, crm=CrmCase.LEAD_BY_ID),
    _role(Fate.REPLIES, reader=Reader.IMAGES_OFF),
    _role(Fate.REPLIES, sequence=_PLAIN),
    _role(Fate.SILENT, sequence=_PLAIN, crm=CrmCase.ABSENT),
    _role(Fate.REPLIES, sequence=_CLICK_ONLY, reader=Reader.DESKTOP),
    # Replies and other mail.
    _role(Fate.CONVERSES, is_extra_noisy=True),
    _role(Fate.REPLIES_BARE),
    _role(Fate.REPLIES_BARE, reader=Reader.DESKTOP, crm=CrmCase.LEAD_BY_ID),
    _role(Fate.REPLIES_IN_GMAIL_THREAD),
    _role(Fate.REPLIES_FROM_ELSEWHERE, is_extra_noisy=True),
    _role(Fate.WRITES_APART),
    _role(Fate.WRITES_APART, crm=CrmCase.LEAD_BY_EMAIL, reader=Reader.APPLE),
    _role(Fate.WRITES_AFTER_END),
    _role(Fate.PLATFORM_REPLIED),
    _role(Fate.AWAY, is_extra_noisy=True),
    _role(Fate.AWAY_BY_SUBJECT, reader=Reader.DESKTOP),
    _role(Fate.AWAY_BY_SUBJECT, reader=Reader.IMAGES_OFF, crm=CrmCase.LEAD_BY_ID),
    _role(Fate.AWAY_AT_END),
    _role(Fate.AWAY_THEN_REPLIES),
    _role(Fate.CANCELED_THEN_REPLIES),
    _role(Fate.COMPLETES_THEN_REPLIES, sequence=_LATER),
    _role(Fate.REPLIES_TOO_LATE, sequence=_LATER, days_early=100),
    # Mail that does not arrive.
    _role(Fate.HARD_BOUNCE, is_extra_noisy=True),
    _role(Fate.HARD_BOUNCE_UNSEEN, crm=CrmCase.LEAD_BY_EMAIL),
    _role(Fate.BOUNCE_BY_MAIL),
    _role(Fate.DROPPED),
    _role(Fate.SOFT_BOUNCE_STOPS),
    _role(Fate.BLOCK_STOPS),
    _role(Fate.SOFT_BOUNCE_PASSES),
    _role(Fate.DELAY_REPORT),
    # People who want no more mail.
    _role(Fate.UNSUBSCRIBES),
    _role(Fate.UNSUBSCRIBES, opted_out_in_crm=True),
    _role(Fate.UNSUBSCRIBES_UNSEEN, Fate.SILENT),
    _role(Fate.OPTED_OUT_BY_FLAG),
    _role(Fate.SCANNER_UNSUBSCRIBES, gateway=Gateway.AGENT, is_keen=False),
    _role(Fate.RESUBSCRIBES),
    _role(Fate.COMPLAINS, Fate.SILENT),
    _role(Fate.BLOCKED, opted_out_in_crm=True),
    _role(Fate.SILENT, opted_out_in_crm=True),
    # The platform steps in.
    _role(Fate.QUEUED),
    _role(Fate.CANCELED),
    _role(Fate.EXCLUDED),
    _role(Fate.EXCLUDED_AT_ONCE),
    _role(Fate.BLOCKED),
    _role(Fate.PAUSED),
    _role(Fate.PAUSED_AND_RESUMED),
    _role(Fate.QUEUED, sequence=_PAUSED),
    # Who somebody is in the CRM.
    _role(Fate.SILENT, crm=CrmCase.TYPED_OTHERWISE),
    _role(Fate.REPLIES, crm=CrmCase.TWO_CONTACTS),
    _role(Fate.SILENT, crm=CrmCase.TWO_CONTACTS_OLDER_BY_ID, is_filled_by_hand=True),
    _role(Fate.SILENT, crm=CrmCase.CONTACT_AND_NEWER_LEAD),
    _role(Fate.SILENT, crm=CrmCase.NEWER_CONTACT_AND_LEAD),
    _role(Fate.REPLIES, crm=CrmCase.CONVERTED_BY_ID),
    _role(Fate.SILENT, crm=CrmCase.CONVERTED_BY_EMAIL),
    _role(Fate.SILENT, crm=CrmCase.CONVERTED_OTHER_EMAIL),
    _role(Fate.REPLIES, crm=CrmCase.MERGED),
    _role(Fate.SILENT, crm=CrmCase.DELETED_BY_ID),
    _role(Fate.SILENT, crm=CrmCase.DELETED_BY_EMAIL),
    _role(Fate.SILENT, crm=CrmCase.NO_EMAIL),
    _role(Fate.REPLIES, crm=CrmCase.ABSENT),
    _role(Fate.REPLIES, Fate.SILENT, crm=CrmCase.TWO_ADDRESSES),
    _role(Fate.SILENT, Fate.REPLIES, crm=CrmCase.LEAD_AND_CONTACT, reader=Reader.DESKTOP),
    _role(Fate.SILENT, has_tracking_opt_out=True, reader=Reader.DESKTOP),
    _role(Fate.REPLIES, has_tracking_opt_out=True, crm=CrmCase.CONTACT_BY_EMAIL),
    _role(Fate.SILENT, is_filled_by_hand=True),
    _role(Fate.SILENT, crm=CrmCase.LEAD_BY_ID, is_filled_by_hand=True),
    # Two sequences, one after the other.
    _role(Fate.SILENT, Fate.REPLIES),
    _role(Fate.CANCELED, Fate.QUEUED),
    _role(Fate.REPLIES, Fate.SILENT),
)


_FATES = (
    (Fate.SILENT, 0.640), (Fate.REPLIES, 0.060), (Fate.QUEUED, 0.030), (Fate.AWAY, 0.030),
    (Fate.CANCELED, 0.025), (Fate.PAUSED, 0.020), (Fate.HARD_BOUNCE, 0.020),
    (Fate.UNSUBSCRIBES, 0.018), (Fate.AWAY_BY_SUBJECT, 0.015), (Fate.REPLIES_BARE, 0.012),
    (Fate.CONVERSES, 0.012), (Fate.SOFT_BOUNCE_PASSES, 0.012), (Fate.BLOCKED, 0.010),
    (Fate.EXCLUDED, 0.010), (Fate.PAUSED_AND_RESUMED, 0.010), (Fate.WRITES_APART, 0.008),
    (Fate.REPLIES_FROM_ELSEWHERE, 0.006), (Fate.SOFT_BOUNCE_STOPS, 0.006),
    (Fate.BLOCK_STOPS, 0.006), (Fate.AWAY_THEN_REPLIES, 0.006),
    (Fate.COMPLETES_THEN_REPLIES, 0.006), (Fate.CANCELED_THEN_REPLIES, 0.004),
    (Fate.COMPLAINS, 0.004), (Fate.PLATFORM_REPLIED, 0.004), (Fate.BOUNCE_BY_MAIL, 0.004),
    (Fate.EXCLUDED_AT_ONCE, 0.004), (Fate.UNSUBSCRIBES_UNSEEN, 0.003),
    (Fate.REPLIES_IN_GMAIL_THREAD, 0.003), (Fate.OPTED_OUT_BY_FLAG, 0.003),
    (Fate.HARD_BOUNCE_UNSEEN, 0.002), (Fate.DROPPED, 0.002), (Fate.DELAY_REPORT, 0.002),
    (Fate.WRITES_AFTER_END, 0.001), (Fate.SCANNER_UNSUBSCRIBES, 0.001),
    (Fate.RESUBSCRIBES, 0.001),
)  # fmt: skip
_CRM_CASES = (
    (CrmCase.CONTACT_BY_ID, 0.40), (CrmCase.CONTACT_BY_EMAIL, 0.15), (CrmCase.LEAD_BY_ID, 0.15),
    (CrmCase.LEAD_BY_EMAIL, 0.11), (CrmCase.ABSENT, 0.06), (CrmCase.TYPED_OTHERWISE, 0.03),
    (CrmCase.TWO_CONTACTS, 0.02), (CrmCase.CONVERTED_BY_ID, 0.02),
    (CrmCase.CONVERTED_BY_EMAIL, 0.01), (CrmCase.CONTACT_AND_NEWER_LEAD, 0.01),
    (CrmCase.NEWER_CONTACT_AND_LEAD, 0.01), (CrmCase.MERGED, 0.01), (CrmCase.NO_EMAIL, 0.01),
    (CrmCase.DELETED_BY_EMAIL, 0.004), (CrmCase.DELETED_BY_ID, 0.003),
    (CrmCase.TWO_CONTACTS_OLDER_BY_ID, 0.002), (CrmCase.CONVERTED_OTHER_EMAIL, 0.001),
)  # fmt: skip
#: Fates after which nobody starts writing to the person again.
_FINAL_FATES = frozenset({
    Fate.QUEUED, Fate.HARD_BOUNCE, Fate.HARD_BOUNCE_UNSEEN, Fate.BOUNCE_BY_MAIL, Fate.DROPPED,
    Fate.UNSUBSCRIBES, Fate.UNSUBSCRIBES_UNSEEN, Fate.OPTED_OUT_BY_FLAG, Fate.COMPLAINS,
    Fate.SCANNER_UNSUBSCRIBES, Fate.RESUBSCRIBES, Fate.WRITES_APART, Fate.WRITES_AFTER_END,
})  # fmt: skip
#: Fates of a second enrollment, which may overlap with the first.
_SECOND_FATES = (
    (Fate.SILENT, 0.75), (Fate.REPLIES, 0.15), (Fate.QUEUED, 0.05), (Fate.CANCELED, 0.05),
)  # fmt: skip


def _draw(options: Options[tuple[Item, float]], rng: Random) -> Item:
    """Draw one of the options by its share; likely ones stand first, so few are looked at."""
    left = rng.random()
    for option, share in options:
        left -= share
        if left < 0:
            return option
    return options[0][0]


def role_of(index: int, rng: Random, habits: Habits) -> Role:
    """Return the role of the person with this index: the cast first, then chance."""
    if index < len(CAST):
        return CAST[index]
    fate = _draw(_FATES, rng)
    fates: tuple[Fate, ...] = (fate,)
    if fate not in _FINAL_FATES and rng.random() < 0.15:
        fates = (fate, _draw(_SECOND_FATES, rng))
    gateway = _draw(habits.gateways, rng)
    if fate is Fate.SCANNER_UNSUBSCRIBES and gateway is Gateway.NONE:
        gateway = Gateway.AGENT
    rare = rng.random()
    return Role(
        fates,
        _draw(_CRM_CASES, rng),
        _draw(habits.readers, rng),
        gateway,
        opted_out_in_crm=rare < 0.01 and fate not in _FINAL_FATES,
        has_tracking_opt_out=0.01 < rare < 0.02,
        is_filled_by_hand=0.02 < rare < 0.06,
    )
