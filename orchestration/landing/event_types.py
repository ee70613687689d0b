"""The check of the types of events: those that a provider is known to have."""

from orchestration.landing.record_sql import Check


def type_check(
    key: str | tuple[str, ...], known: tuple[str, ...], only_for: tuple[str, str] | None = None
) -> Check:
    """Return the check that `key` holds one of the `known` types; news are rejects, and so seen.

    `only_for` names a key and its value: other records are not asked.
    """
    listed = ", ".join(f"'{each}'" for each in known)
    return Check(
        key,
        # A list, not IN: DuckDB would join the records with a table of the types.
        f"not list_contains([{listed}], {{value}})",
        "'unknown_event_type: ' || left({value}, 100)",
        only_for=only_for,
    )
