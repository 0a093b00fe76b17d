"""`Watch`: one line of numbers that follows what happens, below a panel or wherever a notebook shows it."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets as W

REFRESH = 0.25
"""Seconds between two looks at the probes: as often as a person can read."""


class Watch:
    """``Watch({"repeated": lambda: pending.counts["repeated"]}, "CP_1")`` shows itself as ``CP_1: repeated 0``.

    The line changes when a probe does, until ``close()``. As text it says what the probes say at that moment.
    """

    def __init__(self, probes: Mapping[str, Callable[[], float]], what: str = "") -> None:
        self.probes = probes
        self.what = what
        self.line = W.HTML()
        self._loop = asyncio.get_running_loop()
        self._tick()

    @property
    def text(self) -> str:
        """What the probes say now."""
        told = " · ".join(f"{name} {probe():g}" for name, probe in self.probes.items())
        return f"{self.what}: {told}" if self.what else told

    def close(self) -> None:
        """Look no more; the line keeps what it said last."""
        self._timer.cancel()

    def _tick(self) -> None:
        # Only a change is sent to the browser.
        self.line.value = f'<p role="status" style="margin:0;font-family:monospace">{html.escape(self.text)}</p>'
        self._timer = self._loop.call_later(REFRESH, self._tick)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = self.line._repr_mimebundle_(**options)
        return bundle | {"text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"Watch: {self.text}"
