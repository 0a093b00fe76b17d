"""`LiveDiagram`: the state table of a charge point that lives now: the current state lit, the last edge flashing."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import ipywidgets as W

from ocpp_lab.charge_point import ChargePoint
from ocpp_lab.connection import CONNECTION
from ocpp_lab.trace import Event

from . import controls
from .changes import change
from .shown import Shown, image
from .state_picture import Moment, state_picture
from .vector import Vector

REFRESH = 0.1
"""Seconds between two looks. Only what changed is sent to the browser."""
FLASH = 1.2
"""Seconds for which the last edge is drawn as new; css/diagram_live.css has the same."""


class LiveDiagram(Shown):
    """The connection table of one charge point, drawn anew when its state changes, and each second of a back-off.

    Of a function it shows the charge point that the function returns, which may be another one after a restart.
    ``close()`` at the end: it looks no more, and the picture stays. `picture` is static HTML, for a saved notebook.
    """

    def __init__(self, of: ChargePoint | Callable[[], ChargePoint], finding: str = "") -> None:
        self._living = of if callable(of) else lambda: of
        self.finding = finding
        self.shown = W.HTML()
        self.box = controls.card(self.shown).add_class("ol-drawn")
        self._loop = asyncio.get_running_loop()
        self._edge: tuple[str, str, str] | None = None
        self._newest: Event | None = None  # of the trace, the one that the edge was read from
        self._drawn: tuple[ChargePoint, Moment] | None = None
        self._tick()

    @property
    def charge_point(self) -> ChargePoint:
        """The one that lives now."""
        return self._living()

    def moment(self) -> Moment:
        """Where the charge point is now."""
        now = self._loop.time()
        self._look()
        ago = now - self._newest.at if self._newest else math.inf
        wait, left = self._back_off(now)
        edge, ago = (self._edge, ago) if ago < FLASH else (None, 0.0)
        return Moment(self.charge_point.state, edge, wait, left, ago)

    def picture(self) -> str:
        """The diagram as it is now, as static HTML."""
        drawn = self._vector(self.moment())
        return image(drawn.live(), drawn.alt, drawn.width)

    def close(self) -> None:
        """Look no more; the picture stays as it was last."""
        self._timer.cancel()

    def _look(self) -> None:
        """Read the newest transition out of the trace."""
        for event in reversed(self.charge_point.trace.events):
            if event is self._newest:
                return
            if event.identity == self.charge_point.identity and (changed := change(event)):
                self._edge, self._newest = (changed.old, changed.cause, changed.new), event
                return

    def _back_off(self, now: float) -> tuple[float, float]:
        until = self.charge_point.life.dials_at
        if until is None or self._newest is None or self.charge_point.state not in ("waiting", "failed"):
            return 0.0, 0.0
        return max(0.1, until - self._newest.at), float(max(0, math.ceil(until - now)))

    def _tick(self) -> None:
        moment = self.moment()
        if (drawn := (self.charge_point, moment)) != self._drawn:
            self._drawn = drawn
            self.shown.value = self._vector(moment).live()
        self._timer = self._loop.call_later(REFRESH, self._tick)

    def _vector(self, moment: Moment) -> Vector:
        return state_picture(
            CONNECTION, self.finding or f"{self.charge_point.identity} is {moment.state}", moment=moment
        )

    @property
    def alt(self) -> str:
        """Where it stands, and no more: the table is said by the picture itself."""
        return repr(self)

    def __repr__(self) -> str:
        return f"LiveDiagram: {self.charge_point.identity} is {self.charge_point.state}"
