"""The asset of the landing folder: settings in, figures out."""

import json
from pathlib import Path
from typing import Any

from orchestration.assets.ingest import landing_files
from orchestration.settings import Settings
from orchestration.warehouse import Warehouse


def test_l3_a_load_heeds_the_limits_and_shows_its_figures(tmp_path: Path) -> None:
    file = tmp_path / "landing" / "sendgrid" / "events.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"event": "open"}), encoding="utf-8")
    settings = Settings.from_environment(
        {"TOUCHLINE_DATA": str(tmp_path), "TOUCHLINE_LIMITS": "reject_characters=5"}
    )
    results: Any = landing_files(warehouse=Warehouse(settings.warehouse), settings=settings)
    made = {each.asset_key.to_user_string(): each.metadata for each in results}
    assert made["raw/sendgrid_events"] == {
        "files": 1, "rows": 0, "rejected": 1, "skipped": 0, "known_files": 0
    }  # fmt: skip
    with Warehouse(settings.warehouse).connect() as connection:
        kept = connection.execute("select length(payload) from raw.rejects").fetchall()
    assert kept == [(5,)]
    assert made["raw/rejects"] == {"rejected": 1, "skipped": 0}
    assert made["raw/loads"].keys() == {"files", "rows", "seconds"}
