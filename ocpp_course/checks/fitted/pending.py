"""`FittedPending`: pending calls of the exercises as a session needs them (`session.Awaiting`)."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

from ocpp_lab.errors import CallTimeout, MalformedReply
from ocpp_lab.frames import CallError, CallResult
from ocpp_lab.pending import Fate

REMEMBER = 256
"""Of so many ended calls it is known how they ended."""


class FittedPending:
    """``make()`` gives the learner's ``piece``, which matches replies and calls: steps 4.1 to 4.5.

    ``counts`` is our own: how a call ended is read from its future, and how the call of a stray reply ended is
    remembered here. So a stray has its true name, whatever word the piece has for it. A late result is named and
    counted, and not used: the `CallTimeout` is the piece's own and knows of no late result.
    """

    def __init__(self, make: Callable[..., Any], **options: Any) -> None:
        self.piece = make(**options)
        self.counts: Counter[str] = Counter()
        self._open: dict[str, asyncio.Future[Any]] = {}  # by unique id: opened, and not ended as far as we know
        self._ended: OrderedDict[str, str] = OrderedDict()
        self._forgetting: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self.piece)

    def open(self, unique_id: str, response_type: type[Any]) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = self.piece.open(unique_id, response_type)
        self._ended.pop(unique_id, None)
        self._open[unique_id] = future
        return future

    def settle(self, frame: CallResult | CallError) -> Fate:
        call = self._open.get(frame.unique_id)
        if call and call.done():  # its caller was cancelled in this very instant
            self._end(frame.unique_id, "cancelled")
        self.piece.settle(frame)
        if frame.unique_id in self._open and call and call.done():
            return self._end(frame.unique_id, _how(call))
        return self._name_stray(frame.unique_id)

    def spoil(self, unique_id: str, why: str) -> Fate:
        """No exercise knows of it, so the piece gets a reply that fits no declaration: its payload is a text."""
        return self.settle(CallResult(unique_id, why))

    async def expect(self, call: Any, timeout: float) -> Any:
        unique_id = self._id_of(call)
        try:
            return await self.piece.expect(call, timeout)
        except CallTimeout as error:
            error.call_error = error.call_error or CallError(unique_id, "Timeout", str(error))
            self._end(unique_id, "timeout")
            raise
        except asyncio.CancelledError:
            self._end(unique_id, "cancelled")
            raise

    def drop(self, call: Any) -> None:
        """No exercise knows of it, so the piece is asked to expect it for 0 seconds. It forgets it a moment later."""
        if unique_id := self._id_of(call):
            self._end(unique_id, "cancelled")
            task = asyncio.create_task(self._forget(call), name=f"drop {unique_id}")
            self._forgetting.add(task)
            task.add_done_callback(self._forgetting.discard)

    async def _forget(self, call: Any) -> None:
        await asyncio.gather(self.piece.expect(call, 0.0), return_exceptions=True)
        call.cancel()

    def fail_all(self, error: Exception) -> int:
        number: int = self.piece.fail_all(error)
        for unique_id, call in list(self._open.items()):
            if call.done():  # one that is not is still pending, whatever the piece says
                self._end(unique_id, "cancelled" if call.cancelled() else "lost")
        return number

    def _id_of(self, call: Any) -> str:
        """Its unique id; empty if it has ended."""
        return next((unique_id for unique_id, each in self._open.items() if each is call), "")

    def _end[F: str](self, unique_id: str, how: F) -> F:
        if self._open.pop(unique_id, None) is not None:
            self._ended[unique_id] = how
            if len(self._ended) > REMEMBER:
                self._ended.popitem(last=False)
            self.counts[how] += 1
        return how

    def _name_stray(self, unique_id: str) -> Fate:
        ended = self._ended.get(unique_id)
        answered = ended in ("resolved", "failed", "malformed")
        fate: Fate = "repeated" if answered else "late" if ended else "orphan"
        self.counts[fate] += 1
        return fate


def _how(call: asyncio.Future[Any]) -> Fate:
    """What a reply did to its call."""
    error = call.exception()
    return "resolved" if error is None else "malformed" if isinstance(error, MalformedReply) else "failed"
