"""`Life`: one `Uplink` after the other, for ever; a bug below ends a connection and not the charge point."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from typing import NoReturn

from ..connection import keep_connected, retryable
from ..errors import ConnectionLost
from ..pipe import Pipe
from ..session import Carrying
from .gate import Gate
from .uplink import Duties, Speaking, States, Uplink

log = logging.getLogger(__name__)

Speaker = tuple[Speaking, Carrying]

AFTER_A_BUG = 60.0
"""Seconds to wait when the loop itself failed, and with it whatever says how long to wait."""


class Life:
    """``dial()`` gives a pipe, ``speak(pipe)`` what talks over it; ``delays()`` yields the waits (s) between dials."""

    def __init__(
        self,
        dial: Callable[[], Coroutine[object, object, Pipe]],
        speak: Callable[[Pipe], Speaker],
        delays: Callable[[], Iterator[float]],
        machine: States,
        gate: Gate,
        duties: Duties,
    ) -> None:
        self.dial = dial
        self.speak = speak
        self.delays = delays
        self.machine = machine
        self.gate = gate
        self.duties = duties
        self.uplink: Uplink | None = None
        """The current connection, None while there is none."""
        self.failures = 0
        """How many connections ended by a bug of ours; the log has each."""
        self.dials_at: float | None = None
        """Loop time (s) at which the wait that goes on is over; None while we dial or are connected."""

    async def run(self) -> NoReturn:
        """Stay connected until cancelled, whatever happens."""
        while True:
            try:
                await keep_connected(self._dial, self._serve, self._waits, fire=self.machine.fire)
            except Exception:
                self._failed()
            await asyncio.sleep(self._wait(AFTER_A_BUG))
            self.machine.fire("wait_over")

    def give_up(self) -> None:
        """Nothing can be sent on the current connection any more, although its end has not come through yet."""
        if self.uplink:
            self.uplink.give_up()

    def _waits(self) -> Iterator[float]:
        """Those of ``delays``, or longer while there is no use in a connection."""
        for seconds in self.delays():
            yield self._wait(max(seconds, self.gate.silence))

    def _wait(self, seconds: float) -> float:
        self.dials_at = asyncio.get_running_loop().time() + seconds
        return seconds

    async def _dial(self) -> Pipe:
        self.dials_at = None
        return await self._unless_it_fails(self.dial())

    async def _serve(self, pipe: Pipe, proved: Callable[[], None]) -> None:
        await self._unless_it_fails(self._connect(pipe, proved))

    async def _connect(self, pipe: Pipe, proved: Callable[[], None]) -> None:
        session, transport = self.speak(pipe)
        good = asyncio.Event()  # set once the connection showed that it is
        self.uplink = self.gate.way = uplink = Uplink(session, transport, self.machine, good.set, self.duties)
        try:
            await self._unless_it_fails(uplink.live())  # the state tells of a bug before the goodbye takes its time
        finally:
            self.uplink = self.gate.way = None
            if good.is_set() and self.machine.state != "failed":  # or a bug that comes back would never back off
                proved()
            await uplink.shut()

    async def _unless_it_fails[T](self, work: Coroutine[object, object, T]) -> T:
        """What is no bug leaves as it is; a bug is told, counted, and leaves as a loss, so that we dial again."""
        try:
            return await work
        except Exception as error:
            if retryable(error):
                raise
            self._failed()
            raise ConnectionLost(f"failed: {type(error).__name__}: {error}") from error

    def _failed(self) -> None:
        self.failures += 1
        log.exception("! %s: a bug ended the connection; we wait and dial again", self.duties.identity)
        if self.machine.state != "failed":
            self.machine.fire("failed")
