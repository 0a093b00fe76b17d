"""What the central system may do to a transaction: remote start and stop (core 5.11, 5.12)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from .. import messages as m
from ..station.charging_session import Holder
from ..station.facts import is_open
from ..station.rights import same
from .charging import Charging
from .chores import Chores
from .living_profiles import LivingProfiles
from .or_else import or_else


class RemoteStart:
    """Writes first, then answers; what was written is sent after the answer. Rejected if it cannot be written.

    ``has_room()`` says whether the outbox takes what nobody here has done: a central system that answers no transaction
    message could have any number of them written down.
    """

    def __init__(
        self, charging: Charging, chores: Chores, profiles: LivingProfiles, *, has_room: Callable[[], bool]
    ) -> None:
        self.charging = charging
        self.bays = charging.bays
        self.chores = chores
        self.profiles = profiles
        self.has_room = has_room

    @or_else(m.RemoteStartTransactionResponse(status="Rejected"))
    async def on_remote_start(self, request: m.RemoteStartTransactionRequest) -> m.RemoteStartTransactionResponse:
        """Accepted if a connector can begin or wait for a cable, and that is written down: accepted means that it will
        try (core 5.11). One that is in use, or waits for somebody, is not to be had.

        With AuthorizeRemoteTxRequests the tag is treated as if it were held to the reader, once the answer is out. So
        it is without that key where a connector is kept for a group and nobody here knows that of the tag (core 5.13).
        """
        connector, profile = self._choose(request.connector_id, request.id_tag), request.charging_profile
        if connector is None or not self.has_room():
            return m.RemoteStartTransactionResponse(status="Rejected")
        if profile is not None:  # a purpose other than TxProfile is an error (core 5.16.2)
            if not self.profiles.welcomes(connector, profile):
                return m.RemoteStartTransactionResponse(status="Rejected")
            self.profiles.promise(connector, request.id_tag, profile)
        if not self._begin(connector, request.id_tag):
            self.profiles.break_promise(connector)
            return m.RemoteStartTransactionResponse(status="Rejected")
        return m.RemoteStartTransactionResponse(status="Accepted")

    def _begin(self, connector: int, tag: str) -> bool:
        if not self._asks and not self._may_be_of_the_group(connector, tag):
            return self.bays.accept(connector, tag, self._group(tag))
        if self.bays.sessions[connector].facts.phase == "over":
            self._find_out(connector, self.charging.reader.present(connector, tag))
            return True
        if not self.bays.happens(connector, "ask", tag):
            return False
        self._find_out(connector, self.charging.reader.answer(connector, tag))
        return True

    def _find_out(self, connector: int, asking: Coroutine[Any, Any, m.AuthorizationStatus]) -> None:
        async def find_out() -> None:
            if await asking != "Accepted":
                self.profiles.break_promise(connector)

        task = self.chores.start(find_out(), f"RemoteStartTransaction {connector}")
        task.add_done_callback(lambda ended: asking.close())  # cancelled before it began, it would complain

    def _choose(self, wanted: int | None, tag: str) -> int | None:
        """The connector that is meant; if none is named, one where a cable waits, or else a free one (core 5.11)."""
        numbers = [wanted] if wanted else list(self.bays.sessions)
        possible = [number for number in numbers if number in self.bays.sessions and self._can_have(number, tag)]
        return min(possible, key=lambda number: not self.bays.sessions[number].facts.cable, default=None)

    def _can_have(self, connector: int, tag: str) -> bool:
        session = self.bays.sessions[connector]
        if session.facts.phase == "over":  # nobody but its driver begins again with this cable
            return session.holder is not None and self._may_go_on(session.holder, tag)
        if not is_open(session.facts):
            return False
        return self.bays.may_use(connector, tag, self._group(tag))[0] or self._may_be_of_the_group(connector, tag)

    @property
    def _asks(self) -> bool:
        return self.bays.configuration.enabled("AuthorizeRemoteTxRequests")

    def _may_go_on(self, owner: Holder, tag: str) -> bool:
        """Whoever is asked about may turn out to be of the same group, as at the reader."""
        group = self._group(tag)
        to_be_asked = self._asks and owner.parent is not None and group is None
        return same(owner.tag, tag) or same(owner.parent, group) or to_be_asked

    def _may_be_of_the_group(self, connector: int, tag: str) -> bool:
        """Whether only the group could let this tag in, and nobody here knows it: it has to be asked for."""
        if self._group(tag) is not None or self.bays.may_use(connector, tag, None)[0]:
            return False
        return self.charging.reader.may_ask(connector, tag)

    def _group(self, tag: str) -> str | None:
        info = self.charging.authorizer.known(tag)
        return info.parent_id_tag if info else None

    @or_else(m.RemoteStopTransactionResponse(status="Rejected"))
    async def on_remote_stop(self, request: m.RemoteStopTransactionRequest) -> m.RemoteStopTransactionResponse:
        """Accepted if that transaction runs here and its stop is written down (core 5.12)."""
        # Among those that run: a central system that lost its memory gives old ids again.
        ids = self.charging.transaction_ids
        ours = (each for each in self.charging.transactions if ids.get(each.name) == request.transaction_id)
        running = next(ours, None)
        if running is None:
            return m.RemoteStopTransactionResponse(status="Rejected")
        self.charging.stop(running.connector, "Remote")
        return m.RemoteStopTransactionResponse(status="Accepted")
