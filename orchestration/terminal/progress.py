"""Telling what is being done: a live line on a terminal, plain lines in a pipe."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console


@contextmanager
def telling(console: Console) -> Iterator[Callable[[str], None]]:
    """Yield a function that shows what is being done now.

    On a terminal the line is live and each finished step stays with its seconds; in a pipe each
    step is one line. What follows a colon and a space is a detail of the same step.
    """
    started, current = monotonic(), ""
    with console.status("Starting …") as status:
        if not console.is_terminal:
            console.print("Starting …")

        def finish() -> None:
            if current and console.is_terminal:
                console.print(f"[green]✓[/] {current} [dim]{monotonic() - started:.1f} s[/]")

        def tell(message: str) -> None:
            nonlocal started, current
            step, _, detail = message.partition(": ")
            if step != current:
                finish()
                started, current = monotonic(), step
                if not console.is_terminal:
                    console.print(f"{step} …")
            status.update(f"{step} … {detail.strip()}")

        yield tell
        finish()
