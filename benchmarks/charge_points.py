"""(f) Ours with whole charge points at the calling end: what (g) is measured against."""

from __future__ import annotations

from typing import Any

import ocpp_lab.messages as m
from ocpp_lab import ChargePoint

from .ours import serve as serve
from .ours import typed_meter_values
from .payloads import fresh_id
from .wire import OPTIONS


class Caller:
    """A `ChargePoint` that is online: it counts, traces, and asks its registration before every call."""

    def __init__(self, charge_point: ChargePoint) -> None:
        self.charge_point = charge_point

    @classmethod
    async def dial(cls, port: int, number: int) -> Caller:
        url, ids = f"ws://127.0.0.1:{port}", iter(fresh_id, "")
        charge_point = await ChargePoint(url, f"CP_{number}", ids=ids, ping_interval=OPTIONS["ping_interval"]).start()
        await charge_point.wait_for("online")
        return cls(charge_point)

    async def heartbeat(self) -> Any:
        return await self.charge_point.call(m.HeartbeatRequest())

    async def meter_values(self) -> Any:
        return await self.charge_point.call(typed_meter_values())

    async def close(self) -> None:
        await self.charge_point.stop()
