"""`Session`: RPC over one transport (J-spec 4.1).

- One own call in flight; the peer's calls are served meanwhile (J-spec 4.1.1). Answers bypass the queue of calls.
- Every call ends exactly once: result, CallError, timeout, loss. The last two are synthesised here.
- The peer's calls go to the `Dispatcher`. What it starts are children of `run`: they end with it.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextvars import ContextVar
from typing import Any, Protocol

from .codec import encode_payload
from .dispatcher import Answering as Answering
from .dispatcher import Dispatcher, Sending
from .errors import CallTimeout, CallWithdrawn, ConnectionLost, FrameError, NotConnected
from .frames import Call, CallError, CallResult, decode, encode
from .lane import Lane
from .messages import Request, Response
from .pending import Fate, Pending
from .pipe import CLOSE_TIMEOUT
from .tally import KINDS, Fates, Tally

log = logging.getLogger(__name__)

CALL_TIMEOUT = 30.0
"""Seconds that a call waits for its answer, unless told otherwise. OCPP 1.6 names none."""


class Carrying(Sending, Protocol):
    """What carries a session's texts: a `Transport`."""

    @property
    def has_room(self) -> bool:
        """Whether `send` would return at once. False too if that is not known: then a limit is put on the wait."""

    @property
    def lost(self) -> ConnectionLost | None:
        """How it ended, None while it lives. It is known at the latest when the iteration has ended."""

    def start(self) -> None:
        """Begin to write; called once, before anything is sent."""

    def withdraw(self, text: str) -> bool:
        """Take a text back. True: it was not sent and will not be, and this is certain; else False.

        It is asked for the string that was given to `send`, and at once if that was cancelled.
        """

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """The texts that come in; ends, without an error, at any close."""

    async def close(
        self, code: int = 1000, reason: str = "", *, flush: bool = True, timeout: float = CLOSE_TIMEOUT
    ) -> None:
        """With ``flush`` send what is queued first; done after about ``timeout`` s. Closing twice is fine."""


class Awaiting(Fates, Protocol):
    """What knows whose answer a reply is: a `Pending`. `tally.Fates` says what it counts."""

    def open(self, unique_id: str, response_type: type[Any]) -> asyncio.Future[Any]:
        """The future of a call that is about to be sent. After `fail_all` it raises what was given there."""

    def settle(self, frame: CallResult | CallError) -> Fate:
        """End the call that this reply belongs to, and say what became of the reply. Never raises."""

    def spoil(self, unique_id: str, why: str) -> Fate:
        """The same for a reply that cannot be read: its call ends with `MalformedReply`."""

    async def expect(self, call: Any, timeout: float) -> Any:
        """The response of a call that `open` gave, its error, or `CallTimeout` after ``timeout`` s. Then it is
        forgotten, also if the caller is cancelled."""

    def drop(self, call: Any) -> None:
        """Forget a call that was never sent; fine if it has ended."""

    def fail_all(self, error: Exception) -> int:
        """The connection is gone: end every call with this error, at once. How many were there?"""


_current: ContextVar[Session] = ContextVar("ocpp_lab.session")


def current_session() -> Session:
    """The session whose call the running handler answers. Raises LookupError outside a handler."""
    return _current.get()


def make_current(session: Any) -> None:
    """From here on, in this task and in those that it begins, this is the `current_session`."""
    _current.set(session)


def random_ids() -> Iterator[str]:
    """Fresh unique ids: UUIDs, 36 characters."""
    while True:
        yield str(uuid.uuid4())


