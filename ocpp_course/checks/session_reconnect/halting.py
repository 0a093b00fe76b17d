"""Drains that are to end early: by an error that halts, or because they are cancelled."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.errors import CallFailed, CallTimeout, ConnectionLost, NotConnected, OcppError

from ..kit import Kit
from .peer import NIGHT, Peer, begin

SOON = 300.0
"""A drain that is to raise at once has done so by then, also one that asks and waits."""


def halts() -> tuple[OcppError, ...]:
    """Made anew each time: an error that was raised holds frames."""
    return ConnectionLost(), NotConnected("offline"), CallFailed("SecurityError"), CallTimeout()


async def ends_with(kit: Kit, box: Any, peer: Peer, *, after_a_raise: bool = True) -> Exception | None:
    task = begin(box, peer)
    await asyncio.wait([task], timeout=SOON)
    said = "a drain raised, and the next drain of that box never sent anything: however one ends, the next may begin."
    kit.require(task.done() or peer.sent or not after_a_raise, "it never returns", said)
    if not task.done():
        await asyncio.wait([task], timeout=NIGHT)
    kit.require(task.done(), "it never returns")
    error = task.exception()
    return error if isinstance(error, Exception) else None


async def cut_short(kit: Kit, box: Any, peer: Peer, seconds: float = 0.2) -> None:
    """Cancel a drain while a message is on the wire, as a lost connection does."""
    task = begin(box, peer)
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.wait([task], timeout=NIGHT)
    kit.require(task.done(), "cancelled, it goes on", "it was cancelled and goes on; let CancelledError through.")
    said = "it was cancelled and ended without CancelledError; let that through."
    kit.require(task.cancelled(), "cancelled, and no CancelledError", said)
