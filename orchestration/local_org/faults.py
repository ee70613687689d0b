"""Faults on demand: which requests they meet, how often, and what they do to rows."""

import math
import random
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

import orjson

from orchestration.local_org import identifiers
from orchestration.local_org.errors import RowError

#: Faults that act before anything is done, or after it was done and committed.
REQUEST_KINDS = frozenset(
    {"status", "slow", "drop_before", "drop_after", "expire_session", "limit_exceeded", "html_page"}
)
#: Those of them that come before or after the work, as they are told.
TIMED_KINDS = frozenset({"status", "slow", "html_page"})
#: Faults of single rows, in requests and in jobs.
ROW_KINDS = frozenset({"lock_rows", "row_error"})
#: Faults of bulk jobs; they act when the job is started.
JOB_KINDS = frozenset({"job_fails", "job_stays", "job_partly"})
KINDS = REQUEST_KINDS | ROW_KINDS | JOB_KINDS

BEFORE, AFTER = "before", "after"

_WHOLE_NUMBERS = frozenset({"nth", "times", "seed", "status", "retry_after", "after_rows"})
_NUMBERS = frozenset({"probability", "seconds", "share"})
_LISTS = frozenset({"ids", "fields"})
_MAY_BE_NULL = frozenset({"method", "path", "object", "times", "probability", "retry_after"})


@dataclass(frozen=True)
class Fault:
    """One fault as it was asked for.

    It meets requests by `method`, `path` (a pattern, without `/services/data/vXX.X`) and
    `object`. It fires at the `nth` request that it meets and at those after it, `times` in all
    (None: without end); with a `probability`, at each of those by the dice that `seed` loads.
    """

    kind: str
    method: str | None = None
    path: str | None = None
    object: str | None = None
    nth: int = 1
    times: int | None = 1
    probability: float | None = None
    seed: int = 0
    status: int = 503
    retry_after: int | None = None
    seconds: float = 1.0
    when: str = BEFORE
    share: float = 1.0
    ids: tuple[str, ...] = ()
    code: str = "UNKNOWN_EXCEPTION"
    message: str = "An unexpected error occurred"
    fields: tuple[str, ...] = ()
    limit: str = "daily"
    after_rows: int = 0

    @property
    def is_after(self) -> bool:
        """Whether the fault waits until the work of a request is done and kept."""
        return self.kind == "drop_after" or (self.kind in TIMED_KINDS and self.when == AFTER)

    def meets(self, request: "Asked") -> bool:
        """Whether the fault is meant for a request at all."""
        return (
            (self.kind not in JOB_KINDS or request.starts_job)
            and (self.kind not in ROW_KINDS or request.starts_job or request.writes_rows)
            and (self.method is None or self.method.upper() == request.method)
            and (self.path is None or fnmatchcase(request.path.lower(), self.path.lower()))
            and (self.object is None or self.object.lower() == (request.object or "").lower())
        )


@dataclass(frozen=True)
class Asked:
    """What a fault may know of a request; `path` is without `/services/data/vXX.X`."""

    method: str
    path: str
    object: str | None
    writes_rows: bool
    starts_job: bool


@dataclass
class _Armed:
    """A fault with its count of requests met and of times fired."""

    fault: Fault
    met: int = 0
    fired: int = 0
    dice: random.Random = field(default_factory=random.Random)

    def fires(self) -> bool:
        """Count one request that the fault meets, and say whether it fires."""
        self.met += 1
        wanted = self.fault
        if self.met < wanted.nth or (wanted.times is not None and self.fired >= wanted.times):
            return False
        if wanted.probability is not None and self.dice.random() >= wanted.probability:
            return False
        self.fired += 1
        return True


