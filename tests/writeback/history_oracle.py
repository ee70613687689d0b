"""What an undo must bring about, worked out from nothing but what the org showed after each run."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

#: Record to its fields: all living records of the org, without stamps.
State = Mapping[str, Mapping[str, Any]]
Cell = tuple[str, str]

#: Where a yes is kept, unless it is asked for.
OPT_OUT = "HasOptedOutOfEmail"


def differences(one: State, other: State) -> dict[Cell, tuple[Any, Any]]:
    """Return the cells in which two states differ; of a record that one lacks, all of them."""
    return {
        (record, name): (here, there)
        for record in one.keys() | other.keys()
        for name in {**one.get(record, {}), **other.get(record, {})}
        if (here := one.get(record, {}).get(name)) != (there := other.get(record, {}).get(name))
    }


@dataclass(frozen=True)
class Run:
    """What a run changed: cells with what they held before and after it, and new records."""

    run_id: str
    undoes: str | None
    wrote: Mapping[Cell, tuple[Any, Any]]
    created: frozenset[str]


@dataclass
class Oracle:
    """All runs in their order, and the records that a person has edited."""

    runs: dict[str, Run] = field(default_factory=dict)
    edited: set[str] = field(default_factory=set)

    def ran(self, run_id: str, before: State, after: State, undoes: str | None = None) -> None:
        """Note a run by the state before and after it."""
        changed = differences(before, after).items()
        wrote = {
            cell: values for cell, values in changed if cell[0] in before.keys() & after.keys()
        }
        created = frozenset(after) - frozenset(before)
        self.runs[run_id] = Run(run_id, undoes, wrote, created)

    def lost_answers(self, run_id: str, records: Collection[str], now: State) -> None:
        """Leave out updates whose answer got lost, if nothing tells any more that they arrived."""
        run = self.runs[run_id]
        untold = {each for each in records if each in now and not _tells(run.wrote, each, now)}
        wrote = {cell: values for cell, values in run.wrote.items() if cell[0] not in untold}
        self.runs[run_id] = replace(run, wrote=wrote)

    def after_undo(self, run_id: str, now: State, *, with_opt_outs: bool) -> State:
        """Return the whole state of the org that an undo of a run must leave behind."""
        run = self.runs[run_id]
        expected = {record: dict(fields) for record, fields in now.items()}
        for (record, name), (before, written) in run.wrote.items():
            if (
                record in now
                and now[record][name] == written
                and self._stands(run, (record, name))
                and not self._is_written_since(run, (record, name))
                and (with_opt_outs or (name, written) != (OPT_OUT, True))
            ):
                expected[record][name] = before
        for record in run.created:
            if record in now and not self._is_touched(run, record):
                del expected[record]
        return expected

    def _stands(self, run: Run, cell: Cell) -> bool:
        """Whether the run wrote the cell, and no undo of it stands."""
        undos = (undo for undo in self.runs.values() if undo.undoes == run.run_id)
        return cell in run.wrote and not any(self._stands(undo, cell) for undo in undos)

    def _since(self, run: Run) -> Collection[Run]:
        runs = list(self.runs.values())
        return runs[runs.index(run) + 1 :]

    def _is_written_since(self, run: Run, cell: Cell) -> bool:
        syncs = (later for later in self._since(run) if later.undoes is None)
        return any(self._stands(later, cell) for later in syncs)

    def _is_touched(self, run: Run, record: str) -> bool:
        """Whether anybody wrote to a record after it was created, be it us."""
        written_since = {each for later in self._since(run) for each, _ in later.wrote}
        return record in self.edited | written_since


def _tells(wrote: Mapping[Cell, tuple[Any, Any]], record: str, now: State) -> bool:
    """Whether all that was written still stands, or a figure or text of it: no tick, no nothing."""
    cells = {name: written for (each, name), (_, written) in wrote.items() if each == record}
    stands = [name for name, written in cells.items() if now[record][name] == written]
    return len(stands) == len(cells) or any(
        cells[name] is not None and not isinstance(cells[name], bool) for name in stands
    )
