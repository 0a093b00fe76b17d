"""`Premises`: what stands in the car park and who may use it: connectors, meters, tags, the driver's verbs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from ..messages import ChargePointStatus, Request
from ..smart_charging import Profiles
from .authorization import Authorizer
from .charging import Charging
from .chores import Chores
from .closing_time import DoorClosed
from .connector import recover
from .errands import Work
from .gate import Gate
from .memory import Memory
from .metering import Metering
from .options import ChargingOptions
from .owed import Owed
from .patience import Patience
from .smart_charging import SmartCharging
from .statuses import Statuses
from .stops import Stops


class Premises:
    """Puts the parts together that drivers meet, as a power cut left them.

    ``submit(request, transaction)`` hands a message to the outbox, ``note(mark, text)`` tells the story,
    ``retry_interval`` (s) is the wait before a status that had no answer is told again. ``now()`` gives the timestamp
    of an event, ``date()`` only looks at the clock.
    """

    def __init__(
        self,
        options: ChargingOptions,
        memory: Memory,
        gate: Gate,
        chores: Chores,
        *,
        submit: Callable[[Request[Any], str], int],
        new_name: Callable[[], str],
        note: Callable[[str, str], None],
        now: Callable[[], datetime],
        date: Callable[[], datetime],
        retry_interval: float,
        profiles: Profiles,
    ) -> None:
        time, configuration, transactions = (
            asyncio.get_running_loop().time,
            memory.configuration,
            memory.transactions,
        )
        self.note = note
        self.connectors = {number: recover(number, transactions, time) for number in range(options.connectors + 1)}
        self.statuses = Statuses(
            self.connectors,
            gate.call,
            later=gate.later,
            now=now,
            note=note,
            retry_interval=retry_interval,
            report_all=options.report_all,
        )
        self.owed = Owed(transactions, chores)
        self.metering = Metering(
            self.connectors, transactions, configuration, chores, self.owed, submit=submit, now=now
        )
        self.authorizer = Authorizer(
            memory.cache, configuration, gate.call, online=lambda: gate.state() == "online", now=date
        )
        self.charging = Charging(
            self.connectors,
            transactions,
            memory.transaction_ids,
            configuration,
            self.authorizer,
            self.metering,
            Stops(transactions, self.metering, self.owed, submit=submit, now=now),
            self.owed,
            submit=submit,
            new_name=new_name,
            now=now,
        )
        self.smart_charging = SmartCharging(
            [number for number in self.connectors if number],
            memory.profiles,
            transactions,
            memory.transaction_ids,
            configuration,
            profiles,
            now=date,
            offer=lambda connector, amperes: None,
            changed=asyncio.Event(),
        )
        self._freed = asyncio.Event()  # set at every change of a status
        self.closing_time = DoorClosed(transactions, self._freed)
        self.works: dict[str, Work] = {"statuses": lambda: self.statuses.run()}
        """What runs beside a connection while its boot is accepted."""
        seconds = partial(configuration.seconds, "ConnectionTimeOut")
        self.patience = Patience(chores, seconds, self.charging.set_free)
        for number, connector in self.connectors.items():
            connector.on_change = partial(self._changed, number)

    def write_down(self) -> None:
        """What is owed and the last readings, before the power goes.

        All is tried; then `StoreFailed` if something could not be written.
        """
        try:
            self.owed.pay()
        finally:
            self.metering.read_all()

    def _changed(self, number: int, old: ChargePointStatus, event: ChargePointStatus, new: ChargePointStatus) -> None:
        self.note("=", f"connector {number}: {old} → {new}")
        self.statuses.changed(number)
        self.patience.changed(number, new)
        self._freed.set()
