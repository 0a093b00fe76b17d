"""`obey`: the next change of a limit is a timer, and nobody looks in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime


async def obey[Limit](
    look: Callable[[datetime], tuple[Limit, datetime | None]],
    offer: Callable[[Limit], object],
    changed: asyncio.Event,
    now: Callable[[], datetime],
) -> None:
    """Offer the limit at once, at each change, and whenever ``changed`` is set; endless.

    ``look(at)`` gives the limit and the instant at which it changes next, None if it never does. ``offer(limit)`` is
    told only what differs from what it was told last. What either raises leaves this, and so does being cancelled.
    """
    offered: Limit | None = None
    while True:
        changed.clear()  # before the look: what is set while we offer must not be forgotten
        at = now()
        limit, until = look(at)
        if limit != offered:
            offered = limit
            offer(limit)
        seconds = None if until is None else max(0.0, (until - now()).total_seconds())
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await changed.wait()
