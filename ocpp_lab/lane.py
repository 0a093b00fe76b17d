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
        # The call that is on the wire although nobody waits for it: its unique id, and what ends its time. Set by
        # `leave`; None again once the lane is free.
        self._left: tuple[str, asyncio.TimerHandle] | None = None

    def release(self) -> None:
        """Free for the next one, unless it was left: then not yet."""
        if self._left is None:
            super().release()

    def leave(self, unique_id: str, seconds: float) -> None:
        """The caller goes away. Its call is over when its reply comes, at the latest in so many seconds."""
        self._left = unique_id, asyncio.get_running_loop().call_later(seconds, self.end)

    def replied(self, unique_id: str) -> None:
        """A reply with that id came: if it is the one that the lane waits for, the next call may go out."""
        if self._left and self._left[0] == unique_id:
            self.end()

    def end(self) -> None:
        """Wait for no reply any more; fine if there is nothing to wait for."""
        if self._left:
            self._left[1].cancel()
            self._left = None
            super().release()
