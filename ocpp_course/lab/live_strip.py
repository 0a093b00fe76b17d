"""`LiveStrip`: the state strip of a charge point that lives now, drawn anew every other second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from html import escape

import ipywidgets as W

from ocpp_lab.timeline import Timeline
from ocpp_lab.trace import Event

from . import controls
from .shown import WIDTH, Shown
from .strip import life, states, states_finding


class LiveStrip(Shown):
    """The last ``window`` seconds of a trace, every ``every`` seconds. ``marks()`` gives instants and words, as
    `ChaosProxy.events` has them; what is only the end of something is left out.

    It is drawn in the kernel's loop and holds it for about 0.2 s each time: record first, and do not measure meanwhile.
    ``await close()`` at the end.
    """

    def __init__(
        self,
        trace: Iterable[Event],
        depth: Timeline,
        *,
        marks: Callable[[], Iterable[tuple[float, str]]] = tuple,
        window: float = 60.0,
        every: float = 2.0,
    ) -> None:
        self.trace = trace
        self.depth = depth
        self.marks = marks
        self.window = window
        self.every = every
        self.drawn = 0
        self.strip, self.status = W.HTML(), controls.status()
        self.box = controls.card(self.status, self.strip)
        self.draw()
        self._task = asyncio.create_task(self._run(), name="live strip")

    def draw(self) -> None:
        """Draw it now."""
        now = asyncio.get_running_loop().time()
        lived = life(list(self.trace), self.depth, since=now - self.window, until=now)
        marks = [(at, _word(what)) for at, what in self.marks() if not what.endswith("no more")]
        said = states_finding(lived)
        controls.tell(self.status, f"{lived.bands[-1].state if lived.bands else 'unknown'} · {said}")
        finding = f"The last {lived.end - lived.start:.0f} s"  # what is to be said of them stands above it
        self._drawn = states(lived, finding=finding, marks=marks, width=WIDTH)
        self.strip.value = self._drawn._repr_html_()
        self.drawn += 1

    async def close(self) -> None:
        """Draw no more; the picture stays."""
        self._task.cancel()
        await asyncio.wait([self._task])
        self.freeze()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self.every)
            self.draw()

    def picture(self) -> str:
        """The words beside it are the same in every run, as the live ones are not."""
        return self._drawn._repr_html_().replace(escape(self._drawn.alt), escape(repr(self)), 1)

    def __repr__(self) -> str:
        return f"LiveStrip: the last {self.window:g} s, drawn every {self.every:g} s"


def _word(what: str) -> str:
    """``half_open both`` as the panel names it: half-open."""
    return what.split()[0].replace("_", "-")
