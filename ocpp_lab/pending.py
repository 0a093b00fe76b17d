"""`Pending`: whose answer is this? Unique id to future, and nothing else: not order, not hope.

A reply resolves the call with its id. One that fits no pending call gets a name and a counter, and hurts nobody:
*late* (its call timed out, was cancelled or failed), *repeated* (its call had its answer), *orphan* (no such call).
A late CallResult is still an answer: whoever got the `CallTimeout` may have asked to be told (`on_late_result`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, OrderedDict
from typing import Any, Literal

from .codec import decode_reply
from .errors import Act, CallFailed, CallTimeout, ConnectionLost, MalformedReply, PayloadError
from .frames import CallError, CallResult
from .messages import Response

log = logging.getLogger(__name__)

Fate = Literal["resolved", "failed", "malformed", "late", "repeated", "orphan"]
"""What became of a reply."""


class PendingCall[R: Response](asyncio.Future[R]):
    """The future of one call, which knows whose it is: no second map leads from futures back to ids."""

    __slots__ = ("response_type", "unique_id")

    def __init__(self, unique_id: str, response_type: type[R]) -> None:
        super().__init__(loop=asyncio.get_running_loop())
        self.unique_id = unique_id
        self.response_type = response_type


class _LateResult:
    """The response of a call that timed out, for whoever wants it. It is given away in the turn of the loop in which it
    is read: in the next one a second copy of the request may leave."""

    __slots__ = ("_acts", "_response", "response_type")

    def __init__(self, response_type: type[Response]) -> None:
        self.response_type = response_type
        self._acts: list[Act] = []  # what is done with it, when it `came`
        self._response: Response | None = None  # until it `came`

    def came(self, response: Response) -> None:
        """What an act raises is logged."""
        self._response = response
        for act in self._acts:
            self._give(act)

    def then(self, act: Act) -> None:
        """Have ``act(response)`` called when it comes; if it has come already, in the next turn."""
        if self._response is None:
            self._acts.append(act)
        else:
            asyncio.get_running_loop().call_soon(self._give, act)

    def _give(self, act: Act) -> None:
        try:
            act(self._response)
        except Exception:
            log.exception("! a late result could not be used")


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
        # The pending calls by unique id, oldest first: `open` puts them in, `_end` takes them out.
        self._entries: dict[str, PendingCall[Any]] = {}
        # How the newest ended calls ended, by unique id; `open` forgets an id that is used again.
        self._ended: OrderedDict[str, str] = OrderedDict()
        # What a late result goes to, by unique id: of those in `_ended` that timed out, until any reply came.
        self._late: dict[str, _LateResult] = {}
        # What `fail_all` was given, once it was; nothing can be opened from then on.
        self._error: Exception | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def open[R: Response](self, unique_id: str, response_type: type[R]) -> PendingCall[R]:
        """The future of a call that is about to be sent. Raises ValueError if that id is pending already.

        After `fail_all` it raises the error that was given there.
        """
        if self._error:
            raise self._error.again() if isinstance(self._error, ConnectionLost) else self._error
        if unique_id in self._entries:
            raise ValueError(f"expected a fresh unique id, came {unique_id!r}, which is pending")
        self._ended.pop(unique_id, None)  # a new call under an old id is a new call
        if self._late:
            self._late.pop(unique_id, None)
        call = self._entries[unique_id] = PendingCall(unique_id, response_type)
        return call

    def settle(self, frame: CallResult | CallError) -> Fate:
        """Give a reply to the call it belongs to and say what became of it. Never raises."""
        call = self._waiting(frame.unique_id)
        if call is None:
            self._came_late(frame)
            return self._name_stray(frame.unique_id)
        if isinstance(frame, CallError):
            return self._end(frame.unique_id, "failed", error=CallFailed(frame.code, frame.description, frame.details))
        try:
            response = decode_reply(call.response_type, frame.payload, self.notes, lenient=self.lenient)
        except PayloadError as problem:
            return self.spoil(frame.unique_id, f"{call.response_type.__name__}: {problem.description}")
        return self._end(frame.unique_id, "resolved", result=response)

    def spoil(self, unique_id: str, why: str) -> Fate:
        """A reply for this id came and cannot be read."""
        if self._waiting(unique_id) is None:
            self._late.pop(unique_id, None)
            return self._name_stray(unique_id)
        return self._end(unique_id, "malformed", error=MalformedReply(why))

    async def expect[R: Response](self, call: PendingCall[R], timeout: float) -> R:
        """The response, or its error, or `CallTimeout` after ``timeout`` seconds; then the call is forgotten."""
        timer = asyncio.get_running_loop().call_later(timeout, self._expire, call, timeout)
        try:
            return await call
        finally:
            timer.cancel()
            self.drop(call)

    def drop(self, call: PendingCall[Any]) -> None:
        """Forget a call that nobody awaits any more, or that was never sent; fine if it has ended."""
        if self._entries.get(call.unique_id) is call:  # and not a newer one under the same id
            self._end(call.unique_id, "cancelled")

    def fail_all(self, error: Exception) -> int:
        """The connection is gone: end every pending call with this error, and raise it to whoever opens another.

        Returns how many it ended; a call whose caller was cancelled in this instant is over already.
        """
        self._error = error
        self._late.clear()  # ids are unique on one connection: on the next one no reply is for these
        entries = list(self._entries)  # callbacks may open and settle meanwhile
        waiting = sum(not call.done() for call in self._entries.values())
        for unique_id in entries:
            own = error
            if isinstance(error, ConnectionLost):
                own = error.again(call_error=CallError(unique_id, "ConnectionClosed", str(error)))
            self._end(unique_id, "lost", error=own)
        return waiting

    def _waiting(self, unique_id: str) -> PendingCall[Any] | None:
        """The call that waits for a reply. One whose caller was cancelled in this very instant waits no more."""
        call = self._entries.get(unique_id)
        if call and call.done():
            self._end(unique_id, "cancelled")
            return None
        return call

    def _expire(self, call: PendingCall[Any], timeout: float) -> None:
        if self._entries.get(call.unique_id) is call:
            why = f"no answer within {timeout:g} s"
            late = self._late[call.unique_id] = _LateResult(call.response_type)
            error = CallTimeout(why, CallError(call.unique_id, "Timeout", why), late.then)
            self._end(call.unique_id, "timeout", error=error)

    def _came_late(self, frame: CallResult | CallError) -> None:
        """The first reply to a call that timed out: if it is a good result, it can still be used."""
        late = self._late.pop(frame.unique_id, None)
        if late is None or isinstance(frame, CallError):
            return
        try:
            response = decode_reply(late.response_type, frame.payload, self.notes, lenient=self.lenient)
        except PayloadError as problem:
            log.warning("! late reply for unique id %.40r: %s", frame.unique_id, problem.description)
        else:
            late.came(response)

    def _end[F: str](self, unique_id: str, how: F, *, result: Any = None, error: Exception | None = None) -> F:
        """Every call ends here, once."""
        call = self._entries.pop(unique_id, None)
        if call is None:
            return how
        self._ended[unique_id] = how
        if len(self._ended) > self._remember:
            forgotten, _ = self._ended.popitem(last=False)
            if self._late:
                self._late.pop(forgotten, None)
        self.counts[how] += 1
        if not call.done():
            if how == "cancelled":
                call.cancel()
            elif error is None:
                call.set_result(result)
            else:
                call.set_exception(error)
                call.exception()  # nobody has to await it
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
