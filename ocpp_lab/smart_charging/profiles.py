"""`Profiles`: the functions of this room as one piece, so that a charge point can be given others."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..messages import (
    ChargingProfileStatus,
    ChargingSchedule,
    ClearChargingProfileRequest,
    ClearChargingProfileStatus,
)
from . import composing, obeying, sharing, stack
from .limits import Allowed
from .stack import Installed


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """What a charge point asks about its charging profiles; each is what the function of that name does."""

    install: Callable[..., tuple[ChargingProfileStatus, list[Installed]]] = stack.install
    clear: Callable[
        [list[Installed], ClearChargingProfileRequest], tuple[ClearChargingProfileStatus, list[Installed]]
    ] = stack.clear
    ended: Callable[[list[Installed], int], list[Installed]] = stack.ended
    composite: Callable[..., ChargingSchedule] = composing.composite
    total: Callable[..., ChargingSchedule] = composing.total
    offers: Callable[..., tuple[dict[int, Allowed], datetime | None]] = sharing.offers
    obey: Callable[..., Coroutine[Any, Any, None]] = obeying.obey
