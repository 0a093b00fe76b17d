"""`Notices`: statuses of file jobs that are to be told, in order, whatever becomes of the connection meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from ..errors import CallTimeout, ConnectionLost, NotAccepted, NotConnected, OcppError
from ..messages import Request

log = logging.getLogger(__name__)

MOST_NOTICES: Final = 64
"""Statuses that wait; of more the oldest are forgotten, for a central system that answers none may ask for as many
jobs as it likes."""


class Notice(NamedTuple):
    """``answered`` is called once the central system has heard it."""

    request: Request[Any]
    answered: Callable[[], object]


class Notices:
    """``call`` sends one; ``retry_interval`` (s) is the wait before what had no answer is told again."""

    def __init__(self, call: Callable[[Request[Any]], Awaitable[object]], *, retry_interval: float) -> None:
        self.call = call
        self.retry_interval = retry_interval
        self._waiting: deque[Notice] = deque(maxlen=MOST_NOTICES)  # oldest first; `add` and `run`
        self._news = asyncio.Event()  # set while something waits
        self._empty = asyncio.Event()  # set while nothing waits
        self._empty.set()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, request: Request[Any], answered: Callable[[], object] = lambda: None) -> None:
        """Tell this, after what waits already."""
        self._waiting.append(Notice(request, answered))
        self._news.set()
        self._empty.clear()

    async def told(self, seconds: float) -> bool:
        """Wait until nothing waits any more, but not longer than that; whether it is so."""
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    async def run(self) -> None:
        """While online: tell whatever comes. Raises what ends a connection; what was not answered stays."""
        while True:
            await self._news.wait()
            notice = self._waiting[0]
            try:
                await self.call(notice.request)
                notice.answered()
            except (ConnectionLost, NotConnected, NotAccepted):
                raise
            except CallTimeout as error:
                log.warning("! %s again in %g s: %s", notice.request.action, self.retry_interval, error)
                await asyncio.sleep(self.retry_interval)
                continue
            except OcppError as error:  # it was heard, and refused; or our own file has no room for "answered"
                log.warning("! %s: %s", notice.request.action, error)
            self._strike_out(notice)

    def _strike_out(self, notice: Notice) -> None:
        if self._waiting and self._waiting[0] is notice:  # it is not if it was forgotten while it was told
            self._waiting.popleft()
        if not self._waiting:
            self._news.clear()
            self._empty.set()
