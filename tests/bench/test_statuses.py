"""When the yardstick of statuses says that all is well."""

from collections import Counter

from tests.bench.statuses import Comparison, verdict


def test_a_comparison_of_nothing_falls_short() -> None:
    assert verdict("team", Comparison())[1] is False
    assert verdict("team", Comparison(untold=Counter({("paused", "engaged"): 3})))[1] is False


def test_one_wrong_status_falls_short() -> None:
    told = Counter({("replied", "replied"): 9, ("paused", "engaged"): 1})
    assert verdict("team", Comparison(told))[1] is False
    assert verdict("team", Comparison(told - Counter({("paused", "engaged"): 1})))[1] is True
