"""`Group`: what answers write in one turn of the event loop, on the disk at once; and who waits for it.

A disk needs as long for one row as for two hundred, and meanwhile nobody is served. So what is written while calls are
answered is committed together, at the beginning of the next turn; after a slow commit (`Rest`) a little later. None of
these answers is sent before. What has written nothing, a Heartbeat, waits for nobody.

The other side of it: if one statement fails, sqlite may have undone what the others wrote, without a word. So the group
fails as a whole, and each of its answers has to end as if its own statement had failed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Self

from .errors import StoreFailed

log = logging.getLogger(__name__)


LONGEST_REST = 0.25
"""Seconds, of a disk that hangs now and then: more would punish those who write for one bad moment."""


class Rest:
    """After a commit, the loop serves others for as long as the commit took, before the next one begins by itself.

    A card that needs 20 ms for each commit then has half of the time at most, however many write; whoever writes waits
    for one more commit. Without it, 80 writes in a second would leave nothing for anybody else. A fast disk is hardly
    ever still at rest when the next write comes.
    """

    def __init__(self) -> None:
        self._until = 0.0  # loop time, s

    def after(self, began: float, ended: float) -> None:
        """A commit took from ``began`` to ``ended`` (loop time, s)."""
        self._until = ended + min(ended - began, LONGEST_REST)

    def left(self, now: float) -> float:
        """Seconds until the next commit; 0 or less: at once."""
        return self._until - now


class Group:
    """Begins with the first write, and is over in the next turn, or when the ``rest`` is: then ``commit(group)`` is
    called, which has to `end` it."""

    def __init__(self, commit: Callable[[Group], object], rest: Rest) -> None:
        self.over = False
        """It was committed, or undone."""
        self.error: StoreFailed | None = None
        """Why it was undone; None as long as it was not."""
        self._commit = commit
        self._loop = asyncio.get_running_loop()
        # Done when it is over. Only `end` sets it, and nobody may cancel it: see `durable`.
        self._ended: asyncio.Future[None] = self._loop.create_future()
        self._acts: list[Callable[[bool], object]] = []  # what is to be told, in this order; `end` empties it
        left = rest.left(self.time())
        self._timer = self._loop.call_later(left, self.commit) if left > 0 else self._loop.call_soon(self.commit)

    def time(self) -> float:
        """The time of its loop, in seconds; in any thread."""
        return self._loop.time()

    def commit(self) -> None:
        """Do not wait for the next turn; fine if it is over."""
        if not self.over:
            self._commit(self)

    def end(self, error: StoreFailed | None = None) -> None:
        """It is on the disk; or it was undone, because of this error."""
        self.over, self.error = True, error
        self._timer.cancel()
        acts, self._acts = self._acts, []
        for act in acts:
            act(error is None)
        if _running_loop() is self._loop:
            self._ended.set_result(None)
        elif not self._loop.is_closed():  # another thread wrote into the same file, or closed it
            self._loop.call_soon_threadsafe(self._ended.set_result, None)

    def then(self, act: Callable[[bool], object]) -> None:
        """Have ``act(durable)`` called when it is over, before anybody who waits goes on: False if it was undone."""
        self._acts.append(act)

    async def durable(self) -> None:
        """Wait until it is on the disk. Raises `StoreFailed` if it was undone; each who waits gets one of its own."""
        if not self.over:
            await asyncio.shield(self._ended)
        if self.error is not None:
            raise StoreFailed(f"undone with all that was written in the same turn: {self.error}") from self.error


class Groups:
    """The groups of one central system: of all its answers, into whatever file they write."""

    def __init__(self) -> None:
        self.failures = 0
        """How many groups were undone."""
        self._open: dict[Group, None] = {}  # in the order in which they began

    def answer(self) -> Written:
        """``async with groups.answer():`` around what works out an answer. At its end it waits, see `Written`."""
        return Written(self)

    def adopt(self, group: Group) -> None:
        """An answer has a part in this group."""
        if group not in self._open:
            self._open[group] = None
            group.then(lambda durable: self._settle(group, durable))

    def commit(self) -> None:
        """Whatever was written is on the disk when this returns, or was undone; that is logged, and told to those who
        wait."""
        for group in list(self._open):
            group.commit()

    def _settle(self, group: Group, durable: bool) -> None:
        del self._open[group]
        if not durable:
            self.failures += 1
            log.error("! what was written in one turn was undone: %s", group.error)


class Written:
    """The groups of one answer: into which it wrote, or from which it read what is not on the disk yet.

    They are found by a context variable, so it does not matter whose handler writes. What a handler leaves behind, a
    task that writes when the answer is out, is no part of it: nobody would wait for that, so it is durable at once.

    ``async with``: at the end of the block it waits for them. Raises `StoreFailed` if one of them was undone.
    """

    __slots__ = ("_all", "_groups", "_loop", "_over", "_token")

    def __init__(self, all_groups: Groups) -> None:
        self._all = all_groups
        self._groups: list[Group] = []  # but for those that are on the disk
        self._loop = asyncio.get_running_loop()
        self._over = False  # the answer is worked out
        self._token: Token[Written | None] | None = None  # in the block

    async def __aenter__(self) -> Self:
        self._token = _written.set(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._token is not None
        _written.reset(self._token)
        self._over = True
        if error is None and self._groups:
            await self.durable()

    @property
    def current(self) -> bool:
        """Whether what is written now is a part of the answer; not in another thread, which nobody here waits for."""
        return not self._over and _running_loop() is self._loop

    def join(self, group: Group) -> None:
        """This answer has a part in it."""
        if group not in self._groups:
            self._groups = [each for each in self._groups if each.error or not each.over]
            self._groups.append(group)
            self._all.adopt(group)

    def check(self) -> None:
        """Raises `StoreFailed` if something of it was undone: what follows would build on what is not there."""
        for group in self._groups:
            if group.error is not None:
                raise StoreFailed(f"not done, for what this answer wrote before was undone: {group.error}")

    def then(self, act: Callable[[bool], object]) -> None:
        """As `Group.then`, of what it wrote last; at once if that is on the disk."""
        if self._groups and not (last := self._groups[-1]).over:
            last.then(act)
        else:
            act(True)

    async def durable(self) -> None:
        """Wait until what it has written so far is on the disk. Raises `StoreFailed` if it was undone."""
        for group in self._groups:
            await group.durable()


_written: ContextVar[Written | None] = ContextVar("ocpp_lab.written", default=None)


def current_answer() -> Written | None:
    """What the running answer has written; None outside an answer: whoever writes there has it on the disk at once."""
    written = _written.get()
    return written if written is not None and written.current else None


async def durable() -> None:
    """Wait until what the running answer has written so far is on the disk; outside an answer everything is.

    Before a handler tells anybody else of it. Raises `StoreFailed` if it was undone.
    """
    if written := _written.get():
        await written.durable()


def afterwards(act: Callable[[bool], object]) -> None:
    """Have ``act(durable)`` called when what was just written is on the disk, or undone; outside an answer, at once."""
    if written := current_answer():
        written.then(act)
    else:
        act(True)


@contextmanager
def at_once() -> Iterator[None]:
    """What is written in this block is on the disk on return, also in an answer."""
    token = _written.set(None)
    try:
        yield
    finally:
        _written.reset(token)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:  # a thread without one
        return None
