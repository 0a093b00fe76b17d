"""`FastLoop`: an event loop whose clock runs faster, so that an hour of drivers takes a minute.

Everything that waits waits shorter; what takes its time, the network and the peer, does not get faster. So timeouts
against a peer have to be as many times longer: see `Fleet`.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Mapping
from typing import Any


class _Hurried(selectors.BaseSelector):
    """A selector that waits a ``speed``-th of what it is told."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._selector = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return self._selector.select(timeout and timeout / self._speed)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._selector.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._selector.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._selector.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._selector.get_map()

    def close(self) -> None:
        self._selector.close()


class FastLoop(asyncio.SelectorEventLoop):
    """``speed`` seconds pass on its clock in one second."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        super().__init__(_Hurried(speed))

    def time(self) -> float:
        """Its own seconds."""
        return super().time() * self.speed
