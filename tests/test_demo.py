"""The sample in the landing folder: whole files or none, and nobody's file overwritten."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.demo import lay_sample
from orchestration.landing.discovery import find_files
from orchestration.settings import Settings, SettingsError

#: Lays the sample where no file may grow beyond 4 KB: the copy is cut short, as on a full disk.
LAY_ON_A_FULL_DISK = """
import resource, signal, sys
from orchestration.demo import lay_sample
from orchestration.settings import Settings
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
lay_sample(Settings.from_environment({"TOUCHLINE_DATA": sys.argv[1]}))
"""


def contents(folder: Path) -> dict[str, bytes]:
    return {found.file: found.path.read_bytes() for found in find_files(folder)}


def test_a_copy_that_is_cut_short_does_not_pass_for_the_file(tmp_path: Path) -> None:
    settings = Settings.from_environment({"TOUCHLINE_DATA": str(tmp_path)})
    sample = contents(settings.sample / "landing")
    cut = subprocess.run(
        [sys.executable, "-c", LAY_ON_A_FULL_DISK, str(tmp_path)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert "File too large" in cut.stderr
    assert contents(tmp_path / "landing").items() <= sample.items()
    lay_sample(settings)
    assert contents(tmp_path / "landing") == sample
    assert lay_sample(settings) == 0


def test_a_file_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    settings = Settings.from_environment({"TOUCHLINE_DATA": str(tmp_path)})
    name = min(contents(settings.sample / "landing"))
    somebodys = tmp_path / "landing" / name
    somebodys.parent.mkdir(parents=True)
    somebodys.write_text("somebody's", encoding="utf-8")
    lay_sample(settings)
    assert somebodys.read_text(encoding="utf-8") == "somebody's"


def test_the_sample_is_laid_into_no_bucket(tmp_path: Path) -> None:
    given = {"TOUCHLINE_DATA": str(tmp_path), "TOUCHLINE_LANDING": "s3://logs/landing"}
    with pytest.raises(SettingsError, match=r"s3://logs/landing. Unset it"):
        lay_sample(Settings.from_environment(given))
    assert list(tmp_path.iterdir()) == []
