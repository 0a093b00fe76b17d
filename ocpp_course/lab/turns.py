"""`Turns`: when each of several tasks had its turn on the one thread, as a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from itertools import pairwise
from types import coroutine
from typing import Any, NamedTuple

from .looks import FAINT, OUTCOMES
from .style import Picture, figure, styled, subplots, title

LOOK = OUTCOMES["result"]
ROW_HEIGHT = 0.5
"""Of the 1 that a row has."""
VISIBLE = 0.006
"""Of the width of the picture: a turn of microseconds is drawn so wide, or nobody would see it."""


class Turn(NamedTuple):
    """A stretch in which a task ran and did not wait; both in seconds of loop time."""

    name: str
    start: float
    end: float


class Turns:
    """``turns.watch("A", work())`` is ``work()``, and each of its turns is recorded; then ``turns.picture("…")``.

    A turn begins when the event loop lets the coroutine go on, and ends at its next ``await`` that waits.
    """

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        """In the order in which they began."""

    async def watch[T](self, name: str, work: Coroutine[Any, Any, T]) -> T:
        """Await the work; returns and raises what it does. ``name`` is that of its row."""
        result: T = await self._drive(name, work)
        return result

    @coroutine
    def _drive(self, name: str, work: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        step, value = work.send, None
        while True:
            start = asyncio.get_running_loop().time()
            try:
                awaited = step(value)
            except StopIteration as end:
                return end.value
            finally:
                self.turns.append(Turn(name, start, asyncio.get_running_loop().time()))
            try:
                value, step = (yield awaited), work.send
            except BaseException as error:  # a cancellation, for the work to deal with
                value, step = error, work.throw

    @styled
    def picture(self, finding: str) -> Picture:
        """A row for each name: a box while it runs, a thin line while it waits."""
        names = list(dict.fromkeys(turn.name for turn in self.turns))
        begin, end = self.turns[0].start, max(turn.end for turn in self.turns)
        least = VISIBLE * (end - begin)
        fig, ax = subplots(110 + 34 * len(names))
        for row, name in enumerate(names):
            mine = [turn for turn in self.turns if turn.name == name]
            ax.hlines(row, mine[0].start - begin, mine[-1].end - begin, color=FAINT, linewidth=1.2, zorder=1)
            boxes = [(turn.start - begin, max(turn.end - turn.start, least)) for turn in mine]
            ax.broken_barh(boxes, (row - ROW_HEIGHT / 2, ROW_HEIGHT), color=LOOK.colour, zorder=2)
        ax.set_yticks(range(len(names)), names)
        ax.set(ylim=(len(names) - 0.4, -0.6), xlim=(0, None), xlabel="seconds · box: it runs · thin line: it waits")
        ax.grid(axis="y", visible=False)
        title(ax, finding)
        return figure(fig, f"{finding}. {self._counts(names)}")

    def _counts(self, names: list[str]) -> str:
        turns = [f"{name} had {sum(turn.name == name for turn in self.turns)} turns" for name in names]
        return f"{', '.join(turns)}; {self.overlaps()} of them at the same time as another."

    def overlaps(self) -> int:
        """How many turns began before the one before them had ended: none, as there is one thread."""
        ordered = sorted(self.turns, key=lambda turn: turn.start)
        return sum(later.start < earlier.end for earlier, later in pairwise(ordered))
