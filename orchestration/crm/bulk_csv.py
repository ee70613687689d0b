"""The CSV of Bulk API 2.0: records written as it wants them, results read as it sends them."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from orchestration.crm.client import CrmUnavailableError, Record, TooLargeError, UnfitRowsError
from orchestration.crm.salesforce_values import to_cell

#: What an upload may weigh: on its way it grows by half, towards a limit of 150 MB.
BYTES_PER_JOB = 100_000_000

_QUOTED_FOR = frozenset(',"\r\n')


def to_csv(records: Sequence[Record]) -> bytes:
    """Return the records as one CSV: `Id` first, the other fields by name, every line LF.

    The same records give the same bytes in every process.

    Raises:
        UnfitRowsError: values that CSV cannot carry.
        TooLargeError: more bytes than a job takes.
    """
    names = {name for record in records for name in record}
    columns = sorted(names, key=lambda name: (name != "Id", name))
    lines, unfit, problem = [",".join(columns)], list[int](), ""
    for place, record in enumerate(records):
        try:
            lines.append(_line(record, columns))
        except ValueError as error:
            unfit.append(place)
            problem = problem or str(error)
    if unfit:
        raise UnfitRowsError(problem, unfit)
    body = "".join(f"{line}\n" for line in lines).encode()
    if len(body) > BYTES_PER_JOB:
        raise TooLargeError(f"{len(body)} bytes in one bulk job; it takes {BYTES_PER_JOB}")
    return body


def from_csv(body: bytes) -> Iterator[dict[str, str]]:
    """Yield the rows of a result set, line breaks within values kept.

    Raises:
        CrmUnavailableError: what came is no such CSV.
    """
    try:
        text = body.decode("utf-8-sig")
        for row in csv.DictReader(io.StringIO(text, newline=""), strict=True):
            if None in row or None in row.values():
                raise CrmUnavailableError("a bulk job's results have rows of differing length")
            yield row
    except (UnicodeDecodeError, csv.Error) as error:
        raise CrmUnavailableError(
            f"a bulk job's results cannot be read ({type(error).__name__})"
        ) from None


def _line(record: Record, columns: Iterable[str]) -> str:
    return ",".join(_cell(record, name) if name in record else "" for name in columns)


def _cell(record: Record, name: str) -> str:
    try:
        text = to_cell(record[name])
        text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name}: text that is not Unicode") from None
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    if _QUOTED_FOR.isdisjoint(text) and text == text.strip():
        return text
    return '"' + text.replace('"', '""') + '"'
