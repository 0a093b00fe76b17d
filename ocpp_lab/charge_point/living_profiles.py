"""`LivingProfiles`: which charging profiles count now: those of a transaction only as long as it runs (core 7.10)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from .. import messages as m
from ..errors import StoreFailed
from ..smart_charging import Allowed, Installed, Profiles, Rules
from ..transaction_ids import TransactionIds
from .configuration import Configuration
from .kept_profiles import KeptProfiles, Promise
from .transactions import Transaction, Transactions

log = logging.getLogger(__name__)

RunningTransactions = Mapping[int, Transaction]
"""By connector."""

_ANY_NUMBER: Final = 1 << 30
_UNITS: Final[Mapping[str, m.ChargingRateUnitType]] = {"Current": "A", "Power": "W"}


class LivingProfiles:
    """What is installed, and what is promised to a transaction that has not begun; ``profiles`` are the rules, and
    ``station`` is what a connector gives at most. Everything that reads or writes raises `StoreFailed` if it cannot.
    """

    def __init__(
        self,
        kept: KeptProfiles,
        transactions: Transactions,
        transaction_ids: TransactionIds,
        configuration: Configuration,
        profiles: Profiles,
        station: Allowed,
    ) -> None:
        self.kept = kept
        self.transactions = transactions
        self.transaction_ids = transaction_ids
        self.configuration = configuration
        self.profiles = profiles
        self.station = station

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

    def running(self) -> RunningTransactions:
        """The transactions that run, the one that began first in front."""
        return {transaction.connector: transaction for transaction in self.transactions}

    def ids(self, running: RunningTransactions) -> dict[int, int | None]:
        """By connector, the transaction's id; None while the central system has not given one."""
        return {number: self.transaction_ids.get(each.name) for number, each in running.items()}

    def stack(self, running: RunningTransactions) -> list[Installed]:
        """What is installed, without the TxProfiles of a transaction that is over."""
        stack = self.kept.installed
        for number, owner in self.kept.owners.items():
            if number not in running or running[number].name != owner:
                stack = self.profiles.ended(stack, number)
        return stack

    def keep(
        self, stack: list[Installed], running: RunningTransactions, promises: Mapping[int, Promise] | None = None
    ) -> None:
        """From now on these; promises stay as they are if none are given."""
        self.kept.keep(stack, {number: each.name for number, each in running.items()}, promises)

    def offers(
        self, stack: list[Installed], running: RunningTransactions, at: datetime
    ) -> tuple[dict[int, Allowed], datetime | None]:
        """What each connector with a transaction may give, and when that changes next."""
        started = {number: each.started for number, each in running.items()}
        return self.profiles.offers(stack, started, at, station=self.station)

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

    def begin(self, connector: int, id_tag: str, running: RunningTransactions) -> list[Installed]:
        """What is installed when this tag starts, with what was promised to it."""
        stack, promise = self.stack(running), self.kept.promises.get(connector)
        if promise is not None:
            if promise.id_tag.casefold() == id_tag.casefold():
                rules = self.rules._replace(max_installed=_ANY_NUMBER)
                new = Installed(connector, promise.profile)
                _, stack = self.profiles.install(stack, new, {}, rules, starting=True)
            rest = {number: each for number, each in self.kept.promises.items() if number != connector}
            self.keep(stack, running, rest)
        return stack
