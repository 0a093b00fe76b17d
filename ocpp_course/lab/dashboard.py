"""`Dashboard`: a live board of what the metrics say, for a charge point, a central system, or both side by side."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping

import ipywidgets as W

from ocpp_lab.metrics import Metrics

from . import controls
from .board import HEIGHT, Reading, card, inside, reading, recent, summary
from .percentiles import buckets
from .shown import Part, Shown

LOOK = 0.1
"""Seconds between two looks at the metrics."""

REFRESH = 0.25
"""Seconds between two drawings, at least: whoever draws holds the loop, and what is measured waits."""


class Dashboard(Shown):
    """``Dashboard({"CP_1": watch_charge_point(charge_point), "central system": watch_central_system(central_system)})``

    Shows itself as the last line of a cell: connection state, depth of the write queue and of the outbox, percentiles
    of the last ``window`` seconds, connections lost, dials, errors by code. It reads the metrics and nothing else.

    Records first: every ``LOOK`` seconds a few numbers. Draws after: at most once in ``REFRESH`` seconds, as SVG text.
    ``drawings`` and ``drawing_seconds`` say what that cost. Stops with ``close()``; the board keeps what it showed.
    """

    def __init__(self, ends: Mapping[str, Metrics], *, window: float = 30.0) -> None:
        if not ends:
            raise ValueError("expected at least one end with its metrics, such as {'CP_1': metrics}, came none")
        self.ends = dict(ends)
        self.window = window
        self.drawings = 0
        self.drawing_seconds: deque[float] = deque(maxlen=1000)
        """How long the newest drawings held the loop, the sending to the browser included."""
        self.readings: dict[str, deque[Reading]] = {name: deque(maxlen=round(window / LOOK) + 1) for name in self.ends}
        self._newest: dict[str, dict[str, float]] = {}
        self._unread: dict[str, str] = {}
        """Ends that cannot be read now, and how their cards say so."""
        self._loop = asyncio.get_running_loop()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self.board = W.HTML()
        self.box = controls.card(self.board)
        self.record()
        self.draw()
        self.start()

    def start(self) -> None:
        """Go on, after `close`; a new board has begun already."""
        self.close()
        self._timers["record"] = self._loop.call_later(LOOK, self._again, "record", LOOK)
        self._timers["draw"] = self._loop.call_later(REFRESH, self._again, "draw", REFRESH)

    def close(self) -> None:
        """Look no more; the board keeps what it showed last."""
        for timer in self._timers.values():
            timer.cancel()

    @property
    def text(self) -> str:
        """What the newest readings say, a line for each end."""
        return "\n".join(summary(*seen) for seen in self._seen())

    def record(self) -> None:
        """One look at the metrics of each end."""
        at = self._loop.time()
        for name, metrics in self.ends.items():
            try:
                snapshot = metrics.snapshot()
            except Exception as error:
                if name not in self._newest:
                    raise  # there is nothing to show of it, and whoever makes the board should know why
                self._unread[name] = f"{name} (not read: {error})"
            else:
                self._unread.pop(name, None)
                self._newest[name] = snapshot
                self.readings[name].append(reading(at, snapshot, buckets(snapshot)))

    def draw(self) -> None:
        """Show what was recorded."""
        begun = self._loop.time()
        self.board.value = "".join(
            card(*seen, self.window) for seen in self._seen()
        )  # only a change is sent to the browser
        self.drawings += 1
        self.drawing_seconds.append(self._loop.time() - begun)

    def _seen(self) -> list[tuple[str, dict[str, float], list[Reading]]]:
        """Of each end: its name, or how its card says that it cannot be read; the newest numbers; those of late."""
        return [
            (self._unread.get(name, name), self._newest[name], recent(readings, self.window))
            for name, readings in self.readings.items()
        ]

    def _again(self, what: str, seconds: float) -> None:
        self._timers[what] = self._loop.call_later(seconds, self._again, what, seconds)
        getattr(self, what)()

    def parts(self) -> list[Part]:
        return [Part(HEIGHT, inside(*seen, self.window)) for seen in self._seen()]

    def __repr__(self) -> str:
        return f"Dashboard: {', '.join(self.ends)}; drawn at most {1 / REFRESH:g} times a second"
