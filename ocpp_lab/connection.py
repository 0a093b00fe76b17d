"""`keep_connected`: dial, serve, wait, again; and the table of states that a connection goes through.

A charge point never gives up. The waits grow while dialling fails and start afresh only after a connection that proved
itself, because a central system that accepts and drops would otherwise be hammered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import NoReturn

from .errors import ConnectionLost, HandshakeRefused
from .pipe import Pipe
from .states import Table

log = logging.getLogger(__name__)

# `resumed`: accepted before and unchanged, so no BootNotification (J-spec 5.4).
# `forgotten`: the central system answered SecurityError: it does not know us any more, so we boot again (J-errata 3.8).
CONNECTION: Table = {
    "disconnected": {"connect": "connecting", "stop": "stopped"},
    "connecting": {"opened": "booting", "resumed": "online", "lost": "waiting", "stop": "stopped"},
    "booting": {
        "accepted": "online",
        "pending": "pending",
        "rejected": "rejected",
        "lost": "waiting",
        "stop": "stopped",
    },
    "pending": {"interval_over": "booting", "lost": "waiting", "stop": "stopped"},
    "rejected": {"interval_over": "booting", "lost": "waiting", "stop": "stopped"},
    "online": {"forgotten": "booting", "lost": "waiting", "stop": "stopped"},
    "waiting": {"wait_over": "connecting", "stop": "stopped"},
    "stopped": {},
}

Serve = Callable[[Pipe, Callable[[], None]], Awaitable[None]]


async def keep_connected(
    dial: Callable[[], Awaitable[Pipe]],
    serve: Serve,
    delays: Callable[[], Iterator[float]],
    *,
    fire: Callable[[str], object] = lambda event: None,
) -> NoReturn:
    """Dial, ``await serve(pipe, proved)``, close, wait, again, until cancelled.

    ``serve`` calls ``proved()`` once the connection showed that it is good; the next waits then start afresh. OSError,
    `ConnectionLost` and `HandshakeRefused`, whatever the status (J-errata 3.3), lead to a wait; other exceptions are
    bugs and leave. ``fire`` is told ``lost`` and ``wait_over``.
    """
    waits: Iterator[float] | None = None

    def proved() -> None:
        nonlocal waits
        waits = None  # begun anew when the next wait is due: this is called for every answered call

    while True:
        try:
            pipe = await dial()
            try:
                await serve(pipe, proved)
            finally:
                await pipe.close()
        except (OSError, ConnectionLost, HandshakeRefused) as error:
            log.info("! not connected: %s: %s", type(error).__name__, error)
        fire("lost")
        waits = delays() if waits is None else waits
        wait = next(waits)
        log.info("= dials again in %.1f s", wait)
        await asyncio.sleep(wait)
        fire("wait_over")
