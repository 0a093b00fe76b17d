"""Percentiles from cumulative buckets: right by hand, and never further off than one bucket."""

from __future__ import annotations

import math
from random import Random

import pytest

from ocpp_course.lab import between, buckets, histogram, quantile
from ocpp_lab import Metrics
from ocpp_lab.metrics import CALL_BUCKETS

INF = math.inf
HAND_MADE = [(1.0, 2.0), (2.0, 6.0), (4.0, 8.0), (INF, 8.0)]


def observed(*seconds: float, outcome: str = "result") -> dict[str, float]:
    metrics = Metrics()
    for each in seconds:
        metrics.observe_call(outcome, each)
    return metrics.snapshot()


@pytest.mark.parametrize(
    ("q", "seconds"), [(0.0, 0.0), (0.125, 0.5), (0.25, 1.0), (0.5, 1.5), (0.75, 2.0), (0.875, 3.0), (1.0, 4.0)]
)
def test_linear_within_the_bucket(q: float, seconds: float) -> None:
    """The rank is q times the number of calls; from 0 in the first bucket."""
    assert quantile(HAND_MADE, q) == pytest.approx(seconds)


def test_an_empty_bucket_is_stepped_over() -> None:
    assert quantile([(1.0, 0.0), (2.0, 0.0), (4.0, 4.0), (INF, 4.0)], 0.0) == 2.0
    assert quantile([(1.0, 4.0), (2.0, 4.0), (4.0, 8.0), (INF, 8.0)], 0.5) == 1.0


def test_beyond_the_last_bound_all_that_is_known_is_more() -> None:
    assert quantile([(1.0, 1.0), (INF, 4.0)], 0.9) == 1.0
    assert quantile([(INF, 4.0)], 0.9) == 0.0


def test_no_calls_is_not_0_s() -> None:
    assert math.isnan(quantile([(1.0, 0.0), (INF, 0.0)], 0.5))
    assert math.isnan(quantile([], 0.5))


@pytest.mark.parametrize("q", [-0.1, 1.1, math.nan])
def test_a_share_is_from_0_to_1(q: float) -> None:
    with pytest.raises(ValueError, match="expected q from 0 to 1"):
        quantile(HAND_MADE, q)


@pytest.mark.parametrize("seed", range(20))
def test_the_true_quantile_lies_in_the_same_bucket(seed: int) -> None:
    rng = Random(seed)
    samples = sorted(rng.lognormvariate(-4, 2) for _ in range(rng.randint(50, 400)))
    counted = buckets(observed(*samples))
    assert [bound for bound, _ in counted] == [*CALL_BUCKETS, INF]
    before = 0.0
    for percent in range(1, 100):
        said, true = quantile(counted, percent / 100), samples[math.ceil(percent / 100 * len(samples)) - 1]
        edges = [0.0, *CALL_BUCKETS]
        low = max(edge for edge in edges if edge < true)
        high = min((edge for edge in edges if edge >= true), default=low)
        assert low <= said <= high and said >= before
        before = said


def test_outcomes_apart_and_together() -> None:
    metrics = Metrics()
    metrics.observe_call("result", 0.002)
    metrics.observe_call("timeout", 30.5)
    snapshot = metrics.snapshot()
    assert buckets(snapshot)[-1] == (INF, 2) and buckets(snapshot, "timeout")[-1] == (INF, 1)
    assert quantile(buckets(snapshot, "result"), 0.99) < 0.0025 < 30 < quantile(buckets(snapshot), 0.99)


def test_between_two_looks() -> None:
    """Differences; after a restart everything counts."""
    one, two = buckets(observed(0.002, 0.002)), buckets(observed(0.002, 0.002, 4))
    assert between(one, two)[-1] == (INF, 1) and quantile(between(one, two), 0.5) > 2.5
    assert between(two, one) == one
    assert between([], two) == two


def test_the_picture_has_its_finding_in_words() -> None:
    snapshot = observed(0.002, 0.002, 29.0) | {}
    picture = histogram(snapshot, "Two and one", alt="2 calls within 2.5 ms, 1 beyond 20 s", marks={"p50": 0.002})
    assert picture.alt == "2 calls within 2.5 ms, 1 beyond 20 s" and len(picture.png) > 5000
    plain = histogram(snapshot, "Two and one", alt="x")
    assert plain.png != picture.png
    assert histogram(observed(), "None", alt="no call").png
