"""Thousands of charge points in a process of their own: ``python -m benchmarks.crowd``.

They speak over bare sockets, as (b) does: next to nothing on their side, so that the other side is what is measured.
"""

from __future__ import annotations

import asyncio
import json
import time
from random import Random
from statistics import median, quantiles
from typing import Any, Self

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import WebSocketException

from . import plain
from .end import obey, run
from .payloads import fresh_id, meter_values, now_text
from .plan import Due, plan
from .wire import connect

AT_ONCE = 50
"""Dials at the same time, where no storm is meant: a listening socket's backlog is 100."""

PATIENCE = 60.0
"""Seconds that a dial may take. A shorter time would measure the one who dials: on a busy machine all give up at the
same time and come again, and a central system that served them well has worked for nothing."""

REDIAL = (1.0, 2.0)
"""Seconds from, to: how long a charge point waits that was not let in."""


class Station(plain.Caller):
    """A charge point with a car: it boots, starts a transaction, and makes one call at a time (J-spec 4.1.1)."""

    def __init__(self, websocket: ClientConnection) -> None:
        super().__init__(websocket)
        self.lane = asyncio.Lock()
        self.transaction_id = 0  # once the central system gave one
        self.asked = 0  # how often it was called

    @classmethod
    async def dial(cls, port: int, number: int) -> Self:
        return cls(await connect(port, number, PATIENCE))

    async def boot(self) -> None:
        answer = await self._call("BootNotification", {"chargePointVendor": "OCPP Lab", "chargePointModel": "Crowd"})
        assert answer["status"] == "Accepted", answer

    async def start(self) -> None:
        start = {"connectorId": 1, "idTag": "TAG_A", "meterStart": 0, "timestamp": now_text()}
        self.transaction_id = (await self._call("StartTransaction", start))["transactionId"]

    async def meter_values(self) -> Any:
        return await self._call("MeterValues", meter_values() | {"transactionId": self.transaction_id})

    async def _call(self, action: str, payload: Any) -> Any:
        async with self.lane:
            unique_id = fresh_id()
            await self.websocket.send(json.dumps([2, unique_id, action, payload]))
            match await self._reply():
                case [3, answered, response] if answered == unique_id:
                    return response
                case other:
                    raise RuntimeError(f"expected an answer to {action}, came {other}")

    async def _reply(self) -> list[Any]:
        """The next frame that is no call. A central system that has no time for a boot calls: it asks for that boot."""
        while (frame := json.loads(await self.websocket.recv()))[0] == 2:
            self.asked += 1
            await self.websocket.send(json.dumps([3, frame[1], {"status": "Rejected"}]))  # it is on its way
        return list(frame)


class Crowd:
    """Holds charge points. Latencies are in seconds, from the instant when the charge point wants to call."""

    def __init__(self) -> None:
        self.stations: list[Station] = []
        self.redials = 0  # dials that failed, and were made again
        self.rng = Random(1)

    async def grow(self, port: int, charge_points: int) -> int:
        """Until there are so many: each dials, boots and starts a transaction."""
        while (first := len(self.stations)) < charge_points:
            numbers = range(first, min(first + AT_ONCE, charge_points))
            self.stations += await asyncio.gather(*(self._ready(port, number) for number in numbers))
        return len(self.stations)

    async def warm(self, trips: int) -> None:
        """So many heartbeats of the first one."""
        for _ in range(trips):
            await self.stations[0].heartbeat()

    async def live(self, seconds: float, seed: int) -> dict[str, float]:
        """All live for so long; returns when the last answer is there.

        ``late``: p99 of how long after their time calls were made: then it was this process that had no time.
        """
        took: dict[str, list[float]] = {"heartbeat": [], "meter_values": []}
        late: list[float] = []
        start = time.perf_counter()

        async def trip(due: Due) -> None:
            begun = time.perf_counter()
            late.append(begun - start - due.at)
            await getattr(self.stations[due.number], due.kind)()
            took[due.kind].append(time.perf_counter() - begun)

        async with asyncio.TaskGroup() as tasks:
            for due in plan(len(self.stations), seconds, seed):
                await asyncio.sleep(start + due.at - time.perf_counter())
                tasks.create_task(trip(due), name=f"{due.kind} of {due.number}")
        beats = took["heartbeat"]
        return {
            "seconds": time.perf_counter() - start,
            "p50": median(beats),
            "p99": quantiles(beats, n=100, method="inclusive")[98],
            "worst": max(beats),
            "heartbeats": len(beats),
            "readings": len(took["meter_values"]),
            "late": quantiles(late, n=100, method="inclusive")[98],
        }

    async def storm(self, port: int, charge_points: int) -> dict[str, Any]:
        """All dial and boot at once: when each was accepted (s, in order), how many dials failed, and how many were
        asked to boot, although their boot was on its way."""
        accepted: list[float] = []
        start = time.perf_counter()

        async def come(number: int) -> None:
            self.stations.append(await self._booted(port, number))
            accepted.append(time.perf_counter() - start)

        async with asyncio.TaskGroup() as tasks:
            for number in range(charge_points):
                tasks.create_task(come(number), name=f"charge point {number}")
        return {"accepted": accepted, "redials": self.redials, "asked": sum(station.asked for station in self.stations)}

    async def close(self) -> None:
        """Hang up without a word: the central system goes away next."""
        for station in self.stations:
            station.websocket.transport.abort()

    async def _ready(self, port: int, number: int) -> Station:
        station = await self._booted(port, number)
        await station.start()
        return station

    async def _booted(self, port: int, number: int) -> Station:
        """A charge point that is accepted. Who is sent away, or cut off, comes again."""
        while True:
            try:
                station = await Station.dial(port, number)
                await station.boot()
                return station
            except ConnectionRefusedError:  # nobody listens any more: no patience helps
                raise
            except (OSError, WebSocketException):  # TimeoutError is an OSError
                self.redials += 1
                await asyncio.sleep(self.rng.uniform(*REDIAL))


if __name__ == "__main__":
    run(obey(Crowd()))