class Session:
    """Calls out, answers in, and the other way round, until the transport ends.

    ``timeout`` is in seconds, counted from the send. ``counts`` says what came in that was no good, and what was
    answered. At most ``max_handlers`` calls of the peer are served at a time; `dispatcher` says what happens to more.
    ``closing`` is told as soon as nothing can be sent any more, whoever ended it, perhaps twice; but not if `run` is
    cancelled.
    """

    def __init__(
        self,
        transport: Carrying,
        router: Answering,
        pending: Awaiting | None = None,
        *,
        ids: Iterator[str] | None = None,
        timeout: float = CALL_TIMEOUT,
        identity: str = "peer",
        max_handlers: int = 64,
        trouble: Callable[[str], None] | None = None,
        tally: Tally | None = None,
        closing: Callable[[], object] = lambda: None,
    ) -> None:
        self.transport = transport
        self.pending: Awaiting = Pending() if pending is None else pending
        self.timeout = timeout
        self.identity = identity
        self.tally = Tally() if tally is None else tally
        self.counts: Counter[str] = Counter()
        self.last_call_at: float | None = None
        """Loop time at which the newest own call was sent."""
        self._unique_ids = random_ids() if ids is None else ids
        self._trouble = trouble or (lambda text: None)
        self._closing = closing
        # Taken by the own call that is in flight, from before its send until the wire is free of it.
        self._lane = Lane()
        self._dispatcher = Dispatcher(
            transport,
            router,
            identity=identity,
            max_handlers=max_handlers,
            timeout=lambda: self.timeout,
            calling=self._lane.locked,
            close=self.close,
            counts=self.counts,
            frames=self.tally.frames,
            trouble=self._count,
        )
        # Done once `run` has read its last and every pending call was told; its result is the loop time of that. Only
        # `run` sets it, and nobody may cancel it: see `wait_closed`.
        self._ended: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    # -- calling

    async def call[R: Response](self, request: Request[R], *, timeout: float | None = None) -> R:
        """Send a request and return its response.

        Raises `PayloadError` (our own request is no good; nothing was sent), `CallFailed`, `MalformedReply`,
        `CallTimeout` after ``timeout`` seconds (`CallWithdrawn` if it could not even be written), `ConnectionLost`, or
        `NotConnected` if the session is over. Whoever is cancelled is free at once; the next call goes out when the
        reply to this one has come, or its time is up, or now if it could be withdrawn (see `lane`).
        """
        payload = encode_payload(request)
        limit = self.timeout if timeout is None else timeout
        async with self._lane:  # one own call in flight (J-spec 4.1.1); the others wait in order
            if self._ended.done() or self.transport.closed:
                raise NotConnected(f"{request.action} was not sent: the session with {self.identity} is over")
            call = Call(next(self._unique_ids), request.action, payload)
            with self.tally.call(request.action):
                response: R = await self._exchange(call, request.response_type, limit)
            return response

    async def _exchange(self, call: Call, response_type: type[Any], limit: float) -> Any:
        """One call, from its `open` to its end. What nobody waits for any more is taken back, if it still can be."""
        future, text, sent = self.pending.open(call.unique_id, response_type), encode(call), False
        self.last_call_at = asyncio.get_running_loop().time()
        self._dispatcher.wake_reader()  # it has to read on, for the reply
        try:
            await self._send(text, limit)
            sent = True
            return await self.pending.expect(future, limit)
        except CallTimeout as error:
            if not self._withdraw(text):
                self._report(call, error)
                raise
            sent = False
            raise self._report(call, CallWithdrawn(f"{error}; it was taken back from the write queue")) from None
        except ConnectionLost as error:
            self._report(call, error)
            raise
        except asyncio.CancelledError:
            if self._withdraw(text):
                sent = False
            elif not self._ended.done() and (future.cancelled() or not future.done()):  # done: its reply came
                self._lane.leave(call.unique_id, self._time_left(limit) if sent else limit)
            raise
        finally:
            self.pending.drop(future)
            if sent:  # which is certain only now
                self.tally.frames["out", "call"] += 1

    async def _send(self, text: str, limit: float) -> None:
        """Hand the call to the transport; a queue that stays full for ``limit`` seconds is a timeout too."""
        if self.transport.has_room:
            await self.transport.send(text)
            return
        try:
            async with asyncio.timeout(limit):
                await self.transport.send(text)
        except TimeoutError:
            raise CallTimeout(f"the write queue stayed full for {limit:g} s") from None
        self.last_call_at = asyncio.get_running_loop().time()

    def _withdraw(self, text: str) -> bool:
        if not self.transport.withdraw(text):
            return False
        self.counts["withdrawn"] += 1
        return True

    def _time_left(self, limit: float) -> float:
        """Of the newest call, in seconds; its time began when it was sent."""
        return (self.last_call_at or 0.0) + limit - asyncio.get_running_loop().time()

    def _report[E: (CallTimeout, ConnectionLost)](self, call: Call, error: E) -> E:
        """Say in the trace that nothing came, as the CallError that did not come."""
        code = "Timeout" if isinstance(error, CallTimeout) else "ConnectionClosed"
        error.call_error = error.call_error or CallError(call.unique_id, code, str(error))
        self._trouble(encode(error.call_error))
        return error

    # -- reading

    async def run(self) -> None:
        """Read until the transport ends; then pending calls end with `ConnectionLost`, handlers are cancelled."""
        make_current(self)
        self._dispatcher.begin()
        self.transport.start()
        self.tally.opened(self)
        try:
            async for text in self.transport:
                await self._receive(text)
            self._closing()
        finally:
            self._ended.set_result(asyncio.get_running_loop().time())
            self.tally.closed(self)
            self.pending.fail_all(self.transport.lost or ConnectionLost())
            self._lane.end()
            await self._dispatcher.end()

    async def _receive(self, text: str | bytes) -> None:
        """One text, dispatched. Awaits nothing, unless too many calls of the peer are being handled."""
        try:
            frame = decode(text)
        except FrameError as problem:
            await self._refuse(problem, len(text))
            return
        self.tally.frames["in", KINDS[type(frame)]] += 1
        if isinstance(frame, Call):
            if self._dispatcher.full:
                await self._dispatcher.make_room(len(text))
            if not self.transport.closed:  # or we would act and could not say so
                self._dispatcher.serve(frame, len(text))
            return
        fate = self.pending.settle(frame)
        if self._lane.left == frame.unique_id:
            self._lane.end()
        if fate not in ("resolved", "failed"):
            self._trouble(f"{fate} reply: {encode(frame)}")

    async def _refuse(self, problem: FrameError, size: int) -> None:
        """A Call that can be told gets a CallError, a spoilt reply ends its call; the rest is counted and forgotten."""
        self._count("bad frame", str(problem))
        if problem.unique_id is not None:
            # The id goes back as it came, even if it is too long: nothing else says whose call this was.
            if self._dispatcher.full:
                await self._dispatcher.make_room(size)  # its CallError needs it too
            if not self.transport.closed:
                self._dispatcher.refuse(CallError(problem.unique_id, problem.code, problem.description), size)
        elif problem.reply_to is not None:
            self.pending.spoil(problem.reply_to, problem.description)
            if self._lane.left == problem.reply_to:
                self._lane.end()

    def _count(self, what: str, detail: str) -> None:
        self.counts[what] += 1
        self._trouble(f"{what}: {detail}")
        log.warning("! %s: %s: %.200s", self.identity, what, detail)

    # -- beside and at the end

    def spawn(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Run something beside the reader that ends with this session. It starts after the running handler answered."""
        self._dispatcher.spawn(work, what)

    async def close(
        self, code: int = 1000, reason: str = "", *, flush: bool = True, timeout: float = CLOSE_TIMEOUT
    ) -> None:
        """Close the transport; `run` then ends by itself."""
        self._closing()
        await self.transport.close(code, reason, flush=flush, timeout=timeout)
        self._dispatcher.wake_reader()

    @property
    def router(self) -> Answering:
        """What answers the peer's calls; another one may take its place."""
        return self._dispatcher.router

    @router.setter
    def router(self, router: Answering) -> None:
        self._dispatcher.router = router

    @property
    def max_handlers(self) -> int:
        """So many calls of the peer are served at a time."""
        return self._dispatcher.max_handlers

    @property
    def ended_at(self) -> float | None:
        """Loop time at which `run` had read its last and told every pending call; None before."""
        return self._ended.result() if self._ended.done() else None

    async def wait_closed(self) -> None:
        """Wait until `run` has read its last and every pending call was told. Handlers may still be ending.

        To cancel a waiter, or to limit its time, hurts nobody else.
        """
        await asyncio.shield(self._ended)
