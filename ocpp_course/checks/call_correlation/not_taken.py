"""A transport that takes no text: it is closing, or it is full."""

from __future__ import annotations

import asyncio
from typing import Any

from ocpp_lab.errors import ConnectionLost, FrameError
from ocpp_lab.frames import Call
from ocpp_lab.messages import HeartbeatResponse

from ..kit import Kit
from .bench import HEARTBEAT, Bench, Desk, after
from .patience import outcome
from .pending_ids import fresh_ids
from .replied import lives_on, settled


async def closing(my: Any, kit: Kit) -> None:
    """This end closes: `send` raises, and the reader reads on."""

    async def raises(text: str) -> None:
        raise ConnectionLost("this end closes")

    async with Bench(my, kit, router=Desk(lambda call: asyncio.sleep(2.0)), run=True) as bench:
        await bench.says(Call("asked", "ClearCache", {}))
        await asyncio.sleep(1.0)
        bench.transport.send = raises  # type: ignore[method-assign]
        await bench.says('[2, "spoilt", "ClearCache"]')
        await bench.says(Call("asked", "ClearCache", {}))
        await asyncio.sleep(3.0)
        said = "an answer could not be sent, and that ended the reader; suppress ConnectionLost around that send."
        lives_on(kit, bench, ConnectionLost, said)
        await bench.cut()
        returns = "`run` returns when the connection ends."
        ended = await kit.within(5.0, outcome(bench.reading), "`run` goes on", returns)
        kit.require(not isinstance(ended, BaseException), f"a {type(ended).__name__}", said)


async def full(my: Any, kit: Kit) -> None:
    """`send` waits, and the reader reads on: a reply that comes reaches its caller."""
    spoilt, again = fresh_ids(kit, 2)
    spoilt_one, copy = f'[2, "{spoilt}", "ClearCache"]', Call(again, "ClearCache", {})
    for text, what in ((spoilt_one, "a text that is no frame"), (copy, "a copy of a call")):
        async with Bench(my, kit, after(5.0), router=Desk(lambda call: asyncio.sleep(90.0)), run=True) as bench:
            if text is copy:
                await bench.says(copy)
            own = bench.call(HEARTBEAT)
            await asyncio.sleep(1.0)
            room, send = asyncio.Event(), bench.transport.send

            async def waits(text: str, room: asyncio.Event = room, send: Any = send) -> None:
                await room.wait()
                await send(text)

            bench.transport.send = waits  # type: ignore[method-assign]
            await bench.says(text)
            said = (
                f"the transport was full, and the reader waited until it took the CallError for {what}; send that in "
            )
            said += "a task."
            await asyncio.sleep(6.0)
            lives_on(kit, bench, FrameError, "one bad text ended the session.")
            ended = await kit.within(20.0, outcome(own), "the reader waits", said)
            kit.require(isinstance(ended, HeartbeatResponse), f"a {type(ended).__name__}", said)
            room.set()
            said = f"the transport took texts again, and {what} got no CallError."
            await settled(kit, bench, spoilt if text is spoilt_one else again, 5.0, "no CallError", said)
