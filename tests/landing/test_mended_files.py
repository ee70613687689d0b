"""A8, A9: a mended file settles old rejects, and known content can be loaded again."""

import gzip
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.landing.content import CHUNK_BYTES
from orchestration.landing.limits import Limits
from orchestration.landing.load import load
from orchestration.landing.names import NoSuchFileError
from orchestration.landing.reload import request_reload
from orchestration.landing.settling import settle_by_hand
from tests.landing.folder import Folder, event, events, lines

PROXY_ERROR = "upstream connect error\n"


def open_rejects(folder: Folder) -> list[tuple[str, int | None, str]]:
    """Return file, line and reason of the rejects that somebody could still do something about."""
    return folder.query(
        "select file, line, reason from raw.rejects where settled_at is null order by all"
    )


def reload(folder: Folder, *patterns: str, **limits: int) -> tuple[int, int, int]:
    """Have files loaded again; return the rows, rejects and skipped records that this brought."""
    request_reload(folder.warehouse, folder.path, patterns)
    report = folder.load(**limits)
    return report.rows, report.rejected, report.skipped


def is_exact(folder: Folder) -> bool:
    """Tell whether the loads say what the raw tables hold."""
    said = folder.query(
        "select coalesce(sum(rows), 0), coalesce(sum(rejected), 0), coalesce(sum(skipped), 0) "
        "from raw.loads where source = 'sendgrid'"
    )
    held = folder.query(
        "select (select count(*) from raw.sendgrid_events), "
        "(select count(*) from raw.rejects where source = 'sendgrid'), "
        "(select coalesce(sum(records), 0) from raw.skipped where source = 'sendgrid')"
    )
    return said == held


def test_a8_a_mended_file_settles_the_rejects_of_the_old_one(folder: Folder) -> None:
    folder.write("sendgrid/a.ndjson", events(1) + PROXY_ERROR + events(2))
    folder.write("sendgrid/b.ndjson", PROXY_ERROR)
    folder.load()
    folder.write("sendgrid/a.ndjson", events(1, 3, 2))
    folder.load()
    assert open_rejects(folder) == [("sendgrid/b.ndjson", 1, "broken_json")]
    assert len(folder.rejects()) == 2, "every row is kept"
    assert set(folder.event_ids()) == {"event-1", "event-2", "event-3"}
    assert is_exact(folder)


def test_a8_rejects_of_a_log_stay_open_while_it_grows(folder: Folder) -> None:
    folder.write("sendgrid/log.ndjson", events(1) + PROXY_ERROR)
    folder.load()
    folder.append("sendgrid/log.ndjson", events(2))
    folder.load()
    assert open_rejects(folder) == [("sendgrid/log.ndjson", 2, "broken_json")]


def test_a8_what_is_still_broken_in_the_mended_file_is_open_once(folder: Folder) -> None:
    folder.write("sendgrid/a.ndjson", PROXY_ERROR * 2)
    folder.load()
    folder.write("sendgrid/a.ndjson", events(1) + PROXY_ERROR)
    folder.load()
    assert open_rejects(folder) == [("sendgrid/a.ndjson", 2, "broken_json")]


def test_a8_a_log_rotated_under_its_name_settles_what_is_not_in_it_any_more(
    folder: Folder,
) -> None:
    path = folder.write("sendgrid/log.ndjson", events(1) + PROXY_ERROR)
    folder.load()
    path.rename(path.with_name("log.ndjson.1"))
    folder.write("sendgrid/log.ndjson", events(2))
    assert folder.load().rows == 1
    assert open_rejects(folder) == []


def test_a8_mended_to_a_content_that_is_known_loads_nothing_and_settles(folder: Folder) -> None:
    folder.write("sendgrid/a.ndjson", events(1) + PROXY_ERROR)
    folder.write("sendgrid/good.ndjson", events(1, 2))
    folder.load()
    folder.write("sendgrid/a.ndjson", events(1, 2))
    assert folder.load().rows == 0
    assert open_rejects(folder) == []


def test_a8_a_cut_off_end_is_settled_when_the_rest_comes(folder: Folder) -> None:
    second = json.dumps(event(2))
    folder.write("sendgrid/log.ndjson", events(1) + PROXY_ERROR + second[:20], is_old=True)
    folder.load()
    assert [reason for _, _, reason in open_rejects(folder)] == ["broken_json", "truncated"]
    folder.append("sendgrid/log.ndjson", second[20:] + "\n")
    assert folder.load().rows == 1
    assert open_rejects(folder) == [("sendgrid/log.ndjson", 2, "broken_json")]


