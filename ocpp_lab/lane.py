"""`Lane`: one own call on the wire at a time (J-spec 4.1.1); it belongs to the wire and not to whoever calls.

J-spec 4.1.1 knows two ends of a call: its reply, and that its time is up. A caller that goes away is none. So whoever
is cancelled is free at once, and *leaves* the lane taken: until a reply with that id comes, of whatever kind, until the
time of that call is up, or until the connection ends.
"""

from __future__ import annotations

import asyncio


class Lane(asyncio.Lock):
    """``async with lane:`` around a call; whoever waits gets it in the order in which they came.

    A caller that goes away while its call may be on the wire says so with `leave`, still inside.
    """

    def __init__(self) -> None:
        super().__init__()
        self.left: str | None = None
        """Unique id of the call that is on the wire although nobody waits for it. Whoever reads a reply to it says
        `end`."""
        self._timer: asyncio.TimerHandle | None = None  # ends its time

    __aenter__ = asyncio.Lock.acquire  # type: ignore[assignment]  # the same, and one coroutine less for every call

    async def __aexit__(self, *error: object) -> None:
        if self.left is None:  # or it is not free yet
            self.release()

    def leave(self, unique_id: str, seconds: float) -> None:
        """The caller goes away. Its call is over when its reply comes, at the latest in so many seconds."""
        self.left = unique_id
        self._timer = asyncio.get_running_loop().call_later(seconds, self.end)

    def end(self) -> None:
        """Wait for no reply any more; the next call may go out. Fine if there is nothing to wait for."""
        if self.left is not None and self._timer:
            self._timer.cancel()
            self.left = None
            self.release()
