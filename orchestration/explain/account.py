"""What heads a story, line by line: who it is, by which ways they were found, and as of when."""

from collections.abc import Iterator

from orchestration.explain import words
from orchestration.explain.story import Person, Story


def title(story: Story) -> str:
    """Return what the person is called by: their current address."""
    return story.person.addresses[0].email if story.person.addresses else story.asked


def identity(person: Person) -> str:
    """Say who it is in Salesforce, or why nobody."""
    if person.crm_id is None:
        return f"not in Salesforce: {words.unmatched(person.unmatched_reason or 'unknown')}"
    parts = [f"{person.crm_object} {person.crm_id}"]
    parts.append(
        f"found {words.matched_by(person.matched_by)}"
        if person.matched_by
        else "no sequence wrote to it"
    )
    if person.owner_id:
        parts.append(f"owner {person.owner_name or person.owner_id}")
    return "; ".join(parts)


def further_names(person: Person) -> Iterator[str]:
    """Say under which other addresses and records the person is known, and who is not meant."""
    others = [f"{address.email} ({address.how})" for address in person.addresses[1:]]
    if others:
        yield f"also {', '.join(others)}"
    for record in person.stand_ins:
        yield f"stands for {record.crm_object} {record.crm_id} ({record.how})"
    if person.duplicates:
        skipped = ", ".join(f"{each.crm_object} {each.crm_id}" for each in person.duplicates)
        yield f"left alone, though they have one of the addresses: {skipped}"


def warnings(person: Person) -> Iterator[str]:
    """Say what somebody must know to read the story right."""
    if person.wants_no_tracking:
        yield "Wants no tracking: opens and clicks are not told."
    yield from person.notes


def told_of(story: Story) -> str:
    """Say as of when the story is told, and what that means."""
    if story.as_of is None:
        until = f": what was loaded until {story.loaded_until:%Y-%m-%d %H:%M}"
        return f"As of now{until if story.loaded_until else ''}. All times are UTC."
    return (
        f"As of {story.as_of:%Y-%m-%d %H:%M:%S}: what had happened by then, also if it was loaded "
        f"later. All times are UTC."
    )
