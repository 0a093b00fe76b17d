"""`SeenPipe`: a pipe over another one that tells of every text that passes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

from ocpp_lab.errors import ConnectionLost
from ocpp_lab.pipe import Pipe

Text = str | bytes


class SeenPipe:
    """``sent(text)`` and ``received(text)`` are told of what passed. All else is the other pipe's own."""

    def __init__(self, pipe: Pipe, sent: Callable[[str], object], received: Callable[[Text], object]) -> None:
        self.writes_in_flight = self.max_writes_in_flight = 0
        self.lost: ConnectionLost | None = None
        """What the first `send` was told that found no connection."""
        self._pipe = pipe
        self._sent = sent
        self._received = received

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)

    def offer(self, text: str) -> bool:
        if not self._pipe.offer(text):
            return False
        self.max_writes_in_flight = max(self.max_writes_in_flight, 1)
        self._sent(text)
        return True

    async def send(self, text: str) -> None:
        self.writes_in_flight += 1
        self.max_writes_in_flight = max(self.max_writes_in_flight, self.writes_in_flight)
        try:
            await self._pipe.send(text)
        except ConnectionLost as lost:
            self.lost = self.lost or lost
            raise
        finally:
            self.writes_in_flight -= 1
        self._sent(text)

    async def __aiter__(self) -> AsyncIterator[Text]:
        async for text in self._pipe:
            self._received(text)
            yield text
