"""The benchmark is no test of speed; these say that it still measures what its table claims."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial

import pytest

from benchmarks.contenders import CONTENDERS, FAIRNESS
from benchmarks.fairness import evening
from benchmarks.hour import Hour, live, replay
from benchmarks.pair import Pair, Window
from benchmarks.payloads import meter_values, size
from benchmarks.reconnect_storm import Storm, outage
from benchmarks.table import Found, table
from benchmarks.throughput import CASES, ratio
from ocpp_lab.simulation import simulate


def test_meter_values_has_650_bytes() -> None:
    """The issue's size, so that the ratios can be compared with others."""
    assert size(meter_values(), separators=(",", ":")) == 650


def test_typed_and_plain_meter_values_say_the_same() -> None:
    """All contenders carry the same readings."""
    from benchmarks.ours import typed_meter_values
    from ocpp_lab.codec import to_object

    plain, typed = meter_values(), to_object(typed_meter_values())
    for payload in (plain, typed):
        del payload["meterValue"][0]["timestamp"]
    assert typed == plain


@pytest.mark.parametrize("letter", ["b′", "c", "d", "g"])
def test_a_contender_makes_round_trips(letter: str) -> None:
    """In two processes that end by themselves; a wrong answer would end the client and raise here."""
    with Pair(letter) as pair:
        pair.dial(2)
        for kind in ("heartbeat", "meter_values"):
            assert pair.client.ask("trips", kind, 2) == 2
            assert pair.measure(kind, 2, 0.01).rate > 0
        assert pair.server.ask("memory") > 1_000_000
    assert (pair.client.process.returncode, pair.server.process.returncode) == (0, 0)


def test_ratio_compares_within_a_round() -> None:
    """A noisy round slows both and changes no ratio: 2, 2 and 3 times as fast are 2 times, whatever the medians say."""
    case = CASES[0]
    rates = {"d": [200.0, 20.0, 900.0], "b": [100.0, 10.0, 300.0]}
    found = {(letter, case): [Window(rate, 1.0) for rate in column] for letter, column in rates.items()}
    assert ratio(found, "d", "b", case) == 2


def test_the_table_shows_every_contender() -> None:
    windows = {(letter, case): [Window(1000.0, 99.0)] * 3 for letter in CONTENDERS for case in CASES}
    found = Found(
        windows=windows,
        watched=windows,
        memory={"a": 16e3, "c": 24e3, "d": 20e3},
        imports={"ocpp_lab": 0.3, "dependencies": 0.2},
        hour=Hour(ours=0.05, bare=0.02, ratio=2.5, frames=77),
        storms={0: Storm(peak=199, dials=600, online=21.0, cpu=3.0)},
    )
    printed = table(found, "made up")
    for letter, contender in CONTENDERS.items():
        assert contender.title in printed or letter == FAIRNESS[0]  # which has a chapter of its own
    for number in ("20.0 kB", "1.25 × a", "1.50 ×", "77 frames", "2.5 ×", "199", "21 s"):
        assert number in printed


def test_a_good_peer_is_answered_beside_flooders() -> None:
    """Both are, in processes that end by themselves; a flooder that is turned away would raise here."""
    found = evening("d", 0.05, flooders=2)
    assert found.alone > 0 and found.beside > 0 and found.answers > 0


def test_the_bare_hour_has_all_frames_of_the_life() -> None:
    """Or the ratio compares two different hours; and a transaction of half an hour with its readings is in it."""
    life = simulate(live, 1)
    actions = Counter(json.loads(text)[2] for _, text in life.charge_point)
    assert (actions["StartTransaction"], actions["MeterValues"], actions["StopTransaction"]) == (1, 30, 1)
    assert actions["BootNotification"] == 1 and actions["Heartbeat"] >= 4 and actions["StatusNotification"] >= 5
    assert len(life.central_system) == len(life.charge_point)
    assert simulate(partial(replay, life), 1) == len(life.central_system) + len(life.charge_point)


def test_jitter_spreads_the_storm() -> None:
    """Without it all dial in the same second; either way everybody comes back."""
    peaks = {}
    for random_range in (0, 10):
        peaks[random_range], dials, online = simulate(partial(outage, 30, random_range))
        assert dials >= 30 and 0 < online < 60
    assert peaks[0] == 30
    assert peaks[10] < 15
