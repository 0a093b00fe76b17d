"""`Pending`: whose answer is this? Unique id to future, and nothing else: not order, not hope.

A reply resolves the call with its id. One that fits no pending call gets a name and a counter, and hurts nobody:
*late* (its call timed out, was cancelled or failed), *repeated* (its call had its answer), *orphan* (no such call).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict
from typing import Any, Literal, NamedTuple

from .codec import decode_reply
from .errors import CallFailed, CallTimeout, ConnectionLost, MalformedReply, PayloadError
from .frames import CallError, CallResult
from .messages import Response

log = logging.getLogger(__name__)

Fate = Literal["resolved", "failed", "malformed", "late", "repeated", "orphan"]
"""What became of a reply."""


class _Entry(NamedTuple):
    future: asyncio.Future[Any]
    response_type: type[Response]


class Pending:
    """The calls that await their answers.

    ``counts`` says how calls ended (resolved, failed, malformed, timeout, cancelled, lost) and which replies fitted
    none (late, repeated, orphan). Of the last ``remember`` ended ids it is known how they ended. ``lenient``: what
    `tolerance` mends in a reply is let pass; an unknown field is in any case.
    """

    def __init__(self, *, remember: int = 256, lenient: bool = False) -> None:
        self.counts: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        """What the codec let pass in replies: ``"timestamp without offset"``, ``"unknown field"``, …"""
        self.lenient = lenient
        self._remember = remember
        self._entries: dict[str, _Entry] = {}
        self._ids: dict[asyncio.Future[Any], str] = {}
        self._ended: OrderedDict[str, str] = OrderedDict()
        self._error: Exception | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def open[R: Response](self, unique_id: str, response_type: type[R]) -> asyncio.Future[R]:
        """The future of a call that is about to be sent. Raises ValueError if that id is pending already."""
        if self._error:
            raise self._error.again() if isinstance(self._error, ConnectionLost) else self._error
        if unique_id in self._entries:
            raise ValueError(f"expected a fresh unique id, came {unique_id!r}, which is pending")
        self._ended.pop(unique_id, None)  # a new call under an old id is a new call
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._entries[unique_id] = _Entry(future, response_type)
        self._ids[future] = unique_id
        return future

    def settle(self, frame: CallResult | CallError) -> Fate:
        """Give a reply to the call it belongs to and say what became of it. Never raises."""
        entry = self._waiting(frame.unique_id)
        if entry is None:
            return self._name_stray(frame.unique_id)
        if isinstance(frame, CallError):
            return self._end(frame.unique_id, "failed", error=CallFailed(frame.code, frame.description, frame.details))
        try:
            response = decode_reply(entry.response_type, frame.payload, self.notes, lenient=self.lenient)
        except PayloadError as problem:
            return self.spoil(frame.unique_id, f"{entry.response_type.__name__}: {problem.description}")
        return self._end(frame.unique_id, "resolved", result=response)

    def spoil(self, unique_id: str, why: str) -> Fate:
        """A reply for this id came and cannot be read."""
        if self._waiting(unique_id) is None:
            return self._name_stray(unique_id)
        return self._end(unique_id, "malformed", error=MalformedReply(why))

    async def expect[R: Response](self, future: asyncio.Future[R], timeout: float) -> R:
        """The response, or its error, or `CallTimeout` after ``timeout`` seconds; then the call is forgotten."""
        unique_id = self._ids.get(future)
        if unique_id is None:  # ended before anybody asked
            return await future
        timer = asyncio.get_running_loop().call_later(timeout, self._expire, unique_id, timeout)
        try:
            return await future
        finally:
            timer.cancel()
            if self._ids.get(future) == unique_id:
                self._end(unique_id, "cancelled")

    def drop(self, future: asyncio.Future[Any]) -> None:
        """Forget a call that was never sent."""
        if unique_id := self._ids.get(future):
            self._end(unique_id, "cancelled")

    def fail_all(self, error: Exception) -> int:
        """The line is gone: end every pending call with this error, and raise it to whoever opens another. How many?"""
        self._error = error
        entries = list(self._entries)  # callbacks may open and settle meanwhile
        for unique_id in entries:
            own = error
            if isinstance(error, ConnectionLost):
                own = error.again(call_error=CallError(unique_id, "ConnectionClosed", str(error)))
            self._end(unique_id, "lost", error=own)
        return len(entries)

    def _waiting(self, unique_id: str) -> _Entry | None:
        """The call that waits for a reply. One whose caller was cancelled in this very instant waits no more."""
        entry = self._entries.get(unique_id)
        if entry and entry.future.done():
            self._end(unique_id, "cancelled")
            return None
        return entry

    def _expire(self, unique_id: str, timeout: float) -> None:
        why = f"no answer within {timeout:g} s"
        self._end(unique_id, "timeout", error=CallTimeout(why, CallError(unique_id, "Timeout", why)))

    def _end[F: str](self, unique_id: str, how: F, *, result: Any = None, error: Exception | None = None) -> F:
        """Every call ends here, once."""
        entry = self._entries.pop(unique_id, None)
        if entry is None:
            return how
        del self._ids[entry.future]
        self._ended[unique_id] = how
        if len(self._ended) > self._remember:
            self._ended.popitem(last=False)
        self.counts[how] += 1
        if not entry.future.done():
            if how == "cancelled":
                entry.future.cancel()
            elif error is None:
                entry.future.set_result(result)
            else:
                entry.future.set_exception(error)
                entry.future.exception()  # nobody has to await it
        return how

    def _name_stray(self, unique_id: str) -> Fate:
        match self._ended.get(unique_id):
            case None:
                fate: Fate = "orphan"
            case "resolved" | "failed" | "malformed":
                fate = "repeated"
            case _:
                fate = "late"
        self.counts[fate] += 1
        log.warning("! %s reply for unique id %.40r", fate, unique_id)
        return fate
