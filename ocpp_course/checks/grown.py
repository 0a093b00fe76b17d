"""What a class that grows over steps may stand on by mistake: the step before, unchanged, or a class that was mended
since; and a method whose name is nearly the right one."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from .step import Step, steps


def beneath(
    step: Step, pieces: tuple[Any, ...], passed: Mapping[str, Any], replaced: Mapping[Any, str]
) -> Iterator[str]:
    """Sentences that come before a lesson. ``passed``: what passed, by step; ``replaced``: what did, and has been
    answered otherwise since, with its step."""
    for name, piece, ours in zip(step.names, pieces, step.references(), strict=True):
        if not isinstance(piece, type):
            continue
        if number := _of_an_earlier_step(step, name, piece, passed):
            yield (
                f"This `{name}` is the one of step {number}, and nothing of step {step.number} is in it. Is the cell "
                f"of step {step.number} run, and is its class called `{name}`?"
            )
        elif old := next((replaced[base] for base in piece.__mro__ if base in replaced), ""):
            yield (
                f"This `{name}` grows from an earlier answer to step {old}, and you have another one now. Run the "
                f"cells after step {old} again, each with its check."
            )
        elif isinstance(ours, type):
            yield from _nearly(name, piece, ours)


def _of_an_earlier_step(step: Step, name: str, piece: type, passed: Mapping[str, Any]) -> str:
    earlier = [each.number for each in steps(step.number[0]) if name in each.names and each.number < step.number]
    return next((number for number in reversed(earlier) if piece in passed.get(number, ())), "")


def _nearly(name: str, piece: type, ours: type) -> Iterator[str]:
    """A method that ours does not have, called nearly like one that this class only inherits.

    If it has none at all, whoever calls it notices: see `signatures`.
    """
    own = [each for each, value in vars(piece).items() if callable(value) and not each.startswith("_")]
    below = {name for base in piece.__mro__[1:] for name in vars(base)}
    wanted = [each for each in dir(ours) if not each.startswith("_") and each in below - vars(piece).keys()]
    for each in own:
        if not hasattr(ours, each) and (near := difflib.get_close_matches(each, wanted, 1, 0.8)):
            yield f"`{name}` defines `{each}`. Is `{near[0]}` meant?"
