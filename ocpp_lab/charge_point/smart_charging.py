"""What a charge point does with charging profiles: takes, forgets and obeys them: Smart Charging (core 3.13).

The rules are functions of the room `smart_charging`. Here is who asks them: three handlers, and a task that offers each
car what it may draw and sleeps until that changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Final

from .. import messages as m
from ..errors import CallFailed, StoreFailed
from ..smart_charging import Allowed, Installed, Profiles, Rules
from ..transaction_ids import TransactionIds
from .configuration import Configuration
from .kept_profiles import KeptProfiles, Promise
from .or_else import or_else
from .transactions import Transaction, Transactions

log = logging.getLogger(__name__)

LONGEST_SCHEDULE: Final = 7 * 86_400
"""Seconds that a composite schedule covers at most, a week: all that recurs is in it. The answer says how many."""

PAUSE_AFTER_FAILURE: Final = 10.0
"""Seconds until the limits are looked at again when our own side failed."""

_Running = Mapping[int, Transaction]


class SmartCharging:
    """The charging profiles of ``connectors`` (from 1 on), each of which gives what ``station`` says at most.

    ``offer(connector, amperes, phases)`` tells a car what it may draw on each phase, None when nothing is said;
    ``offer_first`` is the same for one that is about to begin. ``changed`` is
    set by whoever begins or ends a transaction, or sets the clock. ``now()`` looks at the clock, ``failed`` is told of
    our own failures.
    """

    def __init__(
        self,
        connectors: Collection[int],
        kept: KeptProfiles,
        transactions: Transactions,
        transaction_ids: TransactionIds,
        configuration: Configuration,
        profiles: Profiles,
        station: Allowed,
        *,
        now: Callable[[], datetime],
        offer: Callable[[int, float | None, int], object],
        offer_first: Callable[[int, float | None, int], object],
        changed: asyncio.Event,
        failed: Callable[[str, BaseException], object],
    ) -> None:
        self.connectors = connectors
        self.kept = kept
        self.transactions = transactions
        self.transaction_ids = transaction_ids
        self.configuration = configuration
        self.profiles = profiles
        self.station = station
        self.now = now
        self.offer = offer
        self.offer_first = offer_first
        self.changed = changed
        self.failed = failed
        self.offered: dict[int, Allowed] = {}
        """By connector, what its car was offered last; nothing where no transaction runs. Set by a start, and
        by the task that obeys."""

    # -- what the central system wants

    @or_else(m.SetChargingProfileResponse(status="Rejected"))
    async def on_set_charging_profile(self, request: m.SetChargingProfileRequest) -> m.SetChargingProfileResponse:
        """Written down before it is Accepted, and obeyed at once."""
        if request.connector_id not in (0, *self.connectors):  # core errata 3.39
            raise CallFailed(
                "PropertyConstraintViolation",
                f"connectorId: expected 0 to {len(self.connectors)}, came {request.connector_id}",
            )
        running, new = self._running(), Installed(request.connector_id, request.cs_charging_profiles)
        ids = {number: self.transaction_ids.get(each.name) for number, each in running.items()}
        status, stack = self.profiles.install(self._stack(running), new, ids, self.rules)
        if status == "Accepted":
            self._keep(stack, running)
        return m.SetChargingProfileResponse(status=status)

    @or_else(m.ClearChargingProfileResponse(status="Unknown"))
    async def on_clear_charging_profile(self, request: m.ClearChargingProfileRequest) -> m.ClearChargingProfileResponse:
        """What was promised to a transaction that has not begun is cleared too, if it matches."""
        running = self._running()
        status, stack = self.profiles.clear(self._stack(running), request)
        promised = [Installed(connector, promise.profile) for connector, promise in self.kept.promises.items()]
        also, left = self.profiles.clear(promised, request)
        if "Accepted" in (status, also):
            still = {connector for connector, _ in left}
            self._keep(stack, running, {n: each for n, each in self.kept.promises.items() if n in still})
            status = "Accepted"
        return m.ClearChargingProfileResponse(status=status)

    @or_else(m.GetCompositeScheduleResponse(status="Rejected"))
    async def on_get_composite_schedule(self, request: m.GetCompositeScheduleRequest) -> m.GetCompositeScheduleResponse:
        """In amperes unless watts are asked for. Instants are whole seconds, as the periods of a schedule are."""
        number, unit = request.connector_id, request.charging_rate_unit or "A"
        if number not in (0, *self.connectors) or request.duration < 0:
            return m.GetCompositeScheduleResponse(status="Rejected")
        running, at = self._running(), _second(self.now())
        stack, duration = self._stack(running), min(request.duration, LONGEST_SCHEDULE)
        started = {each: _second(running[each].started) if each in running else None for each in self.connectors}
        if number:
            schedule = self.profiles.composite(
                stack, number, at, duration, unit, started=started[number], station=self.station
            )
        else:
            schedule = self.profiles.total(stack, started, at, duration, unit, station=self.station)
        return m.GetCompositeScheduleResponse(
            status="Accepted", connector_id=number, schedule_start=at, charging_schedule=schedule
        )

    # -- with a RemoteStartTransaction

    def welcomes(self, connector: int, profile: m.ChargingProfile) -> bool:
        """Whether a RemoteStartTransaction may bring this profile (core 5.16.2)."""
        rules = self.rules._replace(max_installed=_ANY_NUMBER)  # it holds for one transaction, and was accepted
        return self.profiles.install([], Installed(connector, profile), {}, rules, starting=True)[0] == "Accepted"

    def promise(self, connector: int, id_tag: str, profile: m.ChargingProfile) -> None:
        """Keep it for the transaction that this tag starts on this connector; an earlier promise there is forgotten.

        Raises `StoreFailed` if it cannot be written down.
        """
        promises = {**self.kept.promises, connector: Promise(id_tag, profile)}
        self.kept.keep(self.kept.installed, self.kept.owners, promises)

    def break_promise(self, connector: int) -> None:
        """Nobody starts there any more."""
        if connector not in self.kept.promises:
            return
        rest = {number: each for number, each in self.kept.promises.items() if number != connector}
        try:
            self.kept.keep(self.kept.installed, self.kept.owners, rest)
        except StoreFailed:
            log.exception("! the charging profile of somebody who did not come could not be struck out")

    def begin(self, connector: int, name: str, id_tag: str, started: datetime) -> None:
        """A transaction begins: what was promised to it holds, and what may flow is offered before anything flows.

        Called with the start, in one `Store.transaction`. Raises `StoreFailed` if it cannot be written down.
        """
        running = self._running()
        stack, promise = self._stack(running), self.kept.promises.get(connector)
        if promise is not None:
            if promise.id_tag.casefold() == id_tag.casefold():
                rules = self.rules._replace(max_installed=_ANY_NUMBER)
                new = Installed(connector, promise.profile)
                _, stack = self.profiles.install(stack, new, {}, rules, starting=True)
            rest = {number: each for number, each in self.kept.promises.items() if number != connector}
            owners = {number: each.name for number, each in running.items()} | {connector: name}
            self.kept.keep(stack, owners, rest)
        since = {number: each.started for number, each in running.items() if number != connector}
        limits, _ = self.profiles.offers(stack, {**since, connector: started}, self.now(), station=self.station)
        self.offered = {**self.offered, connector: limits[connector]}
        self.offer_first(connector, *limits[connector])

    # -- obedience

    async def obey(self) -> None:
        """Offer each car what it may draw, at once when that changes; endless. After whatever fails it is tried again:
        meanwhile the limits stay as they were."""
        while True:
            try:
                await self.profiles.obey(self._look, self._offer, self.changed, self.now)
            except Exception as error:
                self.failed("smart charging", error)
            await asyncio.sleep(PAUSE_AFTER_FAILURE)

    def _look(self, at: datetime) -> tuple[dict[int, Allowed], datetime | None]:
        running = self._running()
        stack = self._stack(running)
        if len(stack) < len(self.kept.installed):
            self._forget(stack, running)
        return self.profiles.offers(
            stack, {number: each.started for number, each in running.items()}, at, station=self.station
        )

    def _forget(self, stack: list[Installed], running: _Running) -> None:
        """What belongs to a transaction that is over; it is not obeyed any more, whether or not the file forgets it."""
        try:
            self.kept.keep(stack, _names(running))
        except StoreFailed:
            log.exception("! charging profiles of a transaction that is over could not be struck out")

    def _offer(self, limits: dict[int, Allowed]) -> None:
        for number in self.connectors:
            limit = limits.get(number)
            if limit != self.offered.get(number):
                self.offer(number, *(limit or (None, 3)))
        self.offered = limits

    # -- what there is

    @property
    def rules(self) -> Rules:
        """What this charge point takes (core 9.4)."""
        number, units = self.configuration.number, self.configuration["ChargingScheduleAllowedChargingRateUnit"]
        return Rules(
            number("ChargeProfileMaxStackLevel"),
            number("ChargingScheduleMaxPeriods"),
            number("MaxChargingProfilesInstalled"),
            tuple(unit for name, unit in _UNITS.items() if name in units.split(",")),
        )

    def _running(self) -> _Running:
        return {transaction.connector: transaction for transaction in self.transactions}

    def _stack(self, running: _Running) -> list[Installed]:
        """What is installed, without the TxProfiles of a transaction that is over."""
        stack, names = self.kept.installed, _names(running)
        for number, owner in self.kept.owners.items():
            if names.get(number) != owner:
                stack = self.profiles.ended(stack, number)
        return stack

    def _keep(self, stack: list[Installed], running: _Running, promises: Mapping[int, Promise] | None = None) -> None:
        self.kept.keep(stack, _names(running), promises)
        self.changed.set()


_ANY_NUMBER: Final = 1 << 30
_UNITS: Final[Mapping[str, m.ChargingRateUnitType]] = {"Current": "A", "Power": "W"}


def _names(running: _Running) -> dict[int, str]:
    return {number: transaction.name for number, transaction in running.items()}


def _second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
