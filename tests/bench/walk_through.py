"""Runs docs/first-write.md from top to bottom and compares what it shows: `make walk-through`.

Each ```console block has commands after `$ ` and below each what it printed. They run in one shell,
on a data folder and an org of their own. Times, ports, process and run numbers may differ.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from rich.console import Console

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "first-write.md"
#: How the page calls its data folder.
PLACE = "data/first-write"
_BEGIN, _END, _PROMPT = "```console", "```", "$ "
_RUN = re.compile(r"\bcli-([0-9a-f]{8})[0-9a-f-]*")
#: What is another at each time, and how it is compared.
_MASKS = (
    (_RUN, "RUN"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(\+00:00|Z)?"), "TIME"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"process \d+"), "process PID"),
    (re.compile(r"\b02s[0-9A-Za-z]{15}\b"), "MAIL"),
    (re.compile(r"[ \t]+"), " "),
)


@dataclass
class Step:
    """A command of the page and the lines that it is said to print."""

    command: str
    shown: list[str]
    begins: int
    ends: int


class Shell:
    """One shell for all commands, so that variables last."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._shell = subprocess.Popen(
            ["/bin/bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            text=True,
        )
        self.run(f"export PATH={ROOT / '.venv/bin'}:$PATH PYTHONPATH={ROOT}")

    def __enter__(self) -> "Shell":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.run("touchline org stop")
        if self._shell.stdin is not None:
            self._shell.stdin.close()
        self._shell.wait(30)

    def run(self, command: str) -> list[str]:
        """Return the lines that a command prints, with the page's name for the data folder."""
        if self._shell.stdin is None or self._shell.stdout is None:
            raise RuntimeError("the shell has no pipes")
        mark = "-- done --"
        said = command.replace(f"$PWD/{PLACE}", PLACE).replace(PLACE, str(self._place))
        self._shell.stdin.write(f"{said}\necho\necho '{mark}'\n")
        self._shell.stdin.flush()
        lines = []
        for line in self._shell.stdout:
            if line.rstrip("\n") == mark:
                break
            lines.append(line.rstrip().replace(str(self._place), PLACE))
        return _trimmed(lines)


def main() -> int:
    """Walk, tell what is not as shown, and write it into the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="put what was printed into the page")
    options = parser.parse_args()
    console = Console(highlight=False, markup=False, soft_wrap=True)
    text = PAGE.read_text(encoding="utf-8").splitlines()
    steps = list(read_steps(text))
    as_shown, runs = 0, dict[str, str]()
    with tempfile.TemporaryDirectory() as name, Shell(Path(name) / "first-write") as shell:
        for step in steps:
            console.print(f"$ {step.command}")
            command = _RUN.sub(lambda found: f"cli-{runs.get(found[1], found[1])}", step.command)
            printed = shell.run(command)
            for on_page, now in zip(_runs(step.shown), _runs(printed), strict=False):
                runs.setdefault(on_page, now)
            if _masked(printed) == _masked(step.shown):
                as_shown += 1
            else:
                console.print(*(f"  shown:   {line}" for line in step.shown), sep="\n")
                console.print(*(f"  printed: {line}" for line in printed), sep="\n")
            step.shown = printed
    if options.write:
        PAGE.write_text("\n".join(_rewritten(text, steps, runs)) + "\n", encoding="utf-8")
    is_ok = as_shown == len(steps)
    verdict = "ok" if is_ok else "short"
    console.print(f"walk-through: {as_shown} outputs as shown (limit {len(steps)}) {verdict}")
    return 0 if is_ok else 1


def read_steps(lines: list[str]) -> Iterator[Step]:
    """Yield the commands of a page."""
    is_inside, step = False, None
    for number, line in enumerate(lines):
        if not is_inside:
            is_inside = line == _BEGIN
            continue
        if step and (line == _END or line.startswith(_PROMPT)):
            yield step
            step = None
        if line == _END:
            is_inside = False
        elif line.startswith(_PROMPT):
            step = Step(line.removeprefix(_PROMPT), [], number, number + 1)
        elif step:
            step.shown.append(line)
            step.ends = number + 1


def _rewritten(lines: list[str], steps: list[Step], runs: dict[str, str]) -> Iterator[str]:
    done = 0
    for step in steps:
        for line in lines[done : step.begins + 1]:
            is_command = line.startswith(_PROMPT)
            renamed = _RUN.sub(lambda found: f"cli-{runs.get(found[1], found[1])}", line)
            yield renamed if is_command else line
        yield from step.shown
        done = step.ends
    yield from lines[done:]


def _runs(lines: list[str]) -> list[str]:
    return [found[1] for line in lines for found in _RUN.finditer(line)]


def _masked(lines: list[str]) -> list[str]:
    return [_mask(line) for line in lines]


def _mask(line: str) -> str:
    for pattern, word in _MASKS:
        line = pattern.sub(word, line)
    return line.strip()


def _trimmed(lines: list[str]) -> list[str]:
    """Return lines without empty ones at their beginning and end."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    while lines and not lines[0].strip():
        lines = lines[1:]
    return lines


if __name__ == "__main__":
    sys.exit(main())
