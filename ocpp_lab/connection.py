"""`keep_connected`: dial, serve, wait, again; and the table of states that a connection goes through.

A charge point never gives up. The waits grow while dialling fails and start afresh only after a connection that proved
itself, because a central system that accepts and drops would otherwise be hammered.

The table in words. A charge point dials (*connecting*), says who it is (*booting*) and talks once that is accepted
(*online*). One that was accepted before and lost only its connection does not boot again: what a BootNotification says
has not changed (J-spec 5.4), hence ``resumed``. *pending* and *rejected* wait out an interval and boot again (core
4.2). *forgotten*: the central system answered SecurityError while we were online, and nothing is sent any more but a
boot. J-errata 3.8 recommends that code before a boot is accepted; to boot again on it is our choice, at once the first
time, and after a wait if it goes on (`charge_point.amnesia`), be it on the next connection. *closing*: this connection
is over and nothing is sent on it any more, although its end has not come through yet. *failed*: a bug below us ended
the connection; it is in the log, and we wait as after any loss, because a charge point with a bug still has drivers.

Not in the table: what a connector does (`station.connector`), and whether an own call may go out, which is
decided from registration and action (`charge_point.registration`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Literal, NoReturn

from .errors import ConnectionLost, HandshakeRefused
from .pipe import Pipe
from .states import Table

log = logging.getLogger(__name__)

ConnectionState = Literal[
    "disconnected",
    "connecting",
    "booting",
    "pending",
    "rejected",
    "online",
    "forgotten",
    "closing",
    "failed",
    "waiting",
    "stopped",
]
ConnectionEvent = Literal[
    "connect",
    "opened",
    "resumed",
    "accepted",
    "pending",
    "rejected",
    "interval_over",
    "forgotten",
    "closed",
    "failed",
    "lost",
    "wait_over",
    "stop",
]

# fmt: off
CONNECTION: Table[ConnectionState, ConnectionEvent] = {
    "disconnected": {"connect": "connecting", "stop": "stopped"},
    "connecting": {
        "opened": "booting", "resumed": "online", "forgotten": "forgotten",
        "failed": "failed", "lost": "waiting", "stop": "stopped",
    },
    "booting": {
        "accepted": "online", "pending": "pending", "rejected": "rejected",
        "closed": "closing", "failed": "failed", "lost": "waiting", "stop": "stopped",
    },
    "pending": {
        "interval_over": "booting",
        "closed": "closing", "failed": "failed", "lost": "waiting", "stop": "stopped",
    },
    "rejected": {
        "interval_over": "booting",
        "closed": "closing", "failed": "failed", "lost": "waiting", "stop": "stopped",
    },
    "online": {
        "forgotten": "forgotten",
        "closed": "closing", "failed": "failed", "lost": "waiting", "stop": "stopped",
    },
    "forgotten": {
        "interval_over": "booting",
        "closed": "closing", "failed": "failed", "lost": "waiting", "stop": "stopped",
    },
    "closing": {"failed": "failed", "lost": "waiting", "stop": "stopped"},
    "failed": {"lost": "failed", "wait_over": "connecting", "stop": "stopped"},
    "waiting": {"wait_over": "connecting", "failed": "failed", "stop": "stopped"},
    "stopped": {},
}
# fmt: on

Serve = Callable[[Pipe, Callable[[], None]], Awaitable[None]]


def retryable(error: BaseException) -> bool:
    """Whether a dial or a connection that ended so is tried again: nobody there, not let in, or lost.

    A back-off after a loss is what RFC 6455 7.2.3 asks for, and J-errata 3.3 after HTTP 404; whatever else a central
    system refuses with may be mended at the other end, so we dial again. Anything else is a bug.
    """
    return isinstance(error, OSError | ConnectionLost | HandshakeRefused)


async def keep_connected(
    dial: Callable[[], Awaitable[Pipe]],
    serve: Serve,
    delays: Callable[[], Iterator[float]],
    *,
    fire: Callable[[Literal["lost", "wait_over"]], object] = lambda event: None,
) -> NoReturn:
    """Dial, ``await serve(pipe, proved)``, close, wait, again, until cancelled.

    ``serve`` calls ``proved()`` once its connection showed that it is good; when that is over, the waits (s) of
    ``delays()`` start afresh. What is not `retryable` leaves. ``fire`` is told ``lost`` and ``wait_over``.
    """
    waits: Iterator[float] | None = None
    while True:
        proof = asyncio.Event()  # this connection's own: an answer that is handled late proves nothing of the next
        try:
            pipe = await dial()
            try:
                await serve(pipe, proof.set)
            finally:
                await pipe.close()
        except Exception as error:
            if not retryable(error):
                raise
            log.info("! not connected: %s: %s", type(error).__name__, error)
        fire("lost")
        if waits is None or proof.is_set():
            waits = delays()
        wait = next(waits)
        log.info("= dials again in %.1f s", wait)
        await asyncio.sleep(wait)
        fire("wait_over")
