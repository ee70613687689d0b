"""Whatever happened before: an undo restores what still holds our value, and touches no other (K6).

Proven on the org's full state, against an oracle. More are played by
`HISTORIES=60 pytest tests/writeback/test_any_history.py`.
"""

import os
import random

import pytest

from tests.crm.live_org import LiveOrg
from tests.writeback.history import History
from tests.writeback.stage import Stage

pytestmark = pytest.mark.slow

SEEDS = range(int(os.environ.get("HISTORIES", "4")))


@pytest.mark.parametrize("seed", SEEDS)
def test_k6_after_any_history_an_undo_leaves_the_org_as_the_oracle_says(
    org: LiveOrg, stage: Stage, seed: int
) -> None:
    History(org, stage, random.Random(seed)).play(steps=14)
