"""A9, A10: however files are cut, doubled, renamed and compressed, nothing is lost or made up."""

import gzip
import json
import tempfile
from pathlib import Path
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.warehouse import Warehouse
from tests.landing.folder import Folder, event, lines

EVENTS = [event(number, text="ø \u2028 \\u0041 \n", amount=1.50) for number in range(24)]
EXPECTED = {json.dumps(each, sort_keys=True) for each in EVENTS}


def _folder(directory: str) -> Folder:
    landing = Path(directory) / "landing"
    landing.mkdir()
    return Folder(landing, Warehouse(Path(directory) / "warehouse.duckdb"))


def _content(events: list[dict[str, object]], layout: str) -> bytes:
    match layout:
        case "lines":
            return lines(events).encode()
        case "arrays":
            return lines([events[:3], events[3:]]).encode()
        case "pretty":
            return json.dumps(events, indent=2, ensure_ascii=False).encode()
        case _:
            return gzip.compress(lines(events).encode())


PILES = st.lists(
    st.tuples(
        st.sampled_from(["lines", "arrays", "pretty", "gzip"]),
        st.integers(0, len(EVENTS)),
        st.integers(0, len(EVENTS)),
    ),
    max_size=5,
)


@settings(max_examples=8, deadline=None)
@given(piles=PILES, order=st.randoms(use_true_random=False))
def test_a10_any_arrangement_of_files_gives_the_same_records(
    piles: list[tuple[str, int, int]], order: Random
) -> None:
    files = [_content(EVENTS[min(a, b) : max(a, b)], layout) for layout, a, b in piles]
    files += [_content(EVENTS[:9], "lines"), _content(EVENTS[9:], "pretty")]
    files += files[:2]
    order.shuffle(files)
    with tempfile.TemporaryDirectory() as directory:
        folder = _folder(directory)
        for number, content in enumerate(files):
            folder.write(f"sendgrid/{number}.json", content)
            if order.random() < 0.3:
                folder.load()
        folder.load()
        assert {json.dumps(p, sort_keys=True) for p in folder.payloads()} == EXPECTED
        distinct = "count(distinct cast(json(payload) as varchar))"
        assert folder.query(f"select {distinct} from raw.sendgrid_events") == [(24,)]
        assert folder.rejects() == []
        assert folder.load().rows == 0


@settings(max_examples=8, deadline=None)
@given(
    layout=st.sampled_from(["lines", "arrays", "pretty"]),
    cuts=st.lists(st.floats(0, 1), min_size=1, max_size=4),
)
def test_a9_a_file_may_grow_in_any_steps(layout: str, cuts: list[float]) -> None:
    content = _content(EVENTS, layout)
    offsets = sorted(int(cut * len(content)) for cut in cuts)
    with tempfile.TemporaryDirectory() as directory:
        folder = _folder(directory)
        for start, stop in zip([0, *offsets], [*offsets, len(content)], strict=True):
            (folder.path / "sendgrid").mkdir(exist_ok=True)
            folder.append("sendgrid/growing.json", content[start:stop])
            folder.load()
        assert [json.dumps(p, sort_keys=True) for p in folder.payloads()] == [
            json.dumps(each, sort_keys=True) for each in EVENTS
        ]
        assert folder.rejects() == []
