"""Several drains at once: of one box, which take turns, and of two boxes, which do not."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.errors import CallFailed, ConnectionLost

from ..kit import Kit
from .boxes import Boxes, messages
from .peer import NIGHT, Peer, begin


def filled(kit: Kit, box: Any) -> Any:
    """Three messages in it."""
    for message in messages(kit, 3):
        box.put(message)
    return box


async def three_drains(my: Any, kit: Kit) -> None:
    """Two wait for a first that is lost; then one of the two begins, and the other goes on waiting."""
    with Boxes(my.Outbox, kit) as boxes:
        box, rest = filled(kit, boxes.open()), Peer(kit, seconds=5.0)
        tasks = [begin(box, peer) for peer in (Peer(kit, ConnectionLost(), seconds=5.0), rest, rest)]
        await asyncio.wait(tasks, timeout=NIGHT)
        said = "two drains waited for the first, and both began when it was over."
        kit.require(rest.most == 1, f"{rest.most} on the wire at once", said)
        kit.require(all(task.done() for task in tasks), "they wait for ever")
        failed = [task for task in tasks[1:] if task.cancelled() or task.exception()]
        kit.require(
            not failed,
            f"{len(failed)} of 2 failed",
            "each drain ends by what came on its own connection, not on the one before.",
        )
        kit.equal((tasks[0].exception() is not None, len(rest.sent), len(box)), (True, 3, 0))


async def in_the_retry_wait(my: Any, kit: Kit) -> None:
    """The first one waits before a retry: it is not over, so the second waits with it."""
    with Boxes(my.Outbox, kit) as boxes:
        box, second_peer = filled(kit, boxes.open(kit.path("retry.db"))), Peer(kit)
        first = begin(box, Peer(kit, CallFailed("InternalError", "not today")))
        await asyncio.sleep(10)
        second = begin(box, second_peer)
        await asyncio.sleep(20)
        if first.done():
            first.result()  # what it raised says more
        said = "the first drain waits before a retry and is not over; a second one sent meanwhile."
        kit.require(not second_peer.sent, f"{len(second_peer.sent)} sent in the wait", said)
        await asyncio.wait([first, second], timeout=NIGHT)
        kit.require(first.done() and second.done(), "they wait for ever", "a drain ends when the box is empty.")
        for task in (first, second):
            task.result()


async def cancelled_in_the_queue(my: Any, kit: Kit) -> None:
    """The second drain is cancelled while it waits; the first goes on, and a third waits for it."""
    with Boxes(my.Outbox, kit) as boxes:
        box, third_peer = filled(kit, boxes.open()), Peer(kit)
        first, second = begin(box, Peer(kit, seconds=5.0)), begin(box, Peer(kit))
        await asyncio.sleep(1)
        second.cancel()
        await asyncio.wait([second], timeout=1)
        third = begin(box, third_peer)
        await asyncio.sleep(1)
        said = "a drain that was cancelled while it waited let another one in beside the first."
        broke = "a drain that was cancelled while it waited broke the first one."
        kit.require(not first.done(), "the first one is over", broke)
        kit.require(not third_peer.sent, "two on the wire", said)
        await asyncio.wait([first, third], timeout=NIGHT)
        kit.require(first.done() and third.done(), "they wait for ever", broke)
        kit.require(not first.cancelled() and first.exception() is None, "the first one failed", broke)
        third.result()


async def two_boxes(my: Any, kit: Kit) -> None:
    """Another path is another outbox: neither waits for the other."""
    with Boxes(my.Outbox, kit) as boxes:
        both = [filled(kit, boxes.open(kit.path(name))) for name in ("one.db", "two.db")]
        peers = [Peer(kit, seconds=5.0) for _ in both]
        tasks = [begin(box, peer) for box, peer in zip(both, peers, strict=True)]
        await asyncio.sleep(1)
        begun = sum(len(peer.sent) for peer in peers)
        await asyncio.wait(tasks, timeout=NIGHT)
        said = "another path is another outbox; its drain waits for no other's."
        kit.require(begun == 2, f"{begun} of 2 began", said)
        for task in tasks:
            task.result()
