"""(d) Ours: a `CentralSystem`, and a `Session` at the charge point's end."""

from __future__ import annotations

import asyncio
from typing import Any

import ocpp_lab.messages as m
from ocpp_lab import CentralSystem, Router, Session, Transport
from ocpp_lab.charge_point.dial import dial

from .payloads import READINGS, fresh_id, now
from .wire import OPTIONS

central_systems: list[CentralSystem] = []  # keeps them from being collected


class Answering:
    """Handlers that do what the other contenders do. Those of the package would also keep every reading in sqlite."""

    async def on_boot(self, request: m.BootNotificationRequest) -> m.BootNotificationResponse:
        return m.BootNotificationResponse(status="Accepted", current_time=now(), interval=300)

    async def on_heartbeat(self, request: m.HeartbeatRequest) -> m.HeartbeatResponse:
        return m.HeartbeatResponse(current_time=now())

    async def on_meter_values(self, request: m.MeterValuesRequest) -> m.MeterValuesResponse:
        return m.MeterValuesResponse()


async def serve() -> int:
    """Boot required, frames recorded and counted, everything typed and validated: nothing else is left out."""
    router = Router("CentralSystem")
    router.include(Answering())
    central_system = await CentralSystem(router=router).start()
    central_systems.append(central_system)
    return central_system.port


def typed_meter_values() -> m.MeterValuesRequest:
    """What `payloads.meter_values` says, typed."""
    readings = [m.SampledValue(**reading) for reading in READINGS]  # type: ignore[arg-type]
    taken = m.MeterValue(timestamp=now(), sampled_value=readings)
    return m.MeterValuesRequest(connector_id=1, transaction_id=1042, meter_value=[taken])


class Caller:
    """A session that booted once, as every charge point must."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.reader = asyncio.create_task(session.run())

    @classmethod
    async def dial(cls, port: int, number: int) -> Caller:
        pipe = await dial(f"ws://127.0.0.1:{port}/CP_{number}", **OPTIONS)
        caller = cls(Session(Transport(pipe), Router("ChargePoint"), ids=iter(fresh_id, "")))
        await caller.session.call(
            m.BootNotificationRequest(charge_point_vendor="OCPP Lab", charge_point_model="Benchmark")
        )
        return caller

    async def heartbeat(self) -> Any:
        return await self.session.call(m.HeartbeatRequest())

    async def meter_values(self) -> Any:
        return await self.session.call(typed_meter_values())

    async def close(self) -> None:
        await self.session.close()
        await self.reader
