"""`Reader`: a tag is held to the reader of a connector, or to the one of them all (core 3.4, 3.10, 4.1, 4.9)."""

from __future__ import annotations

import asyncio
import logging
from functools import partial

from ..errors import StoreFailed
from ..messages import AuthorizationStatus
from ..station.charging_session import ChargingSession, Holder
from ..station.facts import is_open
from ..station.rights import same
from .authorization import Authorizer
from .bays import Bays
from .chores import Chores
from .kept_sessions import STATION, KeptSession

log = logging.getLogger(__name__)


class Reader:
    """Starts and stops for whoever presents a tag. Everything that writes raises `StoreFailed` if it cannot.

    Nobody is asked about a tag that could do nothing here, whatever the answer.
    """

    def __init__(self, bays: Bays, authorizer: Authorizer, chores: Chores) -> None:
        self.bays = bays
        self.authorizer = authorizer
        self.chores = chores
        self.waiting: Holder | None = None
        """Who was accepted at the one reader, and has plugged in nowhere yet; None while there is nobody."""
        self._patience: asyncio.Task[None] | None = None  # of who waits; None while nobody does

    async def present(self, connector: int, tag: str) -> AuthorizationStatus:
        """What becomes of it: "Accepted" if it started, stopped, waits or let a cable go; else why not."""
        if connector == STATION:
            return await self._at_the_one_reader(tag)
        session = self.bays.session(connector)
        if self.bays.decisions.presented(tag, None, session.running) == "stop":
            self.bays.stop(connector, "Local", tag)
            return "Accepted"
        match session.facts.phase:
            case "running":
                return await self._stop_as_group(session, tag)
            case "over":
                return await self._again(session, tag)
            case "begun" if same(session.facts.tag, tag):
                self.bays.notice(connector, "timeout")  # presented twice: the driver does not want to (core 4.9, B1)
                return "Accepted"
        return await self.ask(connector, tag)

    async def ask(self, connector: int, tag: str) -> AuthorizationStatus:
        """May this tag begin here? If so it does, as soon as the cable is in."""
        if not self.may_ask(connector, tag) or not self.bays.happens(connector, "ask", tag):
            return "Invalid"
        return await self.answer(connector, tag)

    async def answer(self, connector: int, tag: str) -> AuthorizationStatus:
        """Find out about a tag of which the session at a connector says that it is being asked about."""
        try:
            info = await self.authorizer.ask(tag)
            if info.status == "Accepted" and self.bays.may_use(connector, tag, info.parent_id_tag)[0]:
                return "Accepted" if self.bays.accept(connector, tag, info.parent_id_tag) else "Invalid"
        finally:
            self.bays.session(connector).facts = self.bays.session(connector).after("no", tag)[-1]
        return "Invalid" if info.status == "Accepted" else info.status

    def may_ask(self, connector: int, tag: str) -> bool:
        """Whether an accepted tag could begin here: no reservation keeps it out, or perhaps its group may use one, and
        then it is asked for (core 5.13)."""
        groups = {None, *(each.parent for each in self.bays.reservations.reservations())}
        return any(self.bays.may_use(connector, tag, group)[0] for group in groups)

    async def _stop_as_group(self, session: ChargingSession, tag: str) -> AuthorizationStatus:
        """Another tag while one charges: only one of the same group may stop it (core 3.10)."""
        if session.holder is None or session.holder.parent is None:
            return "Invalid"
        info = await self.authorizer.ask(tag)
        if self.bays.decisions.presented(tag, info, session.running) == "stop":
            self.bays.stop(session.connector.number, "Local", tag)
            return "Accepted"
        return "Invalid" if info.status == "Accepted" else info.status

    async def _again(self, session: ChargingSession, tag: str) -> AuthorizationStatus:
        """The cable is still in: its driver, or one of the group, may begin again (core 4.9, F2); nobody else, who
        would pay for this car. A cable that is held for its owner is let go first."""
        owner = session.holder
        if owner is None or not (same(tag, owner.tag) or owner.parent is not None):
            return "Invalid"
        if session.connector.locked and same(tag, owner.tag):
            return "Accepted" if self.bays.let_go(session.connector.number) else "Invalid"
        info = await self.authorizer.ask(tag)
        mine = same(tag, owner.tag) or same(info.parent_id_tag, owner.parent)
        if info.status == "Accepted" and mine and session.holder == owner and session.facts.phase == "over":
            taken = self.bays.accept(session.connector.number, tag, info.parent_id_tag)
            return "Accepted" if taken else "Invalid"
        return "Invalid" if info.status == "Accepted" else info.status

    # -- one reader for all connectors

    async def _at_the_one_reader(self, tag: str) -> AuthorizationStatus:
        """It stops its own transaction; it begins where a cable is in already, or else where the next one goes in, or
        at the only connector that there is."""
        sessions = self.bays.sessions
        for number, session in sessions.items():
            if self.bays.decisions.presented(tag, None, session.running) == "stop" or same(session.facts.tag, tag):
                return await self.present(number, tag)
        if self.waiting and same(self.waiting.tag, tag):
            self.forget()
            return "Accepted"
        cables = [number for number, each in sessions.items() if each.facts.cable and is_open(each.facts)]
        if cables:
            return await self.ask(cables[-1], tag)
        if not any(self.may_ask(number, tag) for number in self.bays.free()):
            return await self._at_a_taken_place(tag)
        if len(sessions) == 1:
            return await self.ask(next(iter(sessions)), tag)
        info = await self.authorizer.ask(tag)
        if info.status == "Accepted":
            self._wait(Holder(tag, info.parent_id_tag))
        return info.status

    async def _at_a_taken_place(self, tag: str) -> AuthorizationStatus:
        """No place is free for it: it can only mean what goes on at one of them."""
        for number, session in self.bays.sessions.items():
            taken = session.holder and session.facts.phase in ("running", "over")
            if taken and (answer := await self.present(number, tag)) == "Accepted":
                return answer
        return "Invalid"

    def _wait(self, holder: Holder) -> None:
        self.bays.kept.save(STATION, KeptSession(tag=holder.tag, parent=holder.parent))
        self.recover(holder)

    def recover(self, holder: Holder) -> None:
        """Somebody waits to plug in, from now on for ConnectionTimeOut seconds."""
        self._calm()
        self.waiting = holder
        seconds = self.bays.configuration.seconds("ConnectionTimeOut")
        if seconds > 0:
            self._patience = self.chores.start(self._lose_patience(seconds), "patience of the reader")

    async def _lose_patience(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._patience = None
        self.forget()

    def forget(self) -> None:
        """Nobody waits any more. What cannot be written down now is owed."""
        self._calm()
        self.waiting = None
        save = partial(self.bays.kept.save, STATION, KeptSession())
        try:
            save()
        except StoreFailed as error:
            self.bays.owed.row(STATION, save, error)

    def _calm(self) -> None:
        if self._patience:
            self._patience.cancel()
            self._patience = None

    def cable_in(self, connector: int) -> None:
        """A cable went in: who waits for one begins here."""
        holder, session = self.waiting, self.bays.session(connector)
        if holder is None or not is_open(session.facts):
            return
        if not self.bays.may_use(connector, *holder)[0]:
            return
        try:
            self.bays.accept(connector, *holder)
        except StoreFailed:
            log.exception("! connector %d: the tag that waited begins nothing: our own file failed", connector)
        self.forget()
