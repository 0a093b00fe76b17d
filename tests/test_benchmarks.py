"""The benchmark is no test of speed; these say that it still measures what its table claims."""

from __future__ import annotations

import pytest

from benchmarks.contenders import CONTENDERS
from benchmarks.pair import Pair, Window
from benchmarks.payloads import meter_values, size
from benchmarks.table import table
from benchmarks.throughput import CASES, ratio


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


@pytest.mark.parametrize("letter", ["b′", "c", "d"])
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
    found = {(letter, case): [Window(1000.0, 99.0)] * 3 for letter in CONTENDERS for case in CASES}
    printed = table(found, {"a": 16e3, "c": 24e3, "d": 20e3}, {"ocpp_lab": 0.3, "dependencies": 0.2}, "made up")
    for contender in CONTENDERS.values():
        assert contender.title in printed
    assert "20.0 kB" in printed and "1.25 × a" in printed and "1.50 ×" in printed
