"""What runs leave behind is kept for a while and not for ever."""

import os
from pathlib import Path

from orchestration.housekeeping import PARSED, hand_on_parsed, keep_newest


def test_only_the_newest_files_and_folders_are_kept(tmp_path: Path) -> None:
    for age, name in enumerate(("newest", "new", "old", "oldest")):
        path = tmp_path / name
        if age % 2:
            path.mkdir()
            (path / "manifest.json").write_text("{}", encoding="utf-8")
        else:
            path.write_text("said", encoding="utf-8")
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
    keep_newest(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "newest"]


def test_a_link_is_removed_and_not_followed(tmp_path: Path) -> None:
    somebodys = tmp_path / "somebody's"
    somebodys.mkdir()
    (somebodys / "file").write_text("kept", encoding="utf-8")
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "link").symlink_to(somebodys)
    keep_newest(runs, 0)
    assert list(runs.iterdir()) == []
    assert (somebodys / "file").exists()


def test_a_folder_that_no_run_has_made_yet_is_no_trouble(tmp_path: Path) -> None:
    keep_newest(tmp_path / "none", 5)
    assert not (tmp_path / "none").exists()


def test_a_build_starts_from_what_the_newest_one_before_it_has_parsed(tmp_path: Path) -> None:
    for age, name in enumerate(("ended_early", "newest", "old")):
        (tmp_path / name).mkdir()
        if name != "ended_early":
            (tmp_path / name / PARSED).write_text(name, encoding="utf-8")
        os.utime(tmp_path / name, (1_700_000_000 - age, 1_700_000_000 - age))
    hand_on_parsed(tmp_path, tmp_path / "next")
    assert (tmp_path / "next" / PARSED).read_text(encoding="utf-8") == "newest"
