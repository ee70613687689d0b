"""Looking for files in a folder that others write to at the same time."""

import threading
from pathlib import Path

from orchestration.automation import landing_state
from orchestration.landing.discovery import find_files
from orchestration.landing.place import Folder


def found(landing: Path) -> list[str]:
    return [file.file for file in find_files(landing)]


def test_a_file_that_goes_while_it_is_looked_at_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "stays.ndjson").write_text("{}\n", encoding="utf-8")
    stopped = threading.Event()

    def come_and_go() -> None:
        while not stopped.is_set():
            for number in range(20):
                (tmp_path / f"goes-{number}.ndjson").touch()
            for number in range(20):
                (tmp_path / f"goes-{number}.ndjson").unlink()

    busy = threading.Thread(target=come_and_go)
    busy.start()
    try:
        for _ in range(300):
            assert "stays.ndjson" in found(tmp_path)
    finally:
        stopped.set()
        busy.join()


def test_links_are_followed_only_within_the_folder(tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    landing.mkdir()
    (tmp_path / "outside.ndjson").write_text("{}\n", encoding="utf-8")
    (landing / "inside.ndjson").write_text("{}\n", encoding="utf-8")
    for name, target in (
        ("again", landing / "inside.ndjson"),
        ("circle", landing / "circle.ndjson"),
        ("nowhere", landing / "gone.ndjson"),
        ("out", tmp_path / "outside.ndjson"),
    ):
        (landing / f"{name}.ndjson").symlink_to(target)
    assert found(landing) == ["again.ndjson", "inside.ndjson"]


def test_drafts_and_links_out_of_the_folder_start_no_sync(tmp_path: Path) -> None:
    """The sensor looks at what the loader loads."""
    landing = tmp_path / "landing"
    landing.mkdir()
    (tmp_path / "outside.ndjson").write_text("{}\n", encoding="utf-8")
    (landing / "out.ndjson").symlink_to(tmp_path / "outside.ndjson")
    (landing / ".monday.ndjson.draft").write_text("{", encoding="utf-8")
    assert landing_state(Folder(landing)) is None
    (landing / "monday.ndjson").write_text("{}\n", encoding="utf-8")
    before = landing_state(Folder(landing))
    (landing / ".tuesday.ndjson.draft").write_text("{", encoding="utf-8")
    assert landing_state(Folder(landing)) == before is not None
