"""Power cuts in the midst of a drain, and what is found in the file afterwards."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.errors import CallFailed
from ocpp_lab.messages import Request

from ..kit import Kit
from .boxes import Boxes, messages
from .peer import NIGHT, Peer, begin, drained


class Cuts:
    """Power cuts at the moments of one drain: what would be found in the file then."""

    def __init__(self, kit: Kit, boxes: Boxes, keys: list[int]) -> None:
        self.kit = kit
        self.boxes = boxes
        self.keys = keys
        self.done = 0
        """Messages that are over: somebody acted on the answer, or on the drop."""

    def look(self, moment: str, number: int = 0) -> None:
        copy = self.boxes.after_power_cut()
        left, due = len(copy), len(self.keys) - self.done
        late = "killed between delete and `on_result`: the transaction id is lost; act first, delete last."
        untold = "killed between delete and `on_drop`: nobody is told; act first, delete last."
        said = {"on_result": late, "on_drop": untold}.get(moment, "killed here, a message is lost.")
        self.kit.require(left >= due, f"killed at {moment}: {left} of {due} left", said)
        oldest = left == 0 or copy.head().key == self.keys[-left]
        self.kit.require(left <= due + 1 and oldest, f"{left} left, not {due}", "several would go out a second time.")
        self.boxes.close(copy)

    def prepare(self, entry: Any) -> Request[Any]:
        self.look("prepare")
        return entry.request  # type: ignore[no-any-return]

    def on_result(self, entry: Any, response: Any) -> None:
        self.look("on_result")
        self.done += 1

    def on_drop(self, entry: Any) -> None:
        self.look("on_drop")
        self.done += 1


async def bug_in(my: Any, kit: Kit, name: str) -> None:
    """What a callback raises comes out of the drain, and the message is there: nobody acted on it."""
    await _raised_by(my, kit, name, RuntimeError("a bug"))
    if name != "prepare":
        await _raised_by(my, kit, name, CallFailed("InternalError", "not the peer's"))


async def _raised_by(my: Any, kit: Kit, name: str, bug: Exception) -> None:
    def raises(*arguments: Any) -> Any:
        raise bug

    with Boxes(my.Outbox, kit) as boxes:
        box = boxes.open(kit.path(f"{name} {type(bug).__name__}.db"))
        box.put(messages(kit)[0])
        refusals = [CallFailed("InternalError", "not today")] if name == "on_drop" else []
        task = begin(box, Peer(kit, *refusals), **{name: raises, "attempts": 1})
        await asyncio.wait([task], timeout=NIGHT)
        kit.require(task.done(), "it never returns")
        said = f"what `{name}` raises is raised, and the message is kept: nobody acted on it."
        if isinstance(bug, CallFailed):
            said = f"`{name}` raised a CallFailed, and `drain` treated it like one of `call`; it is a bug: raise it."
        kit.require(not task.cancelled() and task.exception() is bug, f"the bug in `{name}` is hidden", said)
        kit.require(len(box) == 1, f"{len(box)} of 1 left", said)


async def killed_once(my: Any, kit: Kit) -> None:
    """Killed at some instant of the night, and started again from what is in the file."""
    with Boxes(my.Outbox, kit) as boxes:
        box, written = boxes.open(), messages(kit, 5)
        for message in written:
            box.put(message)
        before, acted = Peer(kit, None, CallFailed("InternalError", "not today")), []
        options: dict[str, Any] = {
            "on_result": lambda entry, response: acted.append(entry.request),
            "retry_interval": 1.0,
        }
        task = begin(box, before, **options)
        await asyncio.sleep(kit.rng.uniform(0.0, 4.0))
        found, heard = boxes.after_power_cut(), list(before.answered)
        await drained(kit, found, after := Peer(kit), **options)
        arrived = heard + after.answered
        again = len(arrived) - len(written)
        kit.require(all(each in arrived for each in written), "lost", "killed, and a message is gone.")
        kit.require(again <= 1, f"{again} arrived twice", "at most the one on the wire may be sent again.")
        in_order = sorted(arrived, key=written.index) == arrived
        kit.require(in_order and len(acted) >= 5, "another order", "after the restart the order was another.")
        await kit.within(NIGHT, asyncio.wait([task]), "it never returns")
