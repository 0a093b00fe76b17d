"""`Clicked`: the works that clicks have begun, until they are done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Clicked:
    """``clicked.begin(work(), "restart")`` begins a work; ``await clicked.settle()`` waits for all that were begun.

    ``done(task)`` is told of each one's end.
    """

    def __init__(self, done: Callable[[asyncio.Task[None]], object] = lambda task: None) -> None:
        self._done = done
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Begin a work, as a task of this name."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def settle(self) -> None:
        """Wait until all is done, and raise what the first one that failed raised."""
        while self._tasks:
            await asyncio.gather(*self._tasks)
            await asyncio.sleep(0)  # gather of what is done does not yield, and a task takes itself out in a callback

    async def ended(self) -> None:
        """Wait until all is done, however it ends."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._done(task)


def find[T](widgets: dict[str, T], label: str) -> T:
    """The widget with this label. Raises ValueError with those that there are."""
    if label not in widgets:
        raise ValueError(f"expected one of {', '.join(widgets)}, came {label!r}")
    return widgets[label]
