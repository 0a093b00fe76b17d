"""`Decisions`: what is decided when somebody touches a charge point, as functions that can be exchanged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ..messages import AuthorizationStatus
from . import facts, grids, rights


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """What a charge point asks about cables, tags, reservations and the clock; each is what the function of that name
    does, and must be as pure.

    `facts.happens`: what comes of an event at a connector. `rights.decide`: may this tag charge, as far as that can be
    known here? `rights.presented`: what does a tag bring about? `rights.may_use`: whose connector is it?
    `grids.next_clock`: when is the next reading by the clock?
    """

    happens: Callable[..., list[facts.Facts]] = facts.happens
    decide: Callable[..., AuthorizationStatus | None] = rights.decide
    presented: Callable[..., rights.TagEffect] = rights.presented
    may_use: Callable[..., tuple[bool, int | None]] = rights.may_use
    next_clock: Callable[[datetime, int], datetime | None] = grids.next_clock
