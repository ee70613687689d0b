"""What a bulk job did, record by record: matched by id or key, and every record accounted for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestration.crm.client import Job, JobRow, RowError, RowResult
from orchestration.crm.schema import ObjectSchema
from orchestration.writeback.books import Attempt, Books, first_error, first_sent
from orchestration.writeback.fates import created_by_us, find_fates
from orchestration.writeback.refusal_codes import Handling, refusal
from orchestration.writeback.writes import Write


@dataclass
class Left:
    """Writes that a job leaves to do: it could not lock the records, or never came to them."""

    locked: list[Write] = field(default_factory=list)
    untouched: list[Write] = field(default_factory=list)


def take_answers(books: Books, job: Job, attempts: Sequence[Attempt]) -> Left:
    """Note what a final job says about these attempts; return what is left to do.

    Records that none of its three result sets has are looked up in the org.

    Raises:
        CrmError: not all could be asked for. What is not noted has no outcome yet.
    """
    left = Left()
    by_key = {attempt.write.key: attempt for attempt in attempts}
    first = attempts[0].write
    column = first.key_field if first.operation == "create" else "Id"
    doubled: list[tuple[Attempt, RowResult]] = []
    for row in books.crm.jobs.results(job.id):
        attempt = by_key.pop(_key(row, column), None)
        if attempt is None:
            continue
        if row.result is None:
            _note_untouched(books, job, attempt)
            left.untouched.append(attempt.write)
        elif row.result.success:
            books.note_written(attempt, row.result.id)
        elif _exists(attempt.write, row.result):
            doubled.append((attempt, row.result))
        else:
            _note(books, attempt, row.result, left)
    schema = books.schemas[first.object]
    _look_up(books, schema, doubled)
    _look_for(books, schema, job, list(by_key.values()), left)
    return left


def _key(row: JobRow, column: str | None) -> str:
    columns: Mapping[str, str] = row.columns
    if column is None:
        return ""
    value = columns.get(column, "")
    if column == "Id" and not value and row.result and row.result.id:
        return row.result.id
    return value


def _exists(write: Write, result: RowResult) -> bool:
    return refusal(first_error(result).code, write.operation).handling is Handling.EXISTS


def _note(books: Books, attempt: Attempt, result: RowResult, left: Left) -> None:
    error = first_error(result)
    known = refusal(error.code)
    is_transient = known.is_transient or error.is_transient
    if is_transient and known.handling is not Handling.STOP:
        books.note_again(attempt, result)
        left.locked.append(attempt.write)
    else:
        books.note_refused(attempt, result, is_transient=is_transient)


def _note_untouched(books: Books, job: Job, attempt: Attempt) -> None:
    reason = job.error or f"the job ended ({job.state}) before it came to the record"
    error = RowError("UNAVAILABLE", reason, (), is_transient=True)
    books.note_again(attempt, RowResult(False, None, (error,)))


def _look_up(
    books: Books, schema: ObjectSchema, doubled: Sequence[tuple[Attempt, RowResult]]
) -> None:
    """Find creations whose key is taken: by the record that they were to create, mostly."""
    if not doubled:
        return
    attempts = [attempt for attempt, _ in doubled]
    writes = [attempt.write for attempt in attempts]
    known = created_by_us(books.crm, schema, writes, first_sent(attempts))
    for attempt, result in doubled:
        if attempt.write.key in known:
            books.note_written(attempt, known[attempt.write.key])
        else:
            books.note_refused(attempt, result, is_transient=False)


def _look_for(
    books: Books, schema: ObjectSchema, job: Job, attempts: Sequence[Attempt], left: Left
) -> None:
    """Read the records that the job's results do not have: it may have written them."""
    attempts = books.readable(attempts)
    if not attempts:
        return
    writes = [attempt.write for attempt in attempts]
    earlier = books.made_earlier(attempts)
    fates = find_fates(books.crm, schema, writes, first_sent(attempts), earlier=earlier)
    for attempt, fate in zip(attempts, fates, strict=True):
        if fate.state == "arrived":
            books.note_written(attempt, fate.record_id)
        elif fate.state == "overtaken":
            books.note_overtaken(attempt, fate.reason)
        else:
            _note_untouched(books, job, attempt)
            left.untouched.append(attempt.write)
