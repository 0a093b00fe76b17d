"""`blame`: which of the pieces of a red capstone it is, and whether it is the one that passed its step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from .capstone import only_the_night_of
from .own import Own
from .result import Result
from .run import run_check, run_checks
from .step import Check, Step, steps


def blame(
    capstone: Step, result: Result, pieces: tuple[Any, ...], *, seed: int, kept: Callable[..., bool]
) -> list[str]:
    """Sentences about the pieces. ``kept(step, name, piece)`` tells whether this very piece passed that step.

    First each piece is judged by its own step again. If all pass, the check that failed is run once for each piece,
    with the package's in its place: the piece without which it passes is the one to look at.
    """
    named = dict(zip(capstone.names, pieces, strict=True))
    ours = dict(zip(capstone.names, capstone.references(), strict=True))
    mine = {name: piece for name, piece in named.items() if piece is not ours[name]}
    last = {name: step for name in mine if (step := _last_step(capstone, name))}
    told = [said for name, step in last.items() if (said := _own_step(step, name, named, seed))]
    if not told and result.failed and (check := _failed(capstone, result)):
        told = list(_swapped(capstone, check, result.failed.got, named, ours, mine, seed))
    for name, step in last.items():
        if not kept(step, name, mine[name]):
            told.append(
                f'This `{name}` is not the one that passed step {step.number}: `{name} = mine("{step.number}")`.'
            )
    return told


def _last_step(capstone: Step, name: str) -> Step | None:
    """The step of the milestone that hands this piece in last."""
    found = [each for each in steps(capstone.number[0]) if name in each.names and not each.capstone]
    return found[-1] if found else None


def _failed(capstone: Step, result: Result) -> Check | None:
    return next((check for check in capstone.checks if result.failed and check.name == result.failed.name), None)


def _own_step(step: Step, name: str, named: dict[str, Any], seed: int) -> str:
    """What the piece's own step says of it, "" if it passes."""
    ours = dict(zip(step.names, step.references(), strict=True))
    pieces = tuple(named.get(each, ours[each]) for each in step.names)
    rows = run_checks(step, step.bind(pieces), Own((named[name],)), seed=seed)
    row = next((row for row in rows if not row.ok), None)
    if row is None:
        return ""
    said = row.slips[0] if row.slips else row.diagnosis
    return f"`{name}` does not pass step {step.number} any more ({row.name}): {said}"


def _swapped(
    capstone: Step,
    check: Check,
    got: str,
    named: dict[str, Any],
    ours: dict[str, Any],
    mine: dict[str, Any],
    seed: int,
) -> Iterator[str]:
    """The pieces without which the check passes; of many nights, the one that failed."""
    for name, piece in mine.items():
        with_ours = SimpleNamespace(**(named | {name: ours[name]}))
        with only_the_night_of(got):
            row, _ = run_check(capstone, check, with_ours, Own((piece,)), seed)
        if row.ok:
            yield f"With the package's `{name}` instead of yours, {check.name} passes: look for the reason in `{name}`."
