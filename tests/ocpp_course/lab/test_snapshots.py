"""Keys taken apart, sums by a label, differences that survive a restart."""

from __future__ import annotations

import pytest
from prometheus_client import Counter

from ocpp_course.lab import labelled, moved, short
from ocpp_course.lab.snapshots import series
from ocpp_lab import Metrics

CALLS = "ocpp_calls_total"


def calls(action: str, outcome: str) -> str:
    return f'{CALLS}{{action="{action}",outcome="{outcome}"}}'


def test_a_key_is_taken_apart_as_prometheus_writes_it() -> None:
    """Labels by name and not by position; a comma or a brace inside a value is no end."""
    assert series("ocpp_outbox_depth") == ("ocpp_outbox_depth", {})
    assert series(calls("Reset", "lost")) == (CALLS, {"action": "Reset", "outcome": "lost"})
    assert series('x{b="1,2}",a="say \\"no\\""}') == ("x", {"b": "1,2}", "a": 'say \\"no\\"'})
    with pytest.raises(ValueError, match=r"expected name\{label"):
        series("two words")


def test_the_keys_of_a_real_snapshot_are_understood() -> None:
    metrics = Metrics()
    counter = Counter("ocpp_odd", "x", ["what"], registry=metrics.registry)
    counter.labels('a "b",\n{c}').inc()
    metrics.observe_call("result", 0.002)
    names = {series(key)[0] for key in metrics.snapshot()}
    assert {"ocpp_odd_total", "ocpp_call_seconds_bucket", "ocpp_call_seconds_sum"} <= names


def test_sums_by_a_label() -> None:
    """Over all other labels; zeros are left out; a longer name that begins alike is another metric."""
    snapshot = {calls("A", "result"): 2, calls("B", "result"): 3, calls("A", "lost"): 0, f"{CALLS}_x": 9}
    assert labelled(snapshot, CALLS, "outcome") == {"result": 5}
    assert labelled(snapshot, CALLS, "action") == {"A": 2, "B": 3}
    assert labelled(snapshot, "ocpp_nothing", "x") == {}


def test_what_moved_is_a_difference() -> None:
    """A series that nobody touched before counts from 0; one that stands still is left out; gauges may fall."""
    before = {calls("A", "result"): 1000, "ocpp_outbox_depth": 5, "same": 7}
    after = {calls("A", "result"): 1002, calls("A", "lost"): 1, "ocpp_outbox_depth": 2, "same": 7}
    changes = moved(before, after)
    assert changes == {calls("A", "result"): 2, calls("A", "lost"): 1, "ocpp_outbox_depth": -3}
    assert moved(before, after, CALLS) == {calls("A", "result"): 2, calls("A", "lost"): 1}
    assert short(changes) == "calls A result +2 · calls A lost +1 · outbox_depth -3"
    assert short({}) == "nothing moved"


def test_a_counter_that_restarted_counts_from_0() -> None:
    """It went back: its process is new, and all that it shows came since."""
    assert moved({calls("A", "result"): 1000}, {calls("A", "result"): 3}) == {calls("A", "result"): 3}
