"""Values as JSON text, for the writers that lay out lines by hand.

Nothing is escaped: every text of the simulated world is free of quotes and backslashes.
"""

from orchestration.simulator.clock import iso


def text(value: str | None) -> str:
    """Return a JSON string, or null."""
    return f'"{value}"' if value is not None else "null"


def flag(value: object) -> str:
    """Return whether the value is truthy, as JSON has it."""
    return "true" if value else "false"


def moment(at: int | None) -> str:
    """Return epoch seconds as an ISO string, or null."""
    return f'"{iso(at)}"' if at is not None else "null"
