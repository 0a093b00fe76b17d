"""What is written in ``solutions/``: every step with its wrong and its other right answers."""

from __future__ import annotations

from functools import cache
from typing import Any

from ocpp_course.checks import MILESTONES, Result, Step, capstone, run_step, step
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


@cache
def judged(number: str, variant: Variant | None, *, seed: int = 0) -> Result:
    """Once for all tests: what it says does not change."""
    this: Step = step(number)
    names: dict[str, Any] = load(authored(number.partition(".")[0]), number, variant)
    return run_step(this, pieces(this, names), seed=seed)
