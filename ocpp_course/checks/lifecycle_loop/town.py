"""`Town`: a scripted central system to dial, and the charge point that does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any

from ocpp_lab.charge_point.registration import boot
from ocpp_lab.connection import CONNECTION, keep_connected
from ocpp_lab.errors import ConnectionLost, HandshakeRefused
from ocpp_lab.heartbeat import Heartbeat
from ocpp_lab.outbox import Entry, Outbox
from ocpp_lab.states import Machine
from ocpp_lab.transaction_ids import TransactionIds

from ..kit import Kit
from .ours import online, watch
from .stage import BOOT, Calling, PlayedSession, slip, status

BEAT = 20.0
WAIT = 24.0
"""Seconds before each new dial."""
UNUSED = {"forgotten", "failed", "closed"}
TABLE: Any = {
    state: {event: after for event, after in edges.items() if event not in UNUSED}
    for state, edges in CONNECTION.items()
}
"""The state table with the events of the exercise alone, so that no error names another one."""

NO_LINE = {"shut": OSError("no route"), "lost": ConnectionLost("reset"), "refused": HandshakeRefused(503)}
"""What a dial raises at such a door."""


class Town:
    """Its ``door`` says what a dial comes to: "open", "shut", "lost", "refused", "silent", or the password it needs.

    "broken" and "haunted" are bugs, in the dial and on the connection; "struck": the dial raises CancelledError.
    ``boots`` are the statuses of the next boots, then Accepted. One town is one power-up: `charge_point` makes one.
    """

    def __init__(self, my: Any, kit: Kit, *boots: str, latency: float = 0.1, files: Files | None = None) -> None:
        self.my = my
        self.kit = kit
        self.boots = list(boots)
        self.latency = latency
        self.files = files or Files()
        self.door = "open"
        self.strangers: set[str] = set()
        self.passwords: list[Any] = []
        self.sessions: list[PlayedSession] = []
        self.states: list[str] = []
        self.afresh = 0
        """How often the waits began anew."""
        self.deaf: set[str] = set()
        """The actions that nobody answers."""
        self.grumpy: set[str] = set()
        """The actions that are answered with a CallError."""
        self.muddled: set[str] = set()
        """The actions whose answer nobody can read."""
        self.tag = "Accepted"
        """What the answer to StartTransaction says of the tag."""
        self.charge_point: Any = None
        self.task: asyncio.Future[Any] | None = None

    def make(self, **options: Any) -> Any:
        """A charge point that was not started yet."""
        self.charge_point = self.my.ChargePoint(
            self._dial,
            keep_connected=self._keep_connected,
            online=partial(
                online, boot=self._boot, statuses=self._statuses, heartbeat=self._heartbeat, watch=self._watch
            ),
            machine=Machine(TABLE, "disconnected", lambda old, event, new: self.states.append(new)),
            outbox=self.files.outbox,
            ids=self.files.ids,
            now=self.kit.now,
            **options,
        )
        return self.charge_point

    async def begin(self, seconds: float = 5.0, **options: Any) -> Any:
        """Make one, run it, and let so much time pass."""
        self.make(**options)
        self.task = asyncio.ensure_future(self.charge_point.run())
        await self.later(seconds)
        return self.charge_point

    async def later(self, seconds: float) -> None:
        """Let time pass. Raises what ended the charge point."""
        assert self.task is not None
        await asyncio.wait([self.task], timeout=seconds)
        if self.task.done():
            if not self.task.cancelled() and (bug := slip(self.task)) is not None:
                raise bug
            self.task.result()
            self.kit.require(False, "`run` returned", "`run` goes on until `stop`.")

    async def end(self) -> None:
        """Stop it, however little it wants to; close the files."""
        stop = asyncio.ensure_future(self.charge_point.stop())
        await asyncio.wait([stop], timeout=1000)
        for each in (stop, self.task):
            if each is not None:
                each.cancel()
                await asyncio.wait([each], timeout=1000)
                if not each.cancelled():
                    each.exception()  # heard
        self.files.close()

    @property
    def session(self) -> PlayedSession:
        return self.sessions[-1]

    def sent(self, action: str) -> list[Any]:
        """The requests of this action, on all connections."""
        return [request for session in self.sessions for request in session.requests if request.action == action]

    async def _keep_connected(self, dial: Any, serve: Any) -> None:
        async def dialled() -> Any:
            session = await dial()
            said = "what you give to `keep_connected` as its dial returns what `await dial(password)` gave."
            self.kit.require(isinstance(session, PlayedSession), f"the dial gave {session!r:.20}", said)
            return session

        await keep_connected(dialled, serve, delays=self._delays)

    async def _dial(self, password: Any = None) -> PlayedSession:
        self.passwords.append(password)
        await asyncio.sleep(0.1)
        if self.door == "silent":
            await asyncio.sleep(100_000)
        if self.door == "broken":
            raise LookupError("a bug")
        if self.door == "struck":
            raise asyncio.CancelledError
        if self.door in NO_LINE:
            raise NO_LINE[self.door]
        if self.door not in ("open", "haunted") and password != self.door:
            raise HandshakeRefused(401)
        session = PlayedSession(self.kit, seconds=self.latency)
        session.strangers, session.deaf, session.grumpy = self.strangers, self.deaf, self.grumpy
        session.muddled, session.tag = self.muddled, self.tag
        session.boots = self.boots  # a boot is answered once, on whichever session
        self.sessions.append(session)
        return session

    def _delays(self) -> Iterator[float]:
        self.afresh += 1
        while True:
            yield WAIT

    def _statuses(self) -> list[Any]:
        if self.door == "haunted":
            raise LookupError("a bug")
        return [status(1)]

    async def _boot(self, call: Calling, **options: Any) -> Any:
        return await boot(call, BOOT, **options)

    async def _heartbeat(self, call: Calling) -> None:
        await Heartbeat(call, BEAT).run()

    async def _watch(self) -> None:
        async def never() -> None:
            """Off: no ping is sent."""

        await watch(never, interval=0)


class Ids(TransactionIds):
    """Notes what was learnt, and which names were given up."""

    def __init__(self) -> None:
        super().__init__()
        self.learnt: set[tuple[str, int]] = set()
        self.given_up: list[str] = []
        self.bug = False
        """`prepare` raises one."""
        self.raised = False

    def learn(self, transaction: str, transaction_id: int) -> None:
        self.learnt.add((transaction, transaction_id))
        super().learn(transaction, transaction_id)

    def prepare(self, entry: Entry) -> Any:
        if self.bug:
            self.raised = True
            raise KeyError("a bug")
        return super().prepare(entry)

    def give_up(self, transaction: str) -> None:
        self.given_up.append(transaction)
        super().give_up(transaction)


class Files:
    """What survives a restart."""

    def __init__(self) -> None:
        self.outbox = Outbox()
        self.ids = Ids()

    def close(self) -> None:
        self.outbox.close()
        self.ids.close()
