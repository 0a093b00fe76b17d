"""The drawings behind the sliders agree with what the real thing does."""

from __future__ import annotations

import math
from collections import Counter
from functools import partial

from ocpp_course.lab import back_off_sliders, outages, percentile_sliders
from ocpp_course.lab.what_if import AWAY, FLEET, heaps, storm
from ocpp_lab.simulation import simulate


def test_the_fleet_of_the_sliders_is_the_simulated_one() -> None:
    """The same waits by the same chance; the simulation also has a network, which moves a dial by some milliseconds."""
    dials = simulate(partial(outages, charge_points=FLEET, seconds=AWAY, ranges=[10]))[10]
    peak = max(Counter(int(dial.at) for dial in dials).values())
    assert storm(3, 3, 10).finding.startswith(f"At most {peak} dials in one second;")


def test_without_jitter_all_dial_at_once() -> None:
    drawn = storm(3, 3, 0)
    assert drawn.finding == "At most 200 dials in one second; the last one is back 1 s after the central system"
    vain, back = drawn.paths
    assert (vain.count("M"), back.count("M")) == (2, 1)  # after 3, 9 and 21 s


def test_a_percentile_is_as_good_as_its_buckets() -> None:
    answers = [0.01] * 98 + [2.0, math.inf]
    assert "buckets: 2.0 s; of the calls themselves: 2.0 s" in heaps(answers, 30, (0.01, 0.02, 2.0, 60.0)).finding
    assert "buckets: 20 milliseconds;" in heaps(answers, 30, (0.01, 0.02)).finding  # all that is known is: more
    assert "themselves: 500 milliseconds" in heaps(answers, 0.5, (0.01, 1.0)).finding


def test_both_begin_where_the_notebooks_are() -> None:
    assert back_off_sliders().alt.startswith("minimum 3 s, repeats 3, random range 0 s: At most 200 dials")
    assert percentile_sliders().alt.startswith("timeout 30 s, buckets ours, 16: p99 read from the buckets: 22.1 s")
