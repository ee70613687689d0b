"""A4, A8, A9: access logs of a pixel and redirect host, in every notation and however broken."""

import gzip
import json
from collections.abc import Mapping

import pytest

from tests.landing.folder import Folder, lines

TABLE = "raw.access_log_requests"
START = "192.0.2.7 - - [01/Oct/2026:10:00:00 +0200]"
PIXEL = f'{START} "GET /o/m1.gif HTTP/1.1" 200 43 "-" "Mozilla/5.0 (X11)"'

#: Lines as servers write them, each of which is a request.
REQUESTS = (
    PIXEL,
    f'{START} "GET /o/m1.gif HTTP/1.1" 200 43',
    f'{START} "GET /c/m1?u=https%3A%2F%2Fx.example HTTP/2.0" 302 - "https://mail.example/" "UA"',
    f'{START} "GET /o/m1.gif HTTP/1.1" 304 0 "-" "UA" "203.0.113.7, 10.0.0.1"',
    f'{START} "GET /o/m1.gif HTTP/1.1" 304 0 "-" "UA" "-" rt=0.001 "upstream" [x]',
    f"{START} " + r'"GET /o/m1.gif HTTP/1.1" 200 43 "-" "say \"hi\" \\ \x22 twice"',
    f'{START} "GET /o/m1.gif HTTP/1.1" 200 43 "" ""',
    f'{START} "-" 408 - "-" "-"',
    f'{START} "" 400 0 "-" "-"',
    f"{START} " + r'"\x16\x03\x01\x02\x00\x01" 400 150 "-" "-"',
    f'{START} "GET /o/ü ö.gif?q=[a] HTTP/1.1" 404 9 "-" "tab\tand\0nul"',
    '2001:db8::1 - - [01/Oct/2026:10:00:00 -0700] "HEAD / HTTP/1.1" 200 0 "-" "curl/8"',
    'proxy.x.example, 10.0.0.1 - - [1/Oct/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 0 "-" "UA"',
    'track.x.example:443 192.0.2.7 - ann lee [01/Oct/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1',
    f'{START} "GET /o/m1.gif HTTP/1.1" 200 43 "-" "{"u" * 1_000_000}"',
)


def line_of(parts: Mapping[str, str | None]) -> str:
    """Put a line together again from the parts that were kept of it."""
    host = f"{parts['host']} " if parts["host"] else ""
    who = f"{parts['remote_addr']} {parts['remote_logname']} {parts['remote_user']}"
    line = f'{host}{who} [{parts["time_local"]}] "{parts["request"]}"'
    line += f" {parts['status']} {parts['body_bytes_sent']}"
    for name in ("http_referer", "http_user_agent", "http_x_forwarded_for"):
        line += "" if parts[name] is None else f' "{parts[name]}"'
    return line + (parts["rest"] or "")


def test_a8_the_parts_of_a_line_are_the_line(folder: Folder) -> None:
    folder.write("access_logs/access.log", "".join(f"{line}\n" for line in REQUESTS))
    report = folder.load()
    assert (report.rows, report.rejected) == (len(REQUESTS), 0)
    assert [line_of(parts) for parts in folder.payloads(TABLE)] == list(REQUESTS)
    assert [line for _, line, _ in folder.places(TABLE)] == [*range(1, len(REQUESTS) + 1)]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2026/10/01 10:00:00 [error] 12#12: *1 open() failed", "unparsable_log_line"),
        (PIXEL.replace("Mozilla", 'Mo"zilla'), "unparsable_log_line"),
        (PIXEL.replace(" 200 ", " OK "), "unparsable_log_line"),
        (PIXEL[20:], "unparsable_log_line"),
        (PIXEL.replace("01/Oct", "41/Oct"), "invalid_timestamp"),
        (PIXEL.replace("Oct", "Okt"), "invalid_timestamp"),
        (PIXEL.replace("2026", "1970"), "implausible_timestamp: 01/Oct/1970:10:00:00 +0200"),
        ('{"status": 200}', "unparsable_log_line"),
        ("' union select 1 --", "unparsable_log_line"),
    ],
)
def test_a8_a_line_that_is_no_request_is_a_reject(folder: Folder, line: str, reason: str) -> None:
    folder.write("access_logs/access.log", f"{PIXEL}\n{line}\r\n\n{PIXEL}\r\n")
    assert folder.load().rows == 2
    assert folder.rejects() == [(2, reason)]
    assert folder.query("select payload from raw.rejects") == [(line,)]


def test_a8_bytes_that_are_no_text_cost_their_line_only(folder: Folder) -> None:
    content = [PIXEL.encode(), PIXEL.encode().replace(b"X11", b"\xff"), PIXEL.encode(), b""]
    folder.write("access_logs/access.log", b"\n".join(content))
    folder.load()
    assert folder.rejects() == [(2, "invalid_utf8")]
    assert len(folder.payloads(TABLE)) == 2


