"""Sending by Collections: re-read, intent, request, outcome, a chunk at a time (K2, K4, K5)."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from orchestration.crm.client import (
    CrmError,
    CrmRequestError,
    CrmUnavailableError,
    RowError,
    RowResult,
)
from orchestration.writeback.books import Attempt, Books, first_error, first_sent
from orchestration.writeback.fates import created_by_us, find_fates
from orchestration.writeback.moved import moved_records
from orchestration.writeback.refusal_codes import Handling, refusal
from orchestration.writeback.writes import Write

#: A row that Salesforce could not take just now is sent this often in all.
ATTEMPTS_PER_ROW = 3

#: A request that never arrived is sent this often in all, then Salesforce is not there.
ATTEMPTS_PER_REQUEST = 3

#: Rows sent again one by one in a run; when more are locked, something else holds the org.
ROWS_SENT_AGAIN = 200

#: Locks pass: seconds to wait before the second attempt, twice as many before the third.
SECONDS_BEFORE_AGAIN = 0.5

#: Extra requests spent on finding the row for which Salesforce refuses a whole request.
SEARCH_REQUESTS = 60

#: Halvings after which a chunk of which nothing was taken shows that it is not about rows: up to
#: seven bad ones leave an eighth that is.
SEARCH_LEVELS = 3


class CollectionsSending:
    """One pass over writes of one object and operation, in requests of up to 200 records."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._again: list[Write] = []
        self._unreached: list[Write] = []
        self._searches_left = SEARCH_REQUESTS

    def send(self, writes: Iterable[Write]) -> None:
        """Send everything in chunks, then the rows that were locked, one by one."""
        for chunk in _chunks(writes, self._books.crm.rows_per_write):
            if self._books.stopped_because:
                return
            self._send_chunk(chunk)
        for attempts_left in reversed(range(ATTEMPTS_PER_ROW - 1)):
            self._send_again(attempts_left)
        if self._again:
            self._stop_unanswered(self._again)

    def _send_chunk(self, chunk: Sequence[Write]) -> None:
        """Send a chunk, and what of it surely did not arrive, a few times."""
        rows = chunk
        for _ in range(ATTEMPTS_PER_REQUEST):
            self._send(self._as_planned(rows), attempts_left=ATTEMPTS_PER_ROW - 1)
            rows, self._unreached = self._unreached, []
            if not rows:
                return
        self._stop_unanswered(rows)

    def _stop_unanswered(self, writes: Sequence[Write]) -> None:
        self._books.stop(f"write {writes[0].object}: no answer, and nothing arrived, several times")

    def _send_again(self, attempts_left: int) -> None:
        locked, self._again = self._again, []
        if locked and not self._books.stopped_because:
            time.sleep(SECONDS_BEFORE_AGAIN * (ATTEMPTS_PER_ROW - 1 - attempts_left))
        for chunk in _chunks(locked, self._books.crm.rows_per_write):
            # A lock means that somebody else was writing: that may have moved the record.
            for write in self._as_planned(chunk):
                if not self._books.stopped_because:
                    self._send([write], attempts_left)
        self._again += self._unreached
        self._unreached = []

    def _as_planned(self, chunk: Sequence[Write]) -> list[Write]:
        """Return the rows whose records are still as the plan found them; note the others (K2)."""
        books = self._books
        if books.stopped_because:
            return []
        if chunk[0].operation == "create":
            return books.complete(chunk)
        try:
            moved = moved_records(books.crm, books.schemas[chunk[0].object], chunk)
        except CrmError as error:
            books.stop(str(error))
            return []
        books.leave_alone(moved)
        moved_keys = {record.record_id for record in moved}
        return [write for write in chunk if write.key not in moved_keys]

    def _send(self, chunk: Sequence[Write], attempts_left: int) -> None:
        if not chunk:
            return
        with self._books.sending(chunk) as attempts:
            refused = self._ask(attempts, attempts_left)
            if refused:
                self._search(attempts, refused, attempts_left)

    def _ask(self, attempts: Sequence[Attempt], attempts_left: int) -> CrmRequestError | None:
        """Send one request and note its answers; return a refusal of the request as a whole."""
        try:
            results = self._request([attempt.write for attempt in attempts])
        except CrmRequestError as refused:
            return refused
        except CrmUnavailableError as error:
            self._find_out(attempts, error)
            return None
        except CrmError as error:
            self._books.stop(str(error))
            self._note_refused(attempts, error, is_transient=True)
            return None
        doubled = []
        for attempt, result in zip(attempts, results, strict=True):
            if _exists_already(attempt.write, result):
                doubled.append((attempt, result))
            else:
                self._note(attempt, result, attempts_left)
        self._look_up(doubled)
        return None

    def _request(self, writes: Sequence[Write]) -> list[RowResult]:
        crm, name = self._books.crm, writes[0].object
        if writes[0].operation == "delete":
            return crm.delete_many(name, [write.key for write in writes])
        rows = [write.as_record(self._books.schemas[name]) for write in writes]
        if writes[0].operation == "create":
            return crm.create_many(name, rows)
        return crm.update_many(name, rows)

    def _find_out(self, attempts: Sequence[Attempt], error: CrmUnavailableError) -> None:
        """Read what became of a request whose answer was lost; never repeat it blindly.

        Where not even that is answered, the attempts stay without an outcome: whoever comes
        next settles them.
        """
        books, writes = self._books, [attempt.write for attempt in attempts]
        try:
            schema = books.schemas[writes[0].object]
            earlier = books.made_earlier(attempts)
            fates = find_fates(books.crm, schema, writes, first_sent(attempts), earlier=earlier)
        except CrmError:
            books.stop(str(error))
            return
        for attempt, fate in zip(attempts, fates, strict=True):
            if fate.state == "arrived":
                books.note_written(attempt, fate.record_id)
            elif fate.state == "overtaken":
                books.note_overtaken(attempt, fate.reason)
            else:
                books.note_again(attempt, _as_result(error))
                self._unreached.append(attempt.write)

    def _look_up(self, doubled: Sequence[tuple[Attempt, RowResult]]) -> None:
        """Find creations whose key is taken: by the record that they were to create, mostly."""
        if not doubled:
            return
        books, attempts = self._books, [attempt for attempt, _ in doubled]
        writes = [attempt.write for attempt in attempts]
        schema = books.schemas[writes[0].object]
        try:
            known = created_by_us(books.crm, schema, writes, first_sent(attempts))
        except CrmError as error:
            books.stop(str(error))
            return
        for attempt, result in doubled:
            if attempt.write.key in known:
                books.note_written(attempt, known[attempt.write.key])
            else:
                self._note(attempt, result, attempts_left=0)

    def _search(
        self, attempts: Sequence[Attempt], refused: CrmRequestError, attempts_left: int
    ) -> None:
        """Halve a refused request until the row at fault is alone, and spare the others.

        A row is at fault itself only if it was refused alone while the org took its neighbours.
        Where it takes none of them, or the reason changes, it is not about rows at all.
        """
        groups, alone = deque([attempts]), list[Attempt]()
        is_any_taken = False
        while groups and not self._books.stopped_because:
            group = groups.popleft()
            if len(group) == 1:
                alone += group
                continue
            is_early = len(group) > len(attempts) >> SEARCH_LEVELS
            if self._searches_left < 2 or not (is_any_taken or is_early):
                self._books.stop(str(refused))
                groups.append(group)
                continue
            middle = len(group) // 2
            halves = [
                half
                for half in (group[:middle], group[middle:])
                if self._is_refused(half, refused, attempts_left)
            ]
            groups += halves
            is_any_taken = is_any_taken or len(halves) < 2
        if len(attempts) > 1 and not is_any_taken:
            self._books.stop(str(refused))
        self._note_refused(alone, refused, is_transient=not is_any_taken)
        for group in groups:
            self._note_refused(group, refused, is_transient=True)

    def _is_refused(
        self, attempts: Sequence[Attempt], refused: CrmRequestError, attempts_left: int
    ) -> bool:
        if self._books.stopped_because:
            return True
        self._searches_left -= 1
        answer = self._ask(attempts, attempts_left)
        if answer and answer.code != refused.code:
            self._books.stop(str(answer))
        return answer is not None

    def _note_refused(
        self, attempts: Sequence[Attempt], error: CrmError, *, is_transient: bool
    ) -> None:
        """Note a refusal that came for a request and not for its rows."""
        for attempt in attempts:
            self._books.note_refused(attempt, _as_result(error), is_transient=is_transient)

    def _note(self, attempt: Attempt, result: RowResult, attempts_left: int) -> None:
        if result.success:
            self._books.note_written(attempt, result.id)
            return
        error = first_error(result)
        known = refusal(error.code)
        is_transient = known.is_transient or error.is_transient
        may_go_again = is_transient and known.handling is not Handling.STOP
        if may_go_again and attempts_left > 0 and len(self._again) < ROWS_SENT_AGAIN:
            self._again.append(attempt.write)
            self._books.note_again(attempt, result)
        else:
            self._books.note_refused(attempt, result, is_transient=is_transient)


def _exists_already(write: Write, result: RowResult) -> bool:
    if result.success:
        return False
    return refusal(first_error(result).code, write.operation).handling is Handling.EXISTS


def _as_result(error: CrmError) -> RowResult:
    return RowResult(False, None, (RowError(error.code, str(error), (), is_transient=True),))


def _chunks(writes: Iterable[Write], size: int) -> Iterator[list[Write]]:
    remaining = iter(writes)
    while chunk := list(islice(remaining, size)):
        yield chunk
