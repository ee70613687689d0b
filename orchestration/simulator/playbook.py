"""What the team sends: the texts, links and pace of its sequences."""

from typing import NamedTuple

TRACKED_SITE = "https://northlight.example"
UNSUBSCRIBE_PAGE = f"{TRACKED_SITE}/unsubscribe"
UNTRACKED_CALENDAR = "https://calendar.meetwell.example/northlight/intro"


class Step(NamedTuple):
    """One email of a sequence.

    `subject` takes the person's company; `body` takes first name, company and the sender's first
    name, in this order. A step without a subject of its own continues the first one's thread.
    """

    number: int
    subject: str
    body: str
    links: tuple[str, ...]
    wait_days: int


class Play(NamedTuple):
    """A sequence as the playbook has it, before a team adopts it."""

    name: str
    steps: tuple[Step, ...]
    track_opens: bool
    track_clicks: bool
    format: str


_GREETING = "Hi %s,\n\n"
_CLOSING = "\n\nBest regards,\n%s\n"


def _play(
    name: str,
    slug: str,
    steps: list[tuple[str, int, str, str]],
    *,
    opens: bool = True,
    clicks: bool = True,
) -> Play:
    """Build a play from (subject or '', days to wait, text with one %s, link pages) rows."""
    style = "html" if opens or clicks else "plain"
    made = []
    for number, (subject, wait_days, text, pages) in enumerate(steps, 1):
        links = tuple(
            UNTRACKED_CALENDAR if page == "calendar" else f"{TRACKED_SITE}/{slug}/{page}"
            for page in pages.split()
        )
        listed = "".join(f"\n- {link}" for link in links)
        made.append(
            Step(
                number,
                subject or f"Re: {steps[0][0]}",
                _GREETING + text + ("\n" + listed if listed else "") + _CLOSING,
                links,
                wait_days,
            )
        )
    return Play(name, tuple(made), opens, clicks, style)


PLAYS = (
    _play("Warm introduction", "intro", [
        ("Fewer missed shipments at %s?", 0,
         "I saw that %s is hiring planners. Three teams like yours halved their delays with us.",
         "tour case-study pricing"),
        ("", 3, "Following up, in case my note got buried. Is planning at %s on your desk?",
         "tour calendar"),
        ("How others plan next to %s", 4,
         "Here is how a company of the size of %s runs its week now.",
         "case-study numbers pricing"),
        ("", 5, "I will close the file for %s after this one. Shall I?", "tour"),
    ]),
    _play("Plain note", "note", [
        ("A question about planning at %s", 0, "Who looks after planning at %s these days?", ""),
        ("", 4, "Is somebody else at %s the better person to ask?", ""),
        ("Closing the loop with %s", 5, "I take it the timing is off for %s. No hard feelings.",
         ""),
    ], opens=False, clicks=False),
    _play("Quiet launch", "launch", [
        ("Early access for %s", 0, "We open our new planner to ten teams; %s is on my list.",
         "preview changes terms"),
        ("What is new for %s", 3, "Two things that the people at %s may care about.",
         "preview changes"),
        ("", 4, "The list closes on Friday. Keep the seat for %s?", "preview calendar"),
        ("Last call for %s", 4, "Last note from me about early access for %s.", "preview"),
    ], opens=False),
    _play("Trial follow-up", "trial", [
        ("Your trial at %s", 0, "Your team at %s has ten days left. These pages help most.",
         "start import faq"),
        ("Stuck anywhere, %s?", 3, "Most teams like %s get stuck at the import. This helps.",
         "import faq help calendar"),
        ("", 4, "Would a call about the numbers of %s be useful?", "calendar pricing"),
    ]),
    _play("Event invitation", "event", [
        ("Invitation for %s: planning day", 0, "We would love to see %s at our planning day.",
         "agenda speakers register"),
        ("", 2, "Seats are going; shall I hold two for %s?", "register agenda"),
        ("Who from %s comes along?", 3, "Speakers are now online. Somebody from %s should come.",
         "speakers agenda register venue"),
        ("", 3, "Last chance to register a colleague from %s.", "register"),
    ]),
    _play("Win-back", "return", [
        ("%s and us, a year later", 0, "A lot has changed since %s last looked at us.",
         "news changes pricing"),
        ("", 3, "Short version: the reason why %s left is gone.", "changes"),
        ("Two minutes for %s?", 3, "One chart that the team at %s asked for back then.",
         "chart news numbers"),
        ("", 4, "Would a fresh look make sense for %s this quarter?", "calendar news"),
        ("Parting note for %s", 5, "I will not write again about %s unless you want me to.",
         "news"),
    ]),
    _play("Security review", "security", [
        ("Security answers for %s", 0, "The answers that the reviewers at %s usually ask for.",
         "report controls hosting"),
        ("", 3, "Did the report reach the right people at %s?", "report"),
        ("Open points for %s", 4, "I kept a list of open points for %s; tell me what is missing.",
         "report controls subprocessors"),
    ]),
)  # fmt: skip
FEWEST_PLAYS = 5
