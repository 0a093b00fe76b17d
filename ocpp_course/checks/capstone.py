"""`survives`: the learner's pieces in the real stack, under chaos, by seed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from ocpp_lab.simulation import Profile, World, chaos, explore

from .kit import Kit
from .step import Wrong

SEEDS = 50
"""Nights that an answer has to survive; batch grading takes fewer."""
SMALL = Profile(name="capstone", charge_points=1, connectors=2, seconds=120.0, pause=(10.0, 30.0))
"""A short night at one charge point, so that fifty of them take seconds."""

ONE: ContextVar[int | None] = ContextVar("one", default=None)
"""The only night to play, by its seed: the one that broke an answer, to find out why."""
BROKE = "broke it"


@contextmanager
def only_the_night_of(got: str) -> Iterator[None]:
    """Play no other night than the one that ``got`` speaks of; all of them if it speaks of none."""
    found = re.search(rf"seed (\d+) {BROKE}", got)
    token = ONE.set(int(found[1]) if found else None)
    try:
        yield
    finally:
        ONE.reset(token)


def survives(kit: Kit, scenario: Callable[..., Any] = chaos, *, seeds: int | None = None, **pieces: Any) -> str:
    """Run a chaos scenario with these pieces under many seeds; refuses the answer at the first that breaks it.

    The scenario's ``profile`` is `SMALL` unless another is given. Told are the seed, the invariant, and the frames.
    """
    seeds = seeds or SEEDS
    first = kit.seed * seeds
    nights = range(first, first + seeds) if (one := ONE.get()) is None else range(one, one + 1)
    played = partial(scenario, **({"profile": SMALL} | pieces))

    async def watched(world: World) -> Any:
        kit.simulated = world.loop
        return await played(world)

    report = explore(watched, nights)
    if report.failure:
        kit.story = report.failure.ladder
        said = f"under seed {report.failure.seed}: {report.failure.message}"
        raise Wrong(f"seed {report.failure.seed} {BROKE}", f"{said}. The frames around it are below.")
    return f"{seeds} nights survived"
