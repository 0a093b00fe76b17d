"""Accepted, Pending, Rejected: who may say what before a boot is accepted, and the boot itself (core 4.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from ..connection import ConnectionEvent
from ..errors import CallFailed, CallTimeout, MalformedReply
from ..heartbeat import A_DAY
from ..messages import TRANSACTION_ACTIONS, BootNotificationRequest, BootNotificationResponse, RegistrationStatus

log = logging.getLogger(__name__)

LONGEST_WAIT = A_DAY
"""Seconds. No charge point waits longer on the word of its peer: a mistyped number must not need a visit to the car
park, one boot a day floods nobody, and a heartbeat a day is recommended anyway (J-spec 5.3)."""

BOOT_RETRY = 60.0
"""Seconds until the next boot when nobody says, unless told otherwise."""

ANSWERED: dict[RegistrationStatus, ConnectionEvent] = {
    "Accepted": "accepted",
    "Pending": "pending",
    "Rejected": "rejected",
}
"""What an answered boot means to the connection."""

REMOTE_START_STOP = frozenset({"RemoteStartTransaction", "RemoteStopTransaction"})


def may_send(action: str, registration: str | None, *, triggered: bool = False) -> Literal["send", "queue", "refuse"]:
    """Whether an own call may go out now. Registration None: the boot is not answered yet.

    Pending sends only what was triggered, Rejected nothing (core 4.2). Transaction messages wait, others are refused.
    """
    if action == "BootNotification" or registration == "Accepted" or (registration == "Pending" and triggered):
        return "send"
    return "queue" if action in TRANSACTION_ACTIONS else "refuse"


def may_serve(action: str, registration: str | None) -> Literal["serve", "refuse", "silent"]:
    """Whether a call of the central system is answered; *refuse* means: with status Rejected.

    Pending answers all but remote start and stop; Rejected answers nothing (core 4.2). Before the boot is answered we
    do as in Pending.
    """
    if registration == "Rejected":
        return "silent"
    return "refuse" if action in REMOTE_START_STOP and registration != "Accepted" else "serve"


def boot_wait(interval: int, retry_interval: float) -> float:
    """Seconds until the next BootNotification: at least ``interval`` (core 4.2), but at most `LONGEST_WAIT`.

    0 leaves it to us, and below 0 says nothing: then it is ``retry_interval``.
    """
    return float(min(interval, LONGEST_WAIT)) if interval > 0 else retry_interval


async def boot(
    call: Callable[[Any], Awaitable[Any]],
    request: BootNotificationRequest,
    *,
    retry_interval: float = BOOT_RETRY,
    on_answer: Callable[[BootNotificationResponse], None] | None = None,
    wait: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> BootNotificationResponse:
    """Send BootNotification until it is accepted; returns that answer.

    Not accepted: again after `boot_wait` seconds. CallError, timeout, unreadable answer: again after
    ``retry_interval``. ConnectionLost leaves.
    """
    while True:
        try:
            response: BootNotificationResponse = await call(request)
        except (CallFailed, CallTimeout, MalformedReply) as error:
            log.warning("! boot: %s: %s; again in %g s", type(error).__name__, error, retry_interval)
            await wait(retry_interval)
            continue
        if on_answer:
            on_answer(response)
        if response.status == "Accepted":
            return response
        await wait(boot_wait(response.interval, retry_interval))
