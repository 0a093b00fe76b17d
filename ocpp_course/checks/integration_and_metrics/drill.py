"""The drill of capstone 6: three broken `diagnose`, and pages on which they err; it earns no points."""

from __future__ import annotations

from typing import Any

from ..kit import Kit, short
from ..result import Result
from ..run import run_step
from ..step import Step
from .hours import SECONDS, Snapshot
from .ours import diagnose, is_counter


def _no_before(before: Snapshot, after: Snapshot, seconds: float) -> str:
    return diagnose({}, after, seconds)


def _any_timeout(before: Snapshot, after: Snapshot, seconds: float) -> str:
    keys = [key for key in after if key.startswith("ocpp_calls_total") and 'outcome="timeout"' in key]
    late = any(after[key] > before.get(key, 0.0) for key in keys)
    said = diagnose(before, after, seconds)
    return "peer-silent" if said == "healthy" and late else said


def _each_alone(before: Snapshot, after: Snapshot, seconds: float) -> str:
    alone = {key: value for key, value in before.items() if not is_counter(key) or value <= after.get(key, 0.0)}
    return diagnose(alone, after, seconds)


BROKEN = {"A": _no_before, "B": _any_timeout, "C": _each_alone}
DONE = 'ocpp_calls_total{action="Authorize",outcome="result"}'
LATE = 'ocpp_calls_total{action="Authorize",outcome="timeout"}'
DRILL = {
    "A": ({DONE: 1000.0, LATE: 400.0}, {DONE: 2000.0, LATE: 400.0}),
    "B": ({DONE: 1000.0}, {DONE: 9000.0, LATE: 1.0}),
    "C": ({DONE: 50_000.0, LATE: 90.0}, {DONE: 900.0, LATE: 91.0}),
}

step = Step("6.drill", "your drill", ("drill",), points=0, minutes=15, reference=lambda: DRILL)


def drilled(drill: Any) -> Result:
    """Try pairs of snapshots on three broken `diagnose`."""
    return run_step(step, (drill,))


@step.check("a pair of snapshots for each of A, B and C")
def pairs(my: Any, kit: Kit) -> str:
    """Each is `(before, after)`, two dicts from the key of a series to its value."""
    kit.require(isinstance(my.drill, dict), short(my.drill), "`drill` is a dict with the keys A, B and C.")
    for name in BROKEN:
        pair = my.drill.get(name)
        kit.require(pair is not None, f"no {name}", f"{name} is missing: give it two snapshots on which it errs.")
        whole = isinstance(pair, tuple | list) and len(pair) == 2 and all(isinstance(page, dict) for page in pair)
        kit.require(whole, short(pair), "a pair is `(before, after)`, and both are dicts.")
        values = [value for page in pair for value in page.values()]
        numbers = all(isinstance(value, int | float) and value >= 0 for value in values)
        kit.require(numbers, short(values), "the value of a series is a number, 0 or more.")
    return "3 pairs"


@step.check("each errs on its own pair")
def caught(my: Any, kit: Kit) -> str:
    """A mistake shows on the pages on which it matters, and on no others."""
    for name, broken in BROKEN.items():
        before, after = my.drill[name]
        right, said = diagnose(before, after, SECONDS), broken(before, after, SECONDS)
        missed = f"on these pages {name} says {said}, and that is right; which pages does it misread?"
        kit.require(said != right, f"{name}: {said}", missed)
    return "A, B, C"
