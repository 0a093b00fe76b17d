"""Whom we do not know, perhaps because we lost our memory, is asked to boot; nobody else is (core errata 3.40)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_lab import CallTimeout, CentralSystem, Ledger, Policy
from ocpp_lab import messages as m
from tests.pair import action_of, actions, central_system_alone, charge_point_alone, on, simulated, simulated_now
from tests.plain import boot, facing
from tests.simulated import clock


def triggers(central_system: CentralSystem) -> list[float]:
    """When TriggerMessages were sent, in seconds."""
    sent = [event for event in central_system.trace if event.mark == ">"]
    return [round(event.at, 2) for event in sent if action_of(event) == "TriggerMessage"]


@simulated
async def test_who_does_not_boot_is_asked_once_for_each_connection() -> None:
    """After a second of silence; calls that come before or after it are answered at once, with SecurityError."""
    async with central_system_alone(timeout=5.0) as central_system:
        for start in (0, 200):
            await asyncio.sleep(start - clock())
            async with facing(central_system, boots=False) as peer:
                assert (await peer.hear())[2:] == ["TriggerMessage", {"requestedMessage": "BootNotification"}]
                assert clock() == start + 1
                for _ in range(2):  # it is asked for, and not answered yet
                    reply = await peer.ask("early", "Heartbeat", {})
                    assert reply[2] == "SecurityError" and clock() == start + 1
                await asyncio.sleep(100)
                assert (await peer.ask("late", "Heartbeat", {}))[2] == "SecurityError"
        assert triggers(central_system) == [1, 201]


@simulated
async def test_who_is_turned_away_is_asked_at_once() -> None:
    """There is nothing to wait for, and no second question a second later."""
    async with central_system_alone() as central_system, facing(central_system, boots=False) as peer:
        await asyncio.sleep(0.4)
        assert (await peer.ask("early", "Heartbeat", {}))[2] == "SecurityError"
        assert (await peer.hear())[2] == "TriggerMessage"
        await asyncio.sleep(10)
        assert triggers(central_system) == [0.4]


@simulated
async def test_who_boots_is_not_asked() -> None:
    """Also if the answer takes longer than the second, or never comes: it did what it can."""
    async with central_system_alone() as central_system:
        for fault in (None, central_system.faults.delay, central_system.faults.ignore):
            central_system.faults.clear()
            central_system.registrations.clear()
            if fault:
                fault("BootNotification", **({"seconds": 5.0} if fault == central_system.faults.delay else {}))
            async with facing(central_system, boots=False) as peer:
                await asyncio.sleep(0.9)
                await peer.say(2, "boot", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})
                await asyncio.sleep(60)
        assert triggers(central_system) == []


@simulated
@pytest.mark.parametrize("status", ["Accepted", "Pending", "Rejected"])
async def test_whom_we_know_is_not_asked(status: Any) -> None:
    """Core errata 3.40 for Accepted; the others wait for their interval (core 4.2)."""
    ledger = Ledger()
    ledger.register("CP_1", status)
    async with central_system_alone(ledger=ledger) as central_system, facing(central_system, boots=False):
        await asyncio.sleep(60)
        assert triggers(central_system) == []


@simulated
async def test_where_nobody_has_to_boot_nobody_is_asked() -> None:
    async with central_system_alone(require_boot=False) as central_system, facing(central_system, boots=False) as peer:
        await asyncio.sleep(60)
        await peer.is_served()
        assert triggers(central_system) == []


@simulated
async def test_a_question_that_is_still_unsent_is_withdrawn() -> None:
    """It waits until another call of ours is answered; meanwhile the boot was accepted (core errata 3.40)."""
    async with central_system_alone() as central_system, facing(central_system, boots=False) as peer:
        asked = asyncio.create_task(central_system["CP_1"].call(m.ClearCacheRequest()))
        _, unique_id, action, _ = await peer.hear()
        assert action == "ClearCache"
        await asyncio.sleep(2)
        assert await boot(peer) == "Accepted"
        await peer.say(3, unique_id, {"status": "Accepted"})
        assert (await asked).status == "Accepted"
        await asyncio.sleep(60)
        await peer.is_served()
        assert triggers(central_system) == []


@simulated
async def test_a_connection_that_ends_within_the_second_leaves_nothing() -> None:
    """Nobody is asked on a dead connection, and the next connection has a second of its own."""
    async with central_system_alone() as central_system:
        async with facing(central_system, boots=False):
            await asyncio.sleep(0.9)
        async with facing(central_system, boots=False):
            await asyncio.sleep(0.5)
        await asyncio.sleep(10)
        assert triggers(central_system) == []


@simulated
async def test_after_a_restart_with_an_empty_memory() -> None:
    """A charge point that was accepted need not boot again by itself (J-spec 5.4). Ours takes being asked for no reason
    either (core errata 3.35), but being turned away is one (J-errata 3.8): then it is not asked a second time."""
    options: dict[str, Any] = {"now": simulated_now, "delays": lambda: iter([10.0] * 10)}
    async with charge_point_alone(**options) as point:
        async with central_system_alone(policy=Policy(interval=30)):
            await point.wait_for("online")
            await asyncio.sleep(5)
        async with central_system_alone() as central_system:
            await central_system.connected("CP_1")
            began = clock()
            await asyncio.sleep(60)
            assert triggers(central_system) == [began + 1]
            assert actions(central_system)[:2] == ["Heartbeat", "BootNotification"]
            assert central_system.registrations == {"CP_1": "Accepted"}


@simulated
async def test_an_unanswered_question_disturbs_nobody() -> None:
    """A charge point that does not know TriggerMessage may stay silent; what the operator asks waits for that."""
    async with central_system_alone(timeout=5.0) as central_system, facing(central_system, boots=False) as peer:
        await asyncio.sleep(2)
        with pytest.raises(CallTimeout):
            await on("cs", central_system["CP_1"].call(m.ClearCacheRequest()))
        assert clock() == 1 + 5 + 5
        assert await boot_after_all(peer) == "Accepted"


async def boot_after_all(peer: Any) -> str:
    for _ in range(2):
        await peer.hear()  # what it was asked
    return await boot(peer)
