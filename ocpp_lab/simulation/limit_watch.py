"""`LimitWatch`: no car draws more than the charging profiles allow, for longer than a reaction takes (core 3.13)."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

from ..charge_point.kept_profiles import KeptProfiles
from ..charge_point.options import ChargingOptions
from ..charge_point.transactions import Transaction
from ..frames import Call, CallResult
from ..smart_charging import Allowed, Installed, limit_at
from ..station.connector import Connector
from ..trace import Event
from .site import ChargePointSite

WITHIN = "no limit is exceeded"
SCARCE = "nobody is limited without a reason"
WRITTEN = "accepted is written down"
BETWEEN_LOOKS = 2.3
"""Seconds between two looks."""
REACTION = 1.0
"""Seconds after which a new limit is obeyed."""
AFTER_A_FAILURE = 12.0
"""Seconds after which it is when our own file failed."""
VOLTS = 230.0
MOST_AMPS = ChargingOptions().current
"""What a connector gives at most."""

Excess = dict[int, tuple[float, float]]
"""By connector, 0 being all together: the amperes that flow, or are offered, and those that may flow."""


class LimitWatch:
    """Of one charge point. It reads the file as another program would, and the meters."""

    def __init__(self, site: ChargePointSite) -> None:
        self.site = site
        self._asked: dict[str, int] = {}  # chargingProfileId by unique id
        self._offset: Any = None  # of the machine's clock, when the limits were looked at for sure
        self._heard: Any = None  # and what the central system had said of it
        self._life: Any = None
        site.ears.append(self.hear)

    def hear(self, event: Event) -> None:
        """One event of the charge point's trace."""
        match event.mark, event.frame:
            case "<", Call(action="SetChargingProfile") as call:
                payload: Any = call.payload
                self._asked[call.unique_id] = payload["csChargingProfiles"]["chargingProfileId"]
            case ">", CallResult() as result:
                asked, answer = self._asked.pop(result.unique_id, None), result.payload
                if asked is not None and answer["status"] == "Accepted" and self.site.up:
                    kept = {each.profile.charging_profile_id for each in self._kept().installed}
                    self._expect(asked in kept, WRITTEN, f"profile {asked} was Accepted; {sorted(kept)} are kept")

    async def watch(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(BETWEEN_LOOKS)
            before = [self._excess(), self._scarce()] if self.site.up else []
            if not any(before):
                continue
            life = self.site.charge_point
            await asyncio.sleep(REACTION)
            if not self.site.up or self.site.charge_point is not life or self._is_excused():
                continue
            excess, scarce = (_both(*each) for each in zip(before, [self._excess(), self._scarce()], strict=True))
            self._expect(not excess, WITHIN, f"A that flow, and may: {excess}")
            self._expect(not scarce, SCARCE, f"A that are offered, and may flow: {scarce}")

    def _scarce(self) -> Excess:
        """What is offered, where that is less than may flow; nobody says how much of a common limit is whose."""
        charge_point = self.site.charge_point
        offered = [place for place in charge_point.connectors.values() if place.in_use and place.offered is not None]
        if not offered or self._is_lost_in_time():
            return {}
        kept, at = self._kept(), charge_point.clock.now()
        if any(each.profile.charging_profile_purpose == _MOST for each in kept.installed):
            return {}
        running = {each.connector: each for each in charge_point.transactions}
        scarce: Excess = {}
        for place in offered:
            limit = _limit(kept, place.number, at, running.get(place.number))
            may, is_offered = min(limit.amps if limit else MOST_AMPS, MOST_AMPS), place.offered or 0.0
            if is_offered < may - 0.01:
                scarce[place.number] = is_offered, may
        return scarce

    def _excess(self) -> Excess:
        charge_point = self.site.charge_point
        flowing = [place for place in charge_point.connectors.values() if place.number and place.power > 0]
        if not flowing or self._is_lost_in_time():
            return {}
        kept, at = self._kept(), charge_point.clock.now()
        if not kept.installed:
            return {}
        running = {each.connector: each for each in charge_point.transactions}
        limits = {place.number: _limit(kept, place.number, at, running.get(place.number)) for place in flowing}
        excess: Excess = {}
        for place in flowing:
            limit, amps = limits[place.number], _amps(place)
            if limit and amps * _used(place) > limit.amps * min(_used(place), limit.phases) + 0.01:
                excess[place.number] = amps, limit.amps
        total, ceiling = sum(_amps(place) for place in flowing), _speaks(kept.installed, 0, _MOST, at, None)
        if ceiling and total > ceiling.amps + 0.01:
            excess[0] = total, ceiling.amps
        return excess

    def _kept(self) -> KeptProfiles:
        return KeptProfiles(self.site.charge_point.memory.store)

    def _is_excused(self) -> bool:
        """A start that could not be written is no excuse; that the limits were looked at again later is one."""
        now = asyncio.get_running_loop().time()
        return bool(self.site.bad_disk.bad_between(now - AFTER_A_FAILURE, now))

    def _is_lost_in_time(self) -> bool:
        """Whether somebody has set the machine's clock, and nobody has told the charge point yet."""
        charge_point = self.site.charge_point
        machine, heard = self.site.clock.offset, charge_point.clock.offset
        if self._life is not charge_point or heard != self._heard:
            self._life, self._offset, self._heard = charge_point, machine, heard
        return bool(machine != self._offset)

    def _expect(self, holds: object, invariant: str, message: str) -> None:
        self.site.ground.invariants.expect(holds, invariant, message, self.site.name)


def _both(before: Excess, now: Excess) -> Excess:
    """What is wrong still, or again, under the same limit."""
    return {number: each for number, each in now.items() if before.get(number, (0.0, -1.0))[1] == each[1]}


_MOST, _OWN, _DEFAULT = "ChargePointMaxProfile", "TxProfile", "TxDefaultProfile"


def _limit(kept: KeptProfiles, connector: int, at: datetime, transaction: Transaction | None) -> Allowed | None:
    """What the profiles allow here: the transaction's own, else the default; and never more than all together may."""
    started = transaction.started if transaction else at
    mine = transaction is not None and kept.owners.get(connector) == transaction.name
    own = _speaks(kept.installed, connector, _OWN, at, started) if mine else None
    own = own or _speaks(kept.installed, connector, _DEFAULT, at, started)
    most = _speaks(kept.installed, 0, _MOST, at, None)
    limits = [limit for limit in (own, most) if limit]
    if not limits:
        return None
    return Allowed(min(limit.amps for limit in limits), min(limit.phases for limit in limits))


def _speaks(
    installed: list[Installed], connector: int, purpose: str, at: datetime, started: datetime | None
) -> Allowed | None:
    """What the highest profile says of those that say anything now."""
    here = [each for each in installed if each.profile.charging_profile_purpose == purpose]
    here = [each for each in here if each.connector in (0, connector)]
    here.sort(key=lambda each: (each.profile.stack_level, each.connector), reverse=True)
    said = (limit_at(each.profile, at, started) for each in here)
    return next((limit for limit in said if limit), None)


def _used(place: Connector) -> int:
    return place.car.used if place.car else 3


def _amps(place: Connector) -> float:
    return place.power / VOLTS / _used(place)
