"""A charge point of two connectors and its central system, for tests of charging profiles on the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab import messages as m
from ocpp_lab.station.connector import Car
from tests.pair import pair, payloads

BIG: dict[str, Any] = {"wanted": 1e9, "power": 22_080.0}
"""A car that takes 32 A on three phases, for ever."""


class Site:
    """Both ends, and what an operator and drivers do."""

    def __init__(self, central_system: CentralSystem, charge_point: ChargePoint) -> None:
        self.central_system = central_system
        self.charge_point = charge_point

    async def ask(self, request: Any) -> Any:
        return await self.central_system["CP_1"].call(request)

    async def set(self, connector: int, one: m.ChargingProfile) -> str:
        request = m.SetChargingProfileRequest(connector_id=connector, cs_charging_profiles=one)
        return str((await self.ask(request)).status)

    async def clear(self, **fields: Any) -> str:
        return str((await self.ask(m.ClearChargingProfileRequest(**fields))).status)

    async def composite(self, connector: int, duration: int = 100, unit: Any = None) -> list[tuple[int, float]]:
        request = m.GetCompositeScheduleRequest(connector_id=connector, duration=duration, charging_rate_unit=unit)
        answer = await self.ask(request)
        assert answer.status == "Accepted" and answer.connector_id == connector
        return [(each.start_period, each.limit) for each in answer.charging_schedule.charging_schedule_period]

    async def remote_start(self, connector: int | None, tag: str, one: m.ChargingProfile | None = None) -> str:
        request = m.RemoteStartTransactionRequest(id_tag=tag, connector_id=connector, charging_profile=one)
        return str((await self.ask(request)).status)

    async def start(self, connector: int = 1) -> int:
        """A transaction; its id."""
        self.charge_point.charging.plug_in(connector, Car(**BIG))
        await self.charge_point.charging.present(connector, f"TAG_{connector}")
        await asyncio.sleep(1)
        return len(payloads(self.central_system, "StartTransaction"))

    def stop(self, connector: int = 1) -> None:
        self.charge_point.charging.unplug(connector)

    def amps(self, connector: int = 1) -> float:
        """What its car draws now, per phase."""
        return round(self.charge_point.connectors[connector].power / 690, 1)

    def statuses(self, connector: int = 1) -> list[str]:
        """What was told of it."""
        told = payloads(self.central_system, "StatusNotification")
        return [each["status"] for each in told if each["connectorId"] == connector]


@asynccontextmanager
async def site(**options: Any) -> AsyncIterator[Site]:
    async with pair(connectors=2, **options) as (central_system, charge_point):
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        yield Site(central_system, charge_point)
