"""A charge point process that is going to be killed. It charges for ever, and says what is durable, line by line.

``python -m tests.integration.victim URL FILE NAME``; the lines are ``start TAG``, ``sample TAG``, ``stop TAG``.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count, repeat

from ocpp_lab import ChargePoint

CONNECTORS = (1, 2)
PACE = 0.002  # seconds; a ledger tells events apart by the millisecond


async def charge(charge_point: ChargePoint, connector: int, name: str) -> None:
    """One transaction after the other; what is said has returned from the call that makes it durable."""
    charge_point.charging.unplug(connector)  # the cable of the life before, if there was one
    for n in count():
        tag = f"{name}-{connector}-{n}"
        charge_point.charging.plug_in(connector)
        charge_point.charging.start(connector, tag)
        print("start", tag, flush=True)
        for _ in range(5):
            await asyncio.sleep(PACE)
            charge_point.charging.sample(connector, "Trigger")
            print("sample", tag, flush=True)
        await asyncio.sleep(PACE)
        charge_point.charging.stop(connector, "Local")
        print("stop", tag, flush=True)
        charge_point.charging.unplug(connector)
        await asyncio.sleep(PACE)


async def main(url: str, path: str, name: str) -> None:
    async with ChargePoint(
        url, "CP_1", connectors=len(CONNECTORS), path=path, delays=lambda: repeat(0.02)
    ) as charge_point:
        async with asyncio.TaskGroup() as drivers:
            for connector in CONNECTORS:
                drivers.create_task(charge(charge_point, connector, name), name=f"driver {connector}")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
