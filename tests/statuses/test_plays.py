"""What the build says of plays that cannot work (F6)."""

import duckdb
import pytest

from tests.statuses.lives import Json
from tests.statuses.models import Models

pytestmark = pytest.mark.slow


def fill(models: Models, *plays: Json) -> None:
    models.seed("status_precedence", "reply_classes")
    models.fill("enrollments", [{"enrollment_id": "e1", "sequence_id": "s1", "status": "queued"}])
    models.fill("status_plays", plays)


def test_the_plays_that_ship_name_what_there_is_and_can_apply(models: Models) -> None:
    fill(models)
    models.seed("status_plays")
    assert models.rows("every_play_names_what_there_is") == []
    assert models.rows("every_play_can_apply") == []


def test_a_play_that_names_what_there_is_not_fails_the_build_by_name(models: Models) -> None:
    fill(
        models,
        {"priority": 1, "status": "Replied", "crm_value": "A"},
        {"priority": 2, "reply_class": "Bad timing", "crm_value": "B"},
        {"priority": 3, "reply_group": "Bad Timing", "crm_value": "C"},
        {"priority": 4, "status": "replied", "reply_group": "Objection", "crm_value": "D"},
    )
    with pytest.raises(duckdb.Error) as failed:
        models.rows("every_play_names_what_there_is")
    assert (
        "play 1: status Replied, play 2: reply class Bad timing, play 3: reply group Bad Timing. "
        "Mend seeds/status_plays.csv and run again"
    ) in str(failed.value)


def test_a_play_that_can_never_apply_is_warned_of(models: Models) -> None:
    """Nearest neighbours: a wider play after a narrower one is reached."""
    fill(
        models,
        {"priority": 1, "status": "replied", "reply_group": "Objection", "crm_value": "A"},
        {"priority": 2, "status": "replied", "reply_class": "Bad Timing", "crm_value": "shadowed"},
        {"priority": 3, "status": "replied", "crm_value": "B"},
        {"priority": 4, "reply_class": "NSFW", "reply_group": "Positive", "crm_value": "never"},
        {"priority": 5, "sequence_id": "s2", "crm_value": "nobody"},
        {"priority": 6, "sequence_id": "s1", "crm_value": "C"},
        {"priority": 7, "crm_value": "D"},
        {"priority": 8, "status": "queued", "crm_value": "shadowed"},
    )
    assert models.rows("every_play_can_apply") == [
        (2, "play 1 takes whatever it would"),
        (4, "its reply class is of the group Negative"),
        (5, "nobody was ever enrolled in the sequence s2"),
        (8, "play 7 takes whatever it would"),
    ]
