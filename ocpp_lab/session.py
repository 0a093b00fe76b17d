"""`Session`: RPC over one transport (J-spec 4.1).

- One own call in flight; the peer's calls are served meanwhile (J-spec 4.1.1). Answers bypass the queue of calls.
- The reader never awaits a handler, so a handler may call its peer. Handlers are children of `run`: they end with it.
- Every call ends exactly once: result, CallError, timeout, loss. The last two are synthesised here.
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
from .errors import CallTimeout, ConnectionLost, FrameError, NotConnected
from .frames import Call, CallError, CallResult, decode, encode
from .messages import Request, Response
from .pending import Fate, Pending
from .tally import Fates, Probes, Tally

log = logging.getLogger(__name__)

_KINDS: dict[type, str] = {Call: "call", CallResult: "result", CallError: "error"}


class Answering(Protocol):
    """What a session asks for answers: a `Router`, or something in front of one."""

    async def answer(self, call: Call) -> CallResult | CallError | None:
        """The reply to a call of the peer; None means: say nothing. `ConnectionLost` may leave; other errors are
        logged, and the call stays unanswered."""


class Carrying(Probes, Protocol):
    """What carries a session's texts: a `Transport`."""

    @property
    def has_room(self) -> bool:
        """Whether `send` would return at once. False too if that is not known: then a limit is put on the wait."""

    @property
    def closed(self) -> bool:
        """No more texts can be sent: this end closes, or the connection is dead."""

    @property
    def lost(self) -> ConnectionLost | None:
        """How it ended, None while it lives. It is known at the latest when the iteration has ended."""

    def start(self) -> None:
        """Begin to write; called once, before anything is sent."""

    async def send(self, text: str) -> None:
        """Returns when the text is queued. Raises `ConnectionLost` once it is closed."""

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """The texts that come in; ends, without an error, at any close."""

    async def close(self, code: int = 1000, reason: str = "", *, flush: bool = True, timeout: float = 5.0) -> None:
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
    answered. At most ``max_handlers`` calls of the peer are served at a time; then the reader stops reading, and a
    peer that leaves it so for ``timeout`` seconds is closed with 1008. ``closing`` is told as soon as nothing can be
    sent any more, whoever ended it, perhaps twice; but not if `run` is cancelled.
    """

    def __init__(
        self,
        transport: Carrying,
        router: Answering,
        pending: Awaiting | None = None,
        *,
        ids: Iterator[str] | None = None,
        timeout: float = 30.0,
        identity: str = "peer",
        max_handlers: int = 64,
        trouble: Callable[[str], None] | None = None,
        tally: Tally | None = None,
        closing: Callable[[], object] = lambda: None,
    ) -> None:
        self.transport = transport
        self.router = router
        self.pending: Awaiting = Pending() if pending is None else pending
        self.timeout = timeout
        self.identity = identity
        self.max_handlers = max_handlers
        self.tally = Tally() if tally is None else tally
        self.counts: Counter[str] = Counter()
        self.last_call_at: float | None = None
        """Loop time of the newest own call."""
        self._unique_ids = random_ids() if ids is None else ids
        self._trouble = trouble or (lambda text: None)
        self._closing = closing
        # Held by the own call that is in flight, from before its send until its end.
        self._lane = asyncio.Lock()
        # Unique ids of the peer's calls that are being handled: from `_serve` to the end of `_answer`.
        self._serving: set[str] = set()
        # What runs beside the reader and has not ended: answers, and what was spawned. A set, in the order of births.
        self._handlers: dict[asyncio.Task[None], None] = {}
        # What the reader waits for while there are too many of them; done when one ends, or when we close.
        self._slot_free: asyncio.Future[None] | None = None
        # Done once `run` has read its last and every pending call was told; its result is the loop time of that. Only
        # `run` sets it, and nobody may cancel it: see `wait_closed`.
        self._ended: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    # -- calling

    async def call[R: Response](self, request: Request[R], *, timeout: float | None = None) -> R:
        """Send a request and return its response.

        Raises `PayloadError` (our own request is no good; nothing was sent), `CallFailed`, `MalformedReply`,
        `CallTimeout` after ``timeout`` seconds, `ConnectionLost`, or `NotConnected` if the session is over.
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
        future = self.pending.open(call.unique_id, response_type)
        self.last_call_at = asyncio.get_running_loop().time()
        try:
            await self._send(call, limit)
            return await self.pending.expect(future, limit)
        except (CallTimeout, ConnectionLost) as error:
            self._report(call, error)
            raise
        finally:
            self.pending.drop(future)

    async def _send(self, call: Call, limit: float) -> None:
        """Hand the call to the transport; a queue that stays full for ``limit`` seconds is a timeout too."""
        text = encode(call)
        if self.transport.has_room:
            await self.transport.send(text)
            self.tally.frames["out", "call"] += 1
            return
        try:
            async with asyncio.timeout(limit):
                await self.transport.send(text)
            self.tally.frames["out", "call"] += 1
        except TimeoutError:
            why = f"the write queue stayed full for {limit:g} s"
            raise CallTimeout(why, CallError(call.unique_id, "Timeout", why)) from None

    def _report(self, call: Call, error: CallTimeout | ConnectionLost) -> None:
        synthesised = error.call_error or CallError(call.unique_id, "ConnectionClosed", str(error))
        error.call_error = synthesised
        self._trouble(encode(synthesised))

    # -- serving

    async def run(self) -> None:
        """Read until the transport ends; then pending calls end with `ConnectionLost`, handlers are cancelled."""
        make_current(self)
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
            for handler in self._handlers:
                handler.cancel()
            if self._handlers:
                await asyncio.wait(self._handlers)

    def spawn(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Run something beside the reader that ends with this session. It starts after the running handler answered."""
        self._adopt(asyncio.create_task(work, name=f"{self.identity} {what}"))

    async def close(self, code: int = 1000, reason: str = "", *, flush: bool = True, timeout: float = 5.0) -> None:
        """Close the transport; `run` then ends by itself."""
        self._closing()
        await self.transport.close(code, reason, flush=flush, timeout=timeout)
        self._wake_reader()

    @property
    def ended_at(self) -> float | None:
        """Loop time at which `run` had read its last and told every pending call; None before."""
        return self._ended.result() if self._ended.done() else None

    async def wait_closed(self) -> None:
        """Wait until `run` has read its last and every pending call was told. Handlers may still be ending.

        To cancel a waiter, or to limit its time, hurts nobody else.
        """
        await asyncio.shield(self._ended)

    async def _receive(self, text: str | bytes) -> None:
        """One text, dispatched. Awaits nothing but a free slot when too many calls are being handled."""
        try:
            frame = decode(text)
        except FrameError as problem:
            if problem.unique_id is not None and len(self._handlers) >= self.max_handlers:
                await self._wait_for_a_slot()  # its CallError needs one too
            self._refuse(problem)
            return
        self.tally.frames["in", _KINDS[type(frame)]] += 1
        if isinstance(frame, Call):
            if len(self._handlers) >= self.max_handlers:
                await self._wait_for_a_slot()
            if not self.transport.closed:  # or we would act and could not say so
                self._serve(frame)
            return
        fate = self.pending.settle(frame)
        if fate not in ("resolved", "failed"):
            self._trouble(f"{fate} reply: {encode(frame)}")

    def _serve(self, call: Call) -> None:
        if call.unique_id in self._serving:
            self._count("duplicate id", f"{call.action} {call.unique_id}")
            again = CallError(call.unique_id, "GenericError", "a call with this unique id is still being handled")
            self._start(self._reply(again), "duplicate id")
        else:
            self._serving.add(call.unique_id)
            self._start(self._answer(call), call.action)

    def _start(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Run one answer as a child of `run`. Eagerly: a handler that need not wait costs no task switch, and has
        answered before the next text is read; one that waits goes on by itself."""
        loop = asyncio.get_running_loop()
        self._adopt(asyncio.Task(work, loop=loop, name=f"{self.identity} answers {what}", eager_start=True))

    def _adopt(self, task: asyncio.Task[None]) -> None:
        if not task.done():
            self._handlers[task] = None
            task.add_done_callback(self._retire)

    def _retire(self, handler: asyncio.Task[None]) -> None:
        self._handlers.pop(handler, None)
        self._wake_reader()

    def _wake_reader(self) -> None:
        if self._slot_free and not self._slot_free.done():
            self._slot_free.set_result(None)

    async def _wait_for_a_slot(self) -> None:
        """No more reading for now: the peer feels it as back-pressure. Nothing moves for ``timeout`` s: close."""
        try:
            async with asyncio.timeout(self.timeout):
                while len(self._handlers) >= self.max_handlers and not self.transport.closed:
                    self._slot_free = asyncio.get_running_loop().create_future()
                    await self._slot_free
        except TimeoutError:
            self._count("overloaded", f"{self.max_handlers} calls unanswered for {self.timeout:g} s, closing")
            patience = min(1.0, self.timeout)  # it had its time; a close frame it will hardly read either
            await self.close(1008, "too many calls, no answer is read", flush=False, timeout=patience)

    async def _answer(self, call: Call) -> None:
        try:
            reply = await self.router.answer(call)
            if reply is not None:
                await self._reply(reply)
        except ConnectionLost:
            self.counts["answer lost"] += 1  # the line died first
        except Exception:
            log.exception("! %s: answering %s failed", self.identity, call.action)
        finally:
            self._serving.discard(call.unique_id)

    async def _reply(self, reply: CallResult | CallError) -> None:
        try:
            await self.transport.send(encode(reply))
            self.counts["answered"] += 1
            self.tally.frames["out", _KINDS[type(reply)]] += 1
        except ConnectionLost:
            self.counts["answer lost"] += 1

    def _refuse(self, problem: FrameError) -> None:
        """A Call that can be told gets a CallError, a spoilt reply ends its call; the rest is counted and forgotten."""
        self._count("bad frame", str(problem))
        if problem.unique_id is not None:
            # The id goes back as it came, even if it is too long: nothing else says whose call this was.
            reply = CallError(problem.unique_id, problem.code, problem.description)
            self._start(self._reply(reply), "a bad frame")
        elif problem.reply_to is not None:
            self.pending.spoil(problem.reply_to, problem.description)

    def _count(self, what: str, detail: str) -> None:
        self.counts[what] += 1
        self._trouble(f"{what}: {detail}")
        log.warning("! %s: %s: %.200s", self.identity, what, detail)
