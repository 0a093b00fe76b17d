"""An operator of ours, and a charge point that answers as the test says, frame by frame."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp_lab import CentralSystem
from ocpp_lab import messages as m
from ocpp_lab.central_system import Operator
from tests.integration.wire import Peer
from tests.pair import action_of, central_system_alone
from tests.plain import facing

DATE = datetime(2030, 6, 1, 12, tzinfo=UTC)


@asynccontextmanager
async def operated(**options: Any) -> AsyncIterator[tuple[Operator, Peer]]:
    """The operator of a central system, and a charge point CP_1 that was accepted."""
    async with central_system_alone(**{"now": lambda: DATE, **options}) as central_system:
        async with facing(central_system) as peer:
            yield central_system.operator, peer


async def answering(peer: Peer, *answers: Any) -> list[tuple[str, Any]]:
    """Answer the next calls: a dict is a CallResult's payload, a text the code of a CallError. What was asked."""
    asked = []
    for answer in answers:
        _, unique_id, action, payload = await peer.hear()
        asked.append((action, payload))
        if isinstance(answer, dict):
            await peer.say(3, unique_id, answer)
        else:
            await peer.say(4, unique_id, answer, "", {})
    return asked


async def done[T](peer: Peer, work: Coroutine[Any, Any, T], *answers: Any) -> tuple[T, list[tuple[str, Any]]]:
    """Do something that asks the charge point, which answers so: the result, and what was asked."""
    task = asyncio.create_task(work)
    try:
        asked = await answering(peer, *answers)
    except BaseException:
        task.cancel()
        raise
    return await task, asked


def sent(central_system: CentralSystem) -> list[str]:
    """The actions of all calls that left us."""
    return [action for event in central_system.trace if event.mark == ">" and (action := action_of(event))]


def profile(purpose: Any = "TxDefaultProfile", *, id: int = 1, level: int = 0, **changes: Any) -> m.ChargingProfile:
    """A limit of 16 A, for ever."""
    schedule = m.ChargingSchedule(
        charging_rate_unit="A",
        start_schedule=DATE,
        charging_schedule_period=[m.ChargingSchedulePeriod(start_period=0, limit=16.0)],
    )
    options: dict[str, Any] = {"charging_schedule": schedule, "charging_profile_kind": "Absolute", **changes}
    return m.ChargingProfile(charging_profile_id=id, stack_level=level, charging_profile_purpose=purpose, **options)


async def starts(peer: Peer, id_tag: str = "TAG_A", connector: int = 1, at: int = 0, **fields: Any) -> Any:
    """A transaction begins, ``at`` minutes after noon; the payload of the answer."""
    instant = (DATE + timedelta(minutes=at)).isoformat()
    request = {"connectorId": connector, "idTag": id_tag, "meterStart": 0, "timestamp": instant, **fields}
    return (await peer.ask(f"start {at}", "StartTransaction", request))[2]


async def stops(peer: Peer, transaction_id: int, at: int = 60) -> Any:
    """It ends; the payload of the answer."""
    instant = (DATE + timedelta(minutes=at)).isoformat()
    request = {"transactionId": transaction_id, "meterStop": 1000, "timestamp": instant}
    return (await peer.ask(f"stop {transaction_id}", "StopTransaction", request))[2]
