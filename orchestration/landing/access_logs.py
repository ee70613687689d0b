r"""Access logs of one's own pixel and redirect host (A4): lines of text, or nginx's JSON.

A line of text is taken apart by one regular expression. Its parts are named as nginx names them,
so that both kinds of log read the same, and hold what the line holds to the letter (`\"` stays
`\"`): put together again, they are the line.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from orchestration.landing.lines import Blocks, LineReader
from orchestration.landing.piece import Outcome, Piece, Target
from orchestration.landing.record_sql import Check, RecordRules
from orchestration.landing.records import read_records
from orchestration.landing.timestamps import not_plausible, time_reason

_PLACE = "access_logs"

#: `access.log`, `access.log.1`, `access.log-20261001`, `access_log`, JSON; gzipped or not.
_NAME = re.compile(r"(?:^|[._-])(?:log|json|ndjson|jsonl)(?:[._-]\d+)*(?:\.gz)?$|\.gz$", re.I)

_QUOTED = r'(?:[^"\\]|\\.)*'

#: Common and combined format, and what is usually added: Apache's virtual host in front
#: (`vhost_combined`), nginx's forwarded addresses behind (`main`). A `quote` tells "" from nothing.
_PARTS = (
    r"^(?:(?P<host>[A-Za-z0-9.-]+:\d{1,5}) )?",
    r"(?P<remote_addr>\S+) (?P<remote_logname>\S+) (?P<remote_user>.+?) ",
    r"\[(?P<time_local>\d{1,2}/[A-Za-z]{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] ",
    rf'"(?P<request>{_QUOTED})" (?P<status>\d{{3}}) (?P<body_bytes_sent>\d+|-)',
    rf'(?: (?P<quote>")(?P<http_referer>{_QUOTED})" "(?P<http_user_agent>{_QUOTED})"',
    rf'(?: (?P<last_quote>")(?P<http_x_forwarded_for>{_QUOTED})")?(?P<rest> .*)?)?$',
)
_PATTERN = re.compile("".join(_PARTS))
_NAMES = ", ".join(f"'{name}'" for name in _PATTERN.groupindex)

#: ISO 8601, the logs' own notation, or seconds (or milliseconds) since 1970.
_TIME = (
    "coalesce(try_cast({value} as timestamptz), "
    "try_strptime({value}, '%d/%b/%Y:%H:%M:%S %z'), "
    "try(to_timestamp(try_cast({value} as double) "
    "/ case when try_cast({value} as double) < 1e11 then 1 else 1000 end)))"
)
_NOT_PLAUSIBLE = not_plausible(_TIME)
_TIME_REASON = time_reason(_TIME)

#: Names of nginx's variables, and the usual ones for its time.
JSON_REQUESTS = RecordRules(
    (
        Check(
            ("time_iso8601", "time_local", "msec", "time", "timestamp", "@timestamp"),
            _NOT_PLAUSIBLE,
            _TIME_REASON,
        ),
        Check(("request", "request_uri", "uri")),
        Check(
            "status",
            "not regexp_full_match({value}, '[0-9]+')",
            "'invalid_status: ' || left({value}, 100)",
        ),
    )
)

#: A log that was emptied while its writer went on (`copytruncate`) begins with zeroes.
_PARSED = f"""
with

parsed as (

    select
        line, text,
        unnest([
            regexp_extract(trim(text, e' \\t\\r' || chr(0)), '{_PATTERN.pattern}', [{_NAMES}])
        ]) as parts
    from landing_log_lines
    where trim(text, e' \\t\\r' || chr(0)) <> ''

),

checked as (

    select
        *,
        case
            when parts.time_local = '' then 'unparsable_log_line'
            when {_NOT_PLAUSIBLE.format(value="parts.time_local")}
                then {_TIME_REASON.format(value="parts.time_local")}
        end as reason
    from parsed

)
"""

_KEEP = """
insert into {table} (load_id, file, line, position, loaded_at, payload)
{parsed}
select
    ?, ?, line, 0, ?,
    to_json({{
        'host': nullif(parts.host, ''),
        'remote_addr': parts.remote_addr,
        'remote_logname': parts.remote_logname,
        'remote_user': parts.remote_user,
        'time_local': parts.time_local,
        'request': parts.request,
        'status': parts.status,
        'body_bytes_sent': parts.body_bytes_sent,
        'http_referer': case when parts.quote <> '' then parts.http_referer end,
        'http_user_agent': case when parts.quote <> '' then parts.http_user_agent end,
        'http_x_forwarded_for':
            case when parts.last_quote <> '' then parts.http_x_forwarded_for end,
        'rest': nullif(parts.rest, '')
    }})
from checked
where reason is null
"""

_REJECT = """
insert into raw.rejects (load_id, source, file, line, reason, payload)
{parsed}
select ?, ?, ?, line, reason, left(text, ?)
from checked
where reason is not null
"""


def claims(path: Path) -> bool:
    """Tell whether a path is a log below `access_logs/`, rotated and gzipped ones included."""
    return path.parts[0] == _PLACE and len(path.parts) > 1 and bool(_NAME.search(path.name))


def read(piece: Piece, target: Target) -> Outcome:
    """Load the new lines of a log. The last one waits for its end, or until the file settles.

    Raises:
        UnreadableFileError: no line is UTF-8.
        OSError, FileChangedError: the file cannot be read (any more).
    """
    if piece.content.head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")):
        return read_records(piece, target, JSON_REQUESTS)
    reader = _TextReader(piece, target)
    blocks = Blocks(piece)
    lines = LineReader(piece, blocks)
    for part in lines:
        bad = [(each.line, each.reason, each.text) for each in part.bad]
        reader.outcome.rejected += target.reject_all(bad)
        reader.take(part.frame)
    if piece.is_settled:
        reader.take_tail(blocks.rest, lines.line)
    return reader.outcome


@dataclass
class _TextReader:
    piece: Piece
    target: Target
    outcome: Outcome = field(default_factory=Outcome)

    def take(self, frame: pl.DataFrame) -> None:
        """Load the lines that are requests; the others are rejects, but for empty ones."""
        if self._keep(frame) < frame.height:
            target = self.target
            self.outcome.rejected += target.execute(
                _REJECT.format(parsed=_PARSED),
                [target.load_id, target.source, target.file, target.reject_characters],
            )

    def take_tail(self, data: bytes, line: int) -> None:
        """Take a last line without an end if it is a whole request; else it is cut for good."""
        damage = self.piece.content.damage
        text = data.decode("utf-8", "replace")
        frame = pl.DataFrame({"line": [line], "text": [text]})
        if not damage and text.encode() == data and self._keep(frame):
            self.piece.take(data)
        elif damage or text.strip():
            self.outcome.is_cut = True
            self.reject(line, damage or "truncated", text)

    def _keep(self, frame: pl.DataFrame) -> int:
        target = self.target
        target.frame("landing_log_lines", frame)
        kept = target.execute(
            _KEEP.format(table=target.table, parsed=_PARSED),
            [target.load_id, target.file, target.loaded_at],
        )
        self.outcome.rows += kept
        return kept

    def reject(self, line: int, reason: str, text: str) -> None:
        """Keep a line that is no request."""
        self.target.reject(line, reason, text)
        self.outcome.rejected += 1
