"""Each planted fault shows in the numbers that are its own, and in no other."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest

from ocpp_course.lab import Case, between, buckets, labelled, moved, quantile
from ocpp_course.lab.case import FAULTS, Hour
from ocpp_lab.simulation import simulate

SEEDS = (1, 2)


@cache
def hour(seed: int, fault: str) -> Case:
    return Case(seed, fault)


def signs(case: Case) -> dict[str, float]:
    """What an operator looks at."""
    change = moved(case.before, case.after)
    ends, dials = (labelled(change, f"ocpp_{what}_total", "outcome") for what in ("calls", "dials"))
    total = sum(ends.values())
    return {
        "error": ends.get("error", 0) / max(total, 1),
        "timeout": ends.get("timeout", 0) / max(total, 1),
        "lost": ends.get("lost", 0),
        "losses": change.get("ocpp_connection_losses_total", 0),
        "unreachable": dials.get("unreachable", 0),
        "connected": dials.get("connected", 0),
        "refused": dials.get("refused_401", 0),
        "p50": quantile(between(buckets(case.before), buckets(case.after)), 0.5),
        "total": total,
    }


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_its_signs(fault: str, seed: int) -> None:
    case = hour(seed, fault)
    said = signs(case)
    wanted = {
        "healthy": 0 < said["timeout"] < 0.05 and said["p50"] < 0.5,
        "peer-silent": said["timeout"] > 0.2,
        "peer-slow": said["p50"] > 1,
        "peer-refuses": said["error"] > 0.2,
        "link-cut": said["lost"] > 3 and said["connected"] > 3,
        "half-open": said["unreachable"] > 3 and said["losses"] > 1,
        "credentials": said["refused"] > 20 and said["losses"] == 1,
    }
    assert wanted[fault], said
    quiet = {"lost", "losses", "unreachable", "connected", "refused"}
    if fault in ("healthy", "peer-silent", "peer-slow", "peer-refuses"):
        assert not any(said[name] for name in quiet), said
    assert case.answer == fault


@pytest.mark.parametrize("fault", FAULTS)
def test_the_history_before_is_healthy_and_large(fault: str) -> None:
    """Only differences tell: what was counted before the fault is a multiple of what a look at the end would excuse."""
    case = hour(1, fault)
    assert labelled(case.before, "ocpp_calls_total", "outcome").keys() == {"result"}
    assert labelled(case.before, "ocpp_calls_total", "outcome")["result"] > 150


@pytest.mark.parametrize("fault", FAULTS)
def test_the_numbers_do_not_depend_on_the_order_of_simultaneous_events(fault: str) -> None:
    """A notebook prints them: another seed of the network gives the same counts for the same strength."""
    counts = set()
    for seed in SEEDS:
        before, after = simulate(lambda world: Hour(world, fault, Random(7)).play(), seed)
        counts.add(tuple(moved(before, after, "ocpp_calls_total", "ocpp_dials_total").items()))
    assert len(counts) == 1


def test_the_same_number_is_the_same_hour() -> None:
    one, two = Case(5), Case(5)
    calls = "ocpp_calls_total"
    assert one.answer == two.answer
    assert moved(one.before, one.after, calls) == moved(two.before, two.after, calls)


def test_numbers_draw_every_fault() -> None:
    """Whoever tries other numbers meets all of them soon."""
    assert {Random(number).choice(Case.faults) for number in range(1, 60)} == set(FAULTS)


def test_the_repr_does_not_tell() -> None:
    case = Case(5)
    assert case.answer not in repr(case)
    with pytest.raises(ValueError, match=r"expected one of healthy, .*, came 'mice'"):
        Case(1, "mice")
