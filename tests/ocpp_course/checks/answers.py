"""What is written in ``solutions/``: every step with its wrong and its other right answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from ocpp_course.checks import MILESTONES, Result, Step, capstone, run, run_step, step
from ocpp_course.checks.authoring import Authored, Variant, load, path_in, pieces, read
from tests.house import ROOT, scaled

capstone.SEEDS = scaled(8, 25)  # nights of chaos; a learner's own check plays 50

SOLUTIONS = ROOT / "solutions"


@cache
def authored(milestone: str) -> dict[str, Authored]:
    path = path_in(SOLUTIONS, milestone)
    return read(path) if path.is_file() else {}


def everything() -> list[tuple[str, Variant | None]]:
    """Every step's number with None for ours, and with each wrong and right variant."""
    found: list[tuple[str, Variant | None]] = []
    for milestone in MILESTONES:
        for number, each in authored(milestone).items():
            found += [(number, variant) for variant in (None, *each.wrong, *each.right)]
    return found


def name_of(number: str, variant: Variant | None) -> str:
    return f"{number}-{variant.name if variant else 'ours'}"


SEED = scaled(0, 1)

SECONDS: dict[str, float] = {}
"""Of computing that each check of each answer took, while `judged` ran."""


@contextmanager
def _timed(name: str) -> Iterator[None]:
    """Write down in `SECONDS` what the checks in this block take."""
    run_check = run.run_check

    def timed(step: Step, check: Any, *rest: Any) -> Any:
        begin = time.thread_time()
        try:
            return run_check(step, check, *rest)
        finally:
            SECONDS[f"{name}: {check.name}"] = time.thread_time() - begin

    run.run_check = timed
    try:
        yield
    finally:
        run.run_check = run_check


@cache
def judged(number: str, variant: Variant | None, *, seed: int = 0) -> Result:
    """Once for all tests: what it says does not change."""
    this: Step = step(number)
    names: dict[str, Any] = load(authored(number.partition(".")[0]), number, variant)
    with _timed(name_of(number, variant)):
        return run_step(this, pieces(this, names), seed=seed)