class Faults:
    """The faults that wait for their requests; they end with the process."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self._lock = threading.Lock()

    @property
    def want_objects(self) -> bool:
        """Whether any fault asks for the object of a request."""
        return any(each.fault.object for each in self._armed)

    def __bool__(self) -> bool:
        """Whether any fault waits."""
        return bool(self._armed)

    def add(self, faults: Sequence[Fault]) -> None:
        """Arm faults, beside those that wait already."""
        armed = [_Armed(each, dice=random.Random(each.seed)) for each in faults]  # noqa: S311
        with self._lock:
            self._armed.extend(armed)

    def clear(self) -> int:
        """Forget all faults and return how many there were."""
        with self._lock:
            count = len(self._armed)
            self._armed.clear()
        return count

    def fired_by(self, request: Asked, *, is_done: bool) -> tuple[Fault, ...]:
        """Return the faults that fire before a request is worked on, or once it `is_done`.

        They come in the order in which they were armed.
        """
        with self._lock:
            meant = [
                each
                for each in self._armed
                if each.fault.is_after == is_done and each.fault.meets(request)
            ]
            return tuple(each.fault for each in meant if each.fires())

    def listed(self) -> list[dict[str, Any]]:
        """Return every fault with its counts."""
        with self._lock:
            return [
                {**asdict(each.fault), "met": each.met, "fired": each.fired} for each in self._armed
            ]


def read(data: object) -> Fault:
    """Return the fault that a JSON object describes.

    Raises:
        ValueError: an unknown kind or key, or a value that makes no sense.
    """
    known = {each.name for each in fields(Fault)}
    if not isinstance(data, Mapping):
        raise ValueError('A fault is an object such as {"kind": "drop_after"}.')
    if unknown := sorted(set(data) - known):
        raise ValueError(f"No such key: {', '.join(unknown)}. Use {', '.join(sorted(known))}.")
    for name, value in data.items():
        _check_type(name, value)
    if data.get("kind") not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
    lists = {
        "ids": tuple(identifiers.canonical(each) or each for each in data.get("ids", ())),
        "fields": tuple(data.get("fields", ())),
    }
    fault = Fault(**{**data, **lists})
    if fault.when not in {BEFORE, AFTER} or fault.limit not in {"daily", "concurrent"}:
        raise ValueError("when is before or after, limit is daily or concurrent")
    if not (0 < fault.share <= 1 and 0 <= (fault.probability or 0) <= 1 and fault.nth >= 1):
        raise ValueError("share and probability are parts of 1, nth counts from 1")
    if not 200 <= fault.status < 600:
        raise ValueError("status is an HTTP status from 200 to 599")
    return fault


def _check_type(name: str, value: object) -> None:
    if value is None and name in _MAY_BE_NULL:
        return
    if name in _LISTS:
        wanted = "a list of texts"
        is_sound = isinstance(value, list) and all(isinstance(each, str) for each in value)
    elif name in _WHOLE_NUMBERS | _NUMBERS:
        wanted = "a whole number, 0 or more" if name in _WHOLE_NUMBERS else "a number, 0 or more"
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        is_sound = is_number and (name in _NUMBERS or isinstance(value, int))
    else:
        wanted, is_sound = "a text", isinstance(value, str)
    if not is_sound:
        raise ValueError(f"{name} must be {wanted}")


def dump(faults: Collection[Fault]) -> str:
    """Return the faults that go with a job as text to keep."""
    return orjson.dumps([asdict(each) for each in faults]).decode()


def load(text: str) -> tuple[Fault, ...]:
    """Return the faults that were kept with a job."""
    return tuple(read(each) for each in orjson.loads(text))


def row_errors(
    faults: Collection[Fault], keys: Sequence[tuple[str | None, ...]]
) -> dict[int, RowError]:
    """Return the errors that faults give to rows, by their position.

    `keys` are what each row may be known by in `ids`: its record id, its external ids.
    """
    errors: dict[int, RowError] = {}
    for fault in faults:
        if fault.kind not in ROW_KINDS:
            continue
        if fault.ids:
            chosen = [at for at, names in enumerate(keys) if set(fault.ids) & set(names)]
        else:
            count = math.ceil(fault.share * len(keys))
            dice = random.Random(f"{fault.seed} {keys}")  # noqa: S311 - a fault, not a secret
            chosen = dice.sample(range(len(keys)), count)
        errors.update({at: _error(fault, keys[at][0]) for at in chosen})
    return errors


def _error(fault: Fault, record_id: str | None) -> RowError:
    if fault.kind == "row_error":
        return RowError(fault.code, fault.message, fault.fields)
    message = "unable to obtain exclusive access to this record or 1 records"
    return RowError("UNABLE_TO_LOCK_ROW", f"{message}: {(record_id or '')[:15]}")
