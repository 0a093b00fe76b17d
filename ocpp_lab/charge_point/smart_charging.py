"""What a charge point does when it is told about charging profiles: Smart Charging (core 3.13, 5.5, 5.7, 5.16).

The rules are functions of the room `smart_charging`; what counts now knows `LivingProfiles`, and `Obedience` obeys.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Final

from .. import messages as m
from ..errors import CallFailed
from ..smart_charging import Installed
from .kept_profiles import Promise
from .living_profiles import LivingProfiles, RunningTransactions
from .or_else import or_else

LONGEST_SCHEDULE: Final = 7 * 86_400
"""Seconds that a composite schedule covers at most, a week: all that recurs is in it. The answer says how many."""


class SmartCharging:
    """The charging profiles of ``connectors`` (from 1 on). ``changed`` is set when others count; ``now()`` looks at the
    clock."""

    def __init__(
        self,
        connectors: Collection[int],
        living: LivingProfiles,
        *,
        changed: asyncio.Event,
        now: Callable[[], datetime],
    ) -> None:
        self.connectors = connectors
        self.living = living
        self.changed = changed
        self.now = now

    @or_else(m.SetChargingProfileResponse(status="Rejected"))
    async def on_set_charging_profile(self, request: m.SetChargingProfileRequest) -> m.SetChargingProfileResponse:
        """Written down before it is Accepted, and obeyed at once."""
        if request.connector_id not in (0, *self.connectors):  # core errata 3.39
            raise CallFailed(
                "PropertyConstraintViolation",
                f"connectorId: expected 0 to {len(self.connectors)}, came {request.connector_id}",
            )
        running, new = self.living.running(), Installed(request.connector_id, request.cs_charging_profiles)
        status, stack = self.living.profiles.install(
            self.living.stack(running), new, self.living.ids(running), self.living.rules
        )
        if status == "Accepted":
            self._change(stack, running)
        return m.SetChargingProfileResponse(status=status)

    @or_else(m.ClearChargingProfileResponse(status="Unknown"))
    async def on_clear_charging_profile(self, request: m.ClearChargingProfileRequest) -> m.ClearChargingProfileResponse:
        """What was promised to a transaction that has not begun is cleared too, if it matches."""
        running = self.living.running()
        status, stack = self.living.profiles.clear(self.living.stack(running), request)
        promised = [Installed(connector, promise.profile) for connector, promise in self.living.kept.promises.items()]
        also, left = self.living.profiles.clear(promised, request)
        if "Accepted" in (status, also):
            still = {connector for connector, _ in left}
            self._change(stack, running, {n: each for n, each in self.living.kept.promises.items() if n in still})
            status = "Accepted"
        return m.ClearChargingProfileResponse(status=status)

    @or_else(m.GetCompositeScheduleResponse(status="Rejected"))
    async def on_get_composite_schedule(self, request: m.GetCompositeScheduleRequest) -> m.GetCompositeScheduleResponse:
        """In amperes unless watts are asked for. Instants are whole seconds, as the periods of a schedule are."""
        number, unit = request.connector_id, request.charging_rate_unit or "A"
        if number not in (0, *self.connectors) or request.duration < 0:
            return m.GetCompositeScheduleResponse(status="Rejected")
        running, at = self.living.running(), _second(self.now())
        stack, duration = self.living.stack(running), min(request.duration, LONGEST_SCHEDULE)
        started = {each: _second(running[each].started) if each in running else None for each in self.connectors}
        if number:
            schedule = self.living.profiles.composite(
                stack, number, at, duration, unit, started=started[number], station=self.living.station
            )
        else:
            schedule = self.living.profiles.total(stack, started, at, duration, unit, station=self.living.station)
        return m.GetCompositeScheduleResponse(
            status="Accepted", connector_id=number, schedule_start=at, charging_schedule=schedule
        )

    def _change(
        self, stack: list[Installed], running: RunningTransactions, promises: Mapping[int, Promise] | None = None
    ) -> None:
        self.living.keep(stack, running, promises)
        self.changed.set()


def _second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)
