"""`Premises`: what stands in the car park and who may use it: connectors, meters, tags, the driver's verbs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from ..messages import ChargePointStatus, Request
from ..outbox import Entry
from ..smart_charging import Allowed, Profiles
from ..station.connector import Cable, Connector
from ..station.decisions import Decisions
from .allowance import Allowance
from .authorization import Authorizer
from .bays import Bays
from .charging import Charging
from .chores import Chores
from .closing_time import DoorClosed
from .errands import Work
from .event_clock import EventClock
from .gate import Gate
from .living_profiles import LivingProfiles
from .local_auth_list import LocalAuthList
from .memory import Memory
from .meter_readings import MeterReadings
from .metering import Metering
from .obedience import Obedience
from .options import ChargingOptions
from .owed import Owed
from .patience import Patience
from .phase_rotation import is_rotation
from .reader import Reader
from .reserving import Reserving, idle, places
from .smart_charging import SmartCharging
from .starts import Starts
from .statuses import Statuses
from .stops import Stops
from .transactions import Transactions
from .vendor_messages import VendorMessages


class Premises:
    """Puts the parts together that drivers meet, as a power cut left them.

    ``submit(request, transaction)`` hands a message to the outbox, ``note(mark, text)`` tells the story,
    ``retry_interval`` (s) is the wait before a status that had no answer is told again. ``clock`` gives the
    timestamps of events.
    """

    def __init__(
        self,
        options: ChargingOptions,
        memory: Memory,
        gate: Gate,
        chores: Chores,
        *,
        submit: Callable[[Request[Any], str | None], int],
        new_name: Callable[[], str],
        note: Callable[[str, str], None],
        clock: EventClock,
        retry_interval: float,
        profiles: Profiles,
        decisions: Decisions,
    ) -> None:
        time, configuration, transactions = (
            asyncio.get_running_loop().time,
            memory.configuration,
            memory.transactions,
        )
        self.note = note
        self.chores = chores
        now, date = lambda: clock.stamp(), clock.now
        self.connectors = {
            number: recover(number, transactions, time, options.cable) for number in range(options.connectors + 1)
        }
        self.statuses = Statuses(
            self.connectors,
            gate.call,
            later=gate.later,
            now=now,
            note=note,
            retry_interval=retry_interval,
            minimum=partial(configuration.seconds, "MinimumStatusDuration"),
            report_all=options.report_all,
        )
        self.owed = Owed(transactions, chores)
        readings = MeterReadings(
            self.connectors, transactions, memory.transaction_data, configuration, self.owed, submit=submit, now=now
        )
        self.metering = Metering(readings, chores, date=date, decisions=decisions)
        configuration.keys["ConnectorPhaseRotation"].valid = partial(is_rotation, connectors=options.connectors)
        self.authorizer = Authorizer(
            memory.cache,
            configuration,
            gate.call,
            online=lambda: gate.state() == "online",
            now=date,
            decisions=decisions,
        )
        self.bays = Bays(
            self.connectors,
            transactions,
            memory.sessions,
            configuration,
            self.metering,
            Starts(transactions, readings, submit=submit, new_name=new_name, now=now),
            Stops(transactions, readings, self.owed, submit=submit, now=now),
            self.owed,
            date=date,
            decisions=decisions,
        )
        reader = Reader(self.bays, self.authorizer, chores)
        self.charging = Charging(self.bays, reader, memory.transaction_ids, Allowance(self.bays, chores))
        numbers = [number for number in self.connectors if number]
        self.profiles = LivingProfiles(
            memory.profiles,
            transactions,
            memory.transaction_ids,
            configuration,
            profiles,
            Allowed(options.current, 3),
        )
        self.smart_charging = SmartCharging(numbers, self.profiles, changed=self.bays.changed, now=date)
        self.obedience = Obedience(
            numbers, self.profiles, self.bays, changed=self.bays.changed, now=date, failed=chores.failed
        )
        clock.when_set += [self.bays.changed.set, self.metering.clock_was_set]
        self.bays.listeners.append(self._promised)
        self.bays.starts.beside.append(self.obedience.begin)
        self.closing_time = DoorClosed(self.bays)
        self.works: dict[str, Work] = {"statuses": lambda: self.statuses.run()}
        """What runs beside a connection while its boot is accepted."""
        self.patience = Patience(chores, partial(configuration.seconds, "ConnectionTimeOut"), self._run_out)
        self.vendor_messages = VendorMessages(options.vendors, gate.call)
        self.local_auth_list = LocalAuthList(memory.local_list, configuration, conflict=self._conflict, now=date)
        self.authorizer.listed, self.authorizer.conflict = self.local_auth_list.listed, self.local_auth_list.compare
        self.reserving = Reserving(
            memory.reservations,
            chores,
            places=partial(places, self.bays),
            idle=partial(idle, self.bays),
            notice=self.bays.notice,
            date=date,
        )
        self.bays.reservations = self.reserving
        self.bays.listeners.append(lambda number: self.reserving.look())
        clock.when_set.append(self.reserving.clock_set)
        for number, connector in self.connectors.items():
            connector.on_change = partial(self._changed, number)
            connector.on_offer = partial(self.metering.power_changed, number)
        if options.cable == "fixed":
            configuration.fix("UnlockConnectorOnEVSideDisconnect", "false")  # core errata 3.83

    def recover(self, queued: list[Entry], *, resume: bool) -> None:
        """The power is on: see `Charging.recover`. From now on meters are read, limits obeyed, reservations kept."""
        self.charging.recover(queued, resume=resume)
        self.metering.begin()
        self.reserving.restore()
        self.chores.start(self.obedience.run(), "smart charging")
        self.chores.start(self.reserving.run(), "reservations")

    def _conflict(self, id_tag: str) -> None:
        self.statuses.warn(0, "LocalListConflict", f"idTag {id_tag}")

    def write_down(self) -> None:
        """What is owed and the last readings, before the power goes.

        All is tried; then `StoreFailed` if something could not be written.
        """
        try:
            self.owed.pay()
        finally:
            self.metering.read_all()

    def _changed(self, number: int, old: ChargePointStatus, event: ChargePointStatus, new: ChargePointStatus) -> None:
        shown = self.connectors[number].shown
        why = "" if shown.error_code == "NoError" else f" ({shown.error_code})"
        self.note("=", f"connector {number}: {old} → {new}{why}")
        self.statuses.changed(number)
        if old != new:
            self.patience.changed(number, new)

    def _promised(self, number: int) -> None:
        """Who does not come gets no profile, and nobody else gets theirs."""
        facts = self.bays.sessions[number].facts
        if facts.phase in ("free", "begun") and facts.tag is None and facts.asked is None:
            self.profiles.break_promise(number)

    def _run_out(self, connector: int) -> None:
        if not self.charging.set_free(connector):
            self.patience.changed(connector, self.connectors[connector].status)


def recover(number: int, transactions: Transactions, time: Callable[[], float], cable: Cable) -> Connector:
    """A connector as a power cut left it: meter register and availability (core 5.2). Nobody is told."""
    connector = Connector(number, time, register=transactions.register(number), cable=cable)
    connector.operative = transactions.operative(number)
    if not connector.operative:
        connector.become("Unavailable")
    return connector