def test_a8_a_truncated_gzip_is_settled_by_the_whole_one(folder: Folder) -> None:
    whole = gzip.compress(lines(event(n, noise=os.urandom(9).hex()) for n in range(500)).encode())
    folder.write("sendgrid/cut.ndjson.gz", whole[: len(whole) // 2], is_old=True)
    folder.load()
    assert [reason for _, _, reason in open_rejects(folder)] == ["truncated_gzip"]
    folder.write("sendgrid/cut.ndjson.gz", whole)
    folder.load()
    assert open_rejects(folder) == []


def test_a8_a_file_at_the_wrong_place_is_settled_when_it_is_taken_away(folder: Folder) -> None:
    path = folder.write("events.ndjson", events(1))
    folder.load()
    assert open_rejects(folder) == [("events.ndjson", None, "unrecognised_file")]
    (folder.path / "sendgrid").mkdir()
    path.rename(folder.path / "sendgrid" / "events.ndjson")
    assert folder.load().rows == 1
    assert open_rejects(folder) == []


def test_a8_another_problem_takes_the_place_of_the_first(folder: Folder) -> None:
    folder.write("sendgrid/a.ndjson", "{}".encode("utf-16"))
    folder.load()
    folder.write("sendgrid/a.ndjson", "[]".encode("utf-16") * 2)
    folder.load()
    assert len(folder.rejects()) == 2
    assert len(open_rejects(folder)) == 1
    folder.write("sendgrid/a.ndjson", events(1))
    folder.load()
    assert open_rejects(folder) == []


def test_a9_a_file_loaded_again_adds_nothing_that_is_there_already(folder: Folder) -> None:
    folder.write("sendgrid/a.ndjson", events(1, 2) + PROXY_ERROR)
    folder.load()
    assert reload(folder, "sendgrid/a.ndjson") == (0, 0, 0)
    assert folder.event_ids() == ["event-1", "event-2"]
    assert open_rejects(folder) == [("sendgrid/a.ndjson", 3, "broken_json")]
    assert is_exact(folder)
    assert folder.load().files == 0, "it was asked for once"
    assert folder.query("select load_id from raw.reloads") == [(2,)]


def test_a9_what_was_refused_and_is_read_now_is_added_and_its_reject_settled(
    folder: Folder,
) -> None:
    """As after an upgrade: the rejects of an earlier version are there, its rows are not."""
    folder.write("sendgrid/a.ndjson", events(1, 2, 3) + PROXY_ERROR)
    folder.load()
    with folder.warehouse.connect() as connection:
        connection.execute(
            "insert into raw.rejects (load_id, source, file, line, reason, payload) "
            "select load_id, 'sendgrid', file, line, 'unknown_event_type: open', payload "
            "from raw.sendgrid_events where line = 2"
        )
        connection.execute("delete from raw.sendgrid_events where line = 2")
        connection.execute("update raw.loads set rows = 2, rejected = 2")
    assert reload(folder, "sendgrid/*") == (1, 0, 0)
    assert folder.places() == [("sendgrid/a.ndjson", n, 0) for n in (1, 2, 3)]
    assert folder.query("select load_id, line from raw.sendgrid_events where load_id > 1") == [
        (2, 2)
    ]
    assert open_rejects(folder) == [("sendgrid/a.ndjson", 4, "broken_json")]
    assert is_exact(folder)


def test_a9_a_raised_limit_lets_a_file_in(folder: Folder) -> None:
    large = event(1, note="x" * 3 * CHUNK_BYTES)
    folder.write("sendgrid/large.json", json.dumps([event(0), large, event(2)], indent=2))
    assert folder.load(document_bytes=CHUNK_BYTES).rows == 2
    assert [reason[:9] for _, _, reason in open_rejects(folder)] == ["too_large"]
    assert folder.load().rows == 0, "it was looked at, and looks as it did"
    assert reload(folder, "*/large.json") == (1, 0, 0)
    assert open_rejects(folder) == []


def test_a9_a_log_that_grew_and_was_renamed_is_known_in_all_its_parts(folder: Folder) -> None:
    path = folder.write("sendgrid/log.ndjson", events(*range(30)) + PROXY_ERROR)
    folder.load()
    folder.append("sendgrid/log.ndjson", events(30, 31))
    folder.load()
    path.rename(path.with_name("log.ndjson.1"))
    assert reload(folder, "sendgrid/log.ndjson.1") == (0, 0, 0)
    assert len(folder.event_ids()) == 32
    assert is_exact(folder)


def test_a9_the_same_mail_in_two_mailboxes_stays_two_facts(folder: Folder) -> None:
    mail = "From: a@visitor.example\nSubject: hello\nMessage-ID: <1@visitor.example>\n\nhello\n"
    for name in ("ann@team.example", "bob@team.example"):
        folder.write(f"mailboxes/{name}/1.eml", mail)
    folder.load()
    assert reload(folder, "mailboxes/*") == (0, 0, 0)
    assert folder.query("select count(*) from raw.mailbox_messages") == [(2,)]


def test_a9_skipped_records_are_counted_once(folder: Folder) -> None:
    confirmation = json.dumps({"Type": "SubscriptionConfirmation"}) + "\n"
    folder.write("ses/a.ndjson", confirmation * 3)
    assert folder.load().skipped == 3
    assert reload(folder, "ses/a.ndjson") == (0, 0, 0)
    assert folder.query("select sum(records) from raw.skipped") == [(3,)]


def test_a9_a_reload_that_still_fails_is_asked_for_once(folder: Folder) -> None:
    folder.write("sendgrid/a.ndjson", "{}".encode("utf-16"))
    folder.load()
    assert reload(folder, "sendgrid/a.ndjson") == (0, 1, 0)
    assert folder.load().files == 0
    assert len(open_rejects(folder)) == 1


def test_a_name_that_fits_no_file_is_refused(folder: Folder) -> None:
    folder.write("sendgrid/a.ndjson", events(1))
    with pytest.raises(NoSuchFileError, match=r"no file 'sendgrid/b\*' in .*touchline status"):
        request_reload(folder.warehouse, folder.path, ["sendgrid/a.ndjson", "sendgrid/b*"])
    assert folder.load().rows == 1, "and nothing was asked for"


def test_a9_a_file_whose_name_is_a_pattern_can_be_named(folder: Folder) -> None:
    folder.write("sendgrid/[a].ndjson", events(1))
    folder.write("sendgrid/a.ndjson", events(2))
    asked = request_reload(folder.warehouse, folder.path, ["sendgrid/[[]a].ndjson"])
    assert asked == ["sendgrid/[a].ndjson"]
    assert request_reload(folder.warehouse, folder.path, ["sendgrid/[a].ndjson"]) == [
        "sendgrid/[a].ndjson"
    ]


def test_a8_somebody_may_say_that_nobody_will_mend_a_file(folder: Folder) -> None:
    folder.write("sendgrid/a.ndjson", events(1) + PROXY_ERROR * 2)
    folder.write("sendgrid/b.ndjson", PROXY_ERROR)
    folder.load()
    assert settle_by_hand(folder.warehouse, ["sendgrid/a*"]) == {"sendgrid/a.ndjson": 2}
    assert open_rejects(folder) == [("sendgrid/b.ndjson", 1, "broken_json")]
    with pytest.raises(NoSuchFileError, match="with open rejects"):
        settle_by_hand(folder.warehouse, ["sendgrid/a*"])
    assert len(folder.rejects()) == 3


LOAD = """
import sys
from pathlib import Path
from orchestration.landing.limits import Limits
from orchestration.landing.load import load
from orchestration.warehouse import Warehouse
load(Warehouse(Path(sys.argv[1])), Path(sys.argv[2]), limits=Limits(frame_rows=500))
"""


@pytest.mark.slow
def test_a9_a_killed_reload_is_done_again_and_exact(folder: Folder) -> None:
    """Killed at moments all over a reload: what was asked for is neither lost nor half done."""
    count = 60_000
    folder.write("sendgrid/a.ndjson", events(*range(count)) + PROXY_ERROR)
    load(folder.warehouse, folder.path, limits=Limits())
    with folder.warehouse.connect() as connection:
        connection.execute("delete from raw.sendgrid_events where line % 1000 = 1")
        connection.execute("update raw.loads set rows = rows - 60")
    request_reload(folder.warehouse, folder.path, ["sendgrid/a.ndjson"])
    for tenths in range(4, 16):
        running = subprocess.Popen(
            [sys.executable, "-c", LOAD, str(folder.warehouse.path), str(folder.path)],
            cwd=Path(__file__).parents[2],
        )
        try:
            running.wait(tenths / 10)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGKILL)
        running.wait()
    folder.load()
    assert folder.query("select count(*), count(distinct line) from raw.sendgrid_events") == [
        (count, count)
    ]
    assert open_rejects(folder) == [("sendgrid/a.ndjson", count + 1, "broken_json")]
    assert is_exact(folder)