def test_zeroes_in_front_of_a_log_that_was_emptied_in_place_are_no_part_of_it(
    folder: Folder,
) -> None:
    folder.write("access_logs/access.log", "\0" * 5_000 + f"{PIXEL}\n")
    folder.load()
    assert [line_of(parts) for parts in folder.payloads(TABLE)] == [PIXEL]


def test_a4_nginx_json_is_kept_as_it_is(folder: Folder) -> None:
    request = {"request": "GET /o/m1.gif HTTP/1.1", "status": 200}
    good = [
        {"time_iso8601": "2026-10-01T10:00:00+02:00", "remote_addr": "192.0.2.7", **request},
        {"time_local": "01/Oct/2026:10:00:00 +0200", "status": "200", "request_uri": "/o/m1.gif"},
        {"msec": 1790841600.123, "uri": "/o/m1.gif", "status": 200, "request_method": "GET"},
        {"@timestamp": "2026-10-01T08:00:00Z", **request},
    ]
    bad = [
        request,
        {"msec": "1e300", **request},
        {"time": "infinity", **request},
        {"time": "soon", **request},
        {"msec": 1790841600.123, "status": 200},
        {"msec": 1790841600.123, **request, "status": "-"},
    ]
    folder.write("access_logs/json/pixel.json.1.gz", gzip.compress(lines([*good, *bad]).encode()))
    folder.load()
    assert folder.payloads(TABLE) == good
    times = "time_iso8601 or time_local or msec or time or timestamp or @timestamp"
    assert folder.rejects() == [
        (5, f"missing_key: {times}"),
        (6, "invalid_timestamp"),
        (7, "implausible_timestamp: infinity"),
        (8, "invalid_timestamp"),
        (9, "missing_key: request or request_uri or uri"),
        (10, "invalid_status: -"),
    ]


@pytest.mark.parametrize(
    ("name", "is_log"),
    [
        ("access.log", True),
        ("access.log.1", True),
        ("access.log.12.gz", True),
        ("access.log-20261001.gz", True),
        ("access_log", True),
        ("access_log-20261001", True),
        ("pixel/2026/host-access.log.2026-10-01", True),
        ("part-0001.gz", True),
        ("requests.ndjson", True),
        ("catalog", False),
        ("access.log.swp", False),
        ("notes.txt", False),
    ],
)
def test_a4_a_log_is_known_by_its_name(folder: Folder, name: str, *, is_log: bool) -> None:
    content = f"{PIXEL}\n".encode()
    folder.write(f"access_logs/{name}", gzip.compress(content) if ".gz" in name else content)
    report = folder.load()
    assert (report.rows, report.rejected) == ((1, 0) if is_log else (0, 1))


def test_a9_a_log_grows_and_is_rotated_away(folder: Folder) -> None:
    others = [PIXEL.replace("m1", f"m{number}") for number in range(2, 9)]
    path = folder.write("access_logs/access.log", f"{PIXEL}\n{others[0]}\n{others[1][:60]}")
    assert folder.load().rows == 2
    folder.append("access_logs/access.log", f"{others[1][60:]}\n{others[2]}\n")
    assert folder.load().rows == 2
    folder.append("access_logs/access.log", f"{others[3]}\n")
    path.rename(path.with_name("access.log.1"))
    folder.write("access_logs/access.log", f"{others[4]}\n")
    assert folder.load().rows == 2
    rotated = path.with_name("access.log.1")
    folder.write("access_logs/access.log.2.gz", gzip.compress(rotated.read_bytes()))
    rotated.unlink()
    assert folder.load().rows == 0
    assert sorted(line_of(parts) for parts in folder.payloads(TABLE)) == [PIXEL, *others[:5]]


def test_a9_a_last_line_without_an_end_is_taken_once_nothing_follows(folder: Folder) -> None:
    folder.write("access_logs/access.log", f"{PIXEL}\n{PIXEL}")
    assert folder.load().rows == 1
    folder.age("access_logs/access.log")
    assert folder.load().rows == 1
    folder.write("access_logs/cut.log", f"{PIXEL.replace('m1', 'm2')}\n{PIXEL[:-5]}", is_old=True)
    folder.load()
    assert folder.rejects() == [(2, "truncated")]
    folder.write("access_logs/cut.log", f"{PIXEL.replace('m1', 'm2')}\n{PIXEL}\n")
    assert folder.load().rows == 1


def test_a8_a_truncated_gzip_loads_what_is_readable(folder: Folder) -> None:
    requests = [json.dumps(hash(str(number))) for number in range(2_000)]
    content = "".join(PIXEL.replace("m1", number) + "\n" for number in requests)
    whole = gzip.compress(content.encode())
    folder.write("access_logs/access.log.1.gz", whole[: len(whole) // 2], is_old=True)
    report = folder.load()
    assert 0 < report.rows < 2_000
    assert [reason for _, reason in folder.rejects()] == ["truncated_gzip"]
