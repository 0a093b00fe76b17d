"""`Watch`: one line of numbers that follows what happens, below a panel or wherever a notebook shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from . import controls
from .shown import Part, Shown

REFRESH = 0.25
"""Seconds between two looks at the probes: as often as a person can read."""


class Watch(Shown):
    """``Watch({"repeated": lambda: pending.counts["repeated"]}, "CP_1")`` shows itself as ``CP_1: repeated 0``.

    The line changes when a probe does, until ``close()``. As text it says what the probes say at that moment.
    """

    def __init__(self, probes: Mapping[str, Callable[[], float]], what: str = "") -> None:
        self.probes = probes
        self.what = what
        self.line = controls.status()
        self.box = controls.card(self.line)
        self._loop = asyncio.get_running_loop()
        self._tick()

    @property
    def text(self) -> str:
        """What the probes say now."""
        told = " · ".join(f"{name} {probe():g}" for name, probe in self.probes.items())
        return f"{self.what}: {told}" if self.what else told

    def close(self) -> None:
        """Look no more; a picture stays, with what the line said last."""
        self._timer.cancel()
        self.freeze()

    def _tick(self) -> None:
        controls.tell(self.line, self.text)
        self._timer = self._loop.call_later(REFRESH, self._tick)

    def parts(self) -> list[Part]:
        return [controls.said(self.text)]

    @property
    def alt(self) -> str:
        """Without the numbers, which depend on when somebody looks."""
        return f"Watch: {self.what or 'numbers'}: {', '.join(self.probes)}"

    def __repr__(self) -> str:
        return f"Watch: {self.text}"
