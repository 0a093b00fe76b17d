"""`Dispatcher`: the peer's calls are answered beside the reader: each call gets one task, and one end.

- The reader never awaits a handler, so a handler may call its peer.
- At most ``max_handlers`` run at a time; then the reader stops reading, and the peer feels it as back-pressure.
- While a call of ours is in flight it must read on: the reply stands behind those calls, and the handlers may be
  waiting for it. What it reads is *parked*, up to a bound, and served in its order as handlers end.
- More than can be parked, or no end within ``timeout`` seconds: the connection is closed with 1008, and why.
- No call is left without an end: whatever is raised on the way to a reply becomes an InternalError (J-spec 4.2.3).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, Protocol

from .errors import ConnectionLost, StoreFailed
from .frames import Call, CallError, CallResult, encode
from .tally import KINDS, Probes

log = logging.getLogger(__name__)

MOST_PARKED = 256
"""Calls; together with `MOST_CHARACTERS` far more than a peer has on the wire that keeps J-spec 4.1.1: one."""
MOST_CHARACTERS = 1_048_576
"""In the texts of parked calls; 1 MiB, as calls are ASCII but for what people type."""

REPLIES = {kind: KINDS[kind] for kind in (CallResult, CallError)}

LAST_WORD = 1.0
"""Seconds for a close frame that will hardly be read; the peer had its time."""


class Answering(Protocol):
    """What a session asks for answers: a `Router`, or something in front of one."""

    async def answer(self, call: Call) -> CallResult | CallError | None:
        """The reply to a call of the peer; None means: say nothing. What it raises is logged, and becomes an
        InternalError."""


class Sending(Probes, Protocol):
    """What takes the replies: a `Transport`."""

    @property
    def closed(self) -> bool:
        """No more texts can be sent: this end closes, or the connection is dead."""

    async def send(self, text: str) -> None:
        """Returns when the text is queued. Raises `ConnectionLost` once it is closed."""


class Dispatcher:
    """Gives each call of the peer to ``router.answer`` and sends what it says.

    ``timeout()`` is in seconds, ``calling()`` says whether a call of ours is in flight, ``close(code, reason, …)``
    closes the connection. ``counts`` and ``frames`` are added to; ``trouble(what, detail)`` counts and tells.
    """

    def __init__(
        self,
        transport: Sending,
        router: Answering,
        *,
        identity: str,
        max_handlers: int,
        timeout: Callable[[], float],
        calling: Callable[[], bool],
        close: Callable[..., Coroutine[Any, Any, None]],
        counts: Counter[str],
        frames: Counter[tuple[str, str]],
        trouble: Callable[[str, str], None],
    ) -> None:
        self.transport = transport
        self.router = router
        self.identity = identity
        self.max_handlers = max_handlers
        self._timeout = timeout
        self._calling = calling
        self._close = close
        self._counts = counts
        self._frames = frames
        self._trouble = trouble
        # Unique ids of calls that were taken and have no end yet, parked ones too: from `serve` to the end of `answer`.
        self._serving: set[str] = set()
        # What runs beside the reader and has not ended: answers, and what was spawned. A set, in the order of births.
        self._tasks: dict[asyncio.Task[None], None] = {}
        # What waits for one of them to end, oldest first, each with the length of its text; empty unless all are taken.
        # A list, because a deque costs each connection 600 bytes more and hardly any ever parks.
        self._parked: list[tuple[Call | CallError, int]] = []
        self._characters = 0  # in their texts
        # What the reader waits for while it may not read on; done when one has ended, or by `wake_reader`.
        self._reader: asyncio.Future[None] | None = None
        # Closes the connection. Set when the reader begins to wait or something is parked, put off when a handler ends.
        self._patience: asyncio.TimerHandle | None = None
        # What a handler finds in its context, as `begin` found it: a parked call is started by the end of another
        # one's task, and should see nothing of what that has set.
        self._home = copy_context()
        self._over = False  # from `end` on nothing is started

    def begin(self) -> None:
        """The session runs; handlers get the context of whoever calls this."""
        self._home = copy_context()

    async def end(self) -> None:
        """Cancel what runs, forget what is parked; done when all has ended. From now on nothing is started."""
        self._over = True
        self._parked.clear()
        self._end_patience()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, None], what: str) -> None:
        """Run something beside the reader. It starts after the running handler answered; what it raises is logged."""
        if self._over:
            work.close()
        else:
            self._adopt(asyncio.create_task(work, name=f"{self.identity} {what}"))

    # -- what the reader does

    @property
    def full(self) -> bool:
        """Whether all handlers are taken; then `make_room` comes before `serve`."""
        return len(self._tasks) >= self.max_handlers

    async def make_room(self, size: int) -> None:
        """While all handlers are taken: wait until a call of such a length may be served or parked, or we close."""
        while self.full and not self._calling() and not self.transport.closed:
            self._reader = asyncio.get_running_loop().create_future()
            self._begin_patience()
            await self._reader
        self._reader = None
        if self.full and self._parked and not self._has_room(size):
            await self._give_up(f"{len(self._parked)} wait behind a call of ours")

    def _has_room(self, size: int) -> bool:
        return len(self._parked) < MOST_PARKED and self._characters + size <= MOST_CHARACTERS

    def wake_reader(self) -> None:
        """Something has changed: a call of ours goes out, a handler has ended, this end closes."""
        if self._reader and not self._reader.done():
            self._reader.set_result(None)

    def serve(self, call: Call, size: int) -> None:
        """Answer a call, now or when its turn comes."""
        if call.unique_id in self._serving:
            self._trouble("duplicate id", f"{call.action} {call.unique_id}")
            again = CallError(call.unique_id, "GenericError", "a call with this unique id is still being handled")
            self.refuse(again, size)
        else:
            self._serving.add(call.unique_id)
            if len(self._tasks) < self.max_handlers:
                self._start(self.answer(call), call.action)
            else:
                self._park(call, size)

    def refuse(self, error: CallError, size: int) -> None:
        """The same for a call that was no good: this is its answer, and sending it may take as long as any other."""
        if len(self._tasks) < self.max_handlers:
            self._start(self._send(error), "a call that is no good")
        else:
            self._park(error, size)

    def _park(self, call: Call | CallError, size: int) -> None:
        self._counts["parked"] += 1
        self._parked.append((call, size))
        self._characters += size
        self._begin_patience()

    # -- tasks

    def _start(self, work: Coroutine[Any, Any, None], what: str, context: Context | None = None) -> None:
        """One answer, as a task. Eagerly: a handler that need not wait costs no task switch, and has answered before
        the next text is read; one that waits goes on by itself."""
        loop, name = asyncio.get_running_loop(), f"{self.identity} answers {what}"
        self._adopt(asyncio.Task(work, loop=loop, name=name, eager_start=True, context=context))

    def _start_parked(self) -> None:
        """The next one has its turn."""
        call, size = self._parked.pop(0)
        self._characters -= size
        if isinstance(call, Call):
            self._start(self.answer(call), call.action, self._home.copy())
        else:
            self._start(self._send(call), "a call that is no good", self._home.copy())

    def _adopt(self, task: asyncio.Task[None]) -> None:
        if not task.done():
            self._tasks[task] = None
            task.add_done_callback(self._retire)

    def _retire(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled() and (error := task.exception()):
            log.error("! %s failed", task.get_name(), exc_info=error)
        self._end_patience()
        while self._parked and not self.full and not self.transport.closed:
            self._start_parked()
        if self._parked:
            self._begin_patience()
        self.wake_reader()

    # -- answers

    async def answer(self, call: Call) -> None:
        """Answer one call of the peer; it gets an end, whatever happens."""
        try:
            reply = await self.router.answer(call)
            if reply is not None:
                await self._send(reply)
        except asyncio.CancelledError as error:
            if not self._over:  # not by the end of this session: somebody else has cancelled it, or what it waited for
                self._start(self._send(self._failure(call, error)), call.action)
            raise
        except Exception as error:
            if isinstance(error, ConnectionLost) and self.transport.closed:
                self._counts["answer lost"] += 1  # the connection died first
            else:
                await self._send(self._failure(call, error))
        finally:
            self._serving.discard(call.unique_id)

    def _failure(self, call: Call, error: BaseException) -> CallError:
        """The peer cannot use the traceback and may be hostile: it goes to our log, not onto the wire. A disk that is
        full is no bug, and needs one line."""
        traceback = None if isinstance(error, StoreFailed) else error
        log.error("! %s: answering %s failed: %r", self.identity, call.action, error, exc_info=traceback)
        self._counts["answer failed"] += 1
        return CallError(call.unique_id, "InternalError")

    async def _send(self, reply: CallResult | CallError) -> None:
        """Send a reply; raises only if it is none, or cannot be written: the router may be anybody's."""
        if (kind := REPLIES.get(type(reply))) is None:
            raise TypeError(f"expected a CallResult, a CallError or None of the router, came {reply!r:.100}")
        text = encode(reply)
        try:
            await self.transport.send(text)
            self._counts["answered"] += 1
            self._frames["out", kind] += 1
        except ConnectionLost:
            self._counts["answer lost"] += 1
        except Exception:
            log.exception("! %s: an answer could not be sent", self.identity)

    # -- too much

    def _begin_patience(self) -> None:
        """Something waits for a handler to end. If none does within ``timeout`` seconds, we give up."""
        if self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(self._timeout(), self._stuck)

    def _end_patience(self) -> None:
        """One has ended."""
        if self._patience:
            self._patience.cancel()
            self._patience = None

    def _stuck(self) -> None:
        deaf = self.transport.queue_depth or self.transport.writes_in_flight
        why = "no answer is read" if deaf else f"none had an end in {self._timeout():g} s"
        self._patience = None
        self.spawn(self._give_up(why), "closing")

    async def _give_up(self, why: str) -> None:
        """Close the connection of a peer that asks for more than can be answered."""
        if not self.transport.closed:
            self._trouble("overloaded", f"{len(self._tasks)} calls unanswered, {why}; closing")
            seconds = min(LAST_WORD, self._timeout())
            await self._close(1008, f"too many calls, {why}", flush=False, timeout=seconds)
