"""A charge point with file jobs, its central system, and a web server: what tests of both lanes share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab import messages as m
from ocpp_lab.charge_point.firmware_image import make_image
from tests.file_server import FileServer, file_server
from tests.pair import calls, pair, payloads
from tests.profiles import after

WEB = "http://files:8080"
IMAGE = make_image("2.0.0", b"new" * 10_000)


class Depot:
    """All three, and what an operator asks of a charge point."""

    def __init__(self, central_system: CentralSystem, charge_point: ChargePoint, files: FileServer) -> None:
        self.central_system = central_system
        self.charge_point = charge_point
        self.files = files

    async def ask(self, request: Any) -> Any:
        return await self.central_system["CP_1"].call(request)

    async def diagnose(self, location: str = f"{WEB}/inbox", **fields: Any) -> str | None:
        answer = await self.ask(m.GetDiagnosticsRequest(location=location, **fields))
        return str(answer.file_name) if answer.file_name else None

    async def get_log(
        self, id: int, location: str = f"{WEB}/inbox", kind: Any = "DiagnosticsLog", **fields: Any
    ) -> Any:
        log = m.LogParametersType(remote_location=location)
        return await self.ask(m.GetLogRequest(log_type=kind, request_id=id, log=log, **fields))

    async def update(self, location: str = f"{WEB}/new.bin", at: float = 0, **fields: Any) -> None:
        await self.ask(m.UpdateFirmwareRequest(location=location, retrieve_date=after(at), **fields))

    async def trigger(self, message: Any) -> str:
        return (await self.ask(m.TriggerMessageRequest(requested_message=message))).status

    def told(self, action: str) -> list[str]:
        """The statuses that were told, oldest first; with ``#id`` where there is a requestId."""
        found = payloads(self.central_system, f"{action}StatusNotification")
        return [each["status"] + (f"#{each['requestId']}" if "requestId" in each else "") for each in found]

    def times(self, action: str) -> list[float]:
        """When they came, in whole seconds."""
        name = f"{action}StatusNotification"
        return [round(at) for at, each in calls(self.central_system) if each == name]


@asynccontextmanager
async def depot(**options: Any) -> AsyncIterator[Depot]:
    """Online, a second after the boot; the server has a firmware at /new.bin."""
    async with file_server(**{"new.bin": IMAGE}) as files, pair(**options) as (central_system, charge_point):
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        yield Depot(central_system, charge_point, files)
