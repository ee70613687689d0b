"""Laying the sample that ships with Touchline into the landing folder."""

import shutil
from pathlib import Path

from orchestration.settings import Settings, SettingsError


def lay_sample(settings: Settings) -> int:
    """Copy the sample's files that are not in the landing folder yet; return how many.

    Files that are there stay as they are: a landing folder belongs to whoever fills it.

    Raises:
        SettingsError: another environment than the local one (a sample is not for a real org), or
            a landing folder in a bucket (nor for what others read).
    """
    if not settings.environment.is_local:
        raise SettingsError(
            f"The demo writes made-up figures, and TOUCHLINE_ENV={settings.environment.name!r} "
            f"has a real org. Unset TOUCHLINE_ENV to run it on the local org."
        )
    if not isinstance(settings.landing, Path):
        raise SettingsError(
            f"The demo lays its files into a folder on this machine, and TOUCHLINE_LANDING is "
            f"{settings.landing}. Unset it for the demo; `touchline run` loads from there."
        )
    source = settings.sample / "landing"
    copied = 0
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        target = settings.landing / file.relative_to(source)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            # Under a hidden name first: a copy that is cut short must not pass for the file.
            draft = target.with_name(f".{target.name}.draft")
            shutil.copyfile(file, draft)
            draft.replace(target)
            copied += 1
    return copied
