"""Any call before the boot was accepted gets SecurityError (J-errata 3.8), and who was accepted stays accepted."""

from __future__ import annotations

import asyncio

import pytest

from ocpp_lab import ACTIONS, CentralSystem, Policy
from ocpp_lab import messages as m
from tests.integration.wire import BOOT, Peer, facing, until
from tests.schemas import full_payload


async def expect_security_error(peer: Peer, action: str = "Heartbeat") -> None:
    reply = await peer.ask("too early", action, full_payload(action) if action in ACTIONS else {})
    assert reply[:3] == [4, "too early", "SecurityError"]
    assert action in reply[3]


async def expect_trigger(peer: Peer) -> None:
    kind, unique_id, action, payload = await peer.hear()
    assert (kind, action, payload) == (2, "TriggerMessage", {"requestedMessage": "BootNotification"})
    await peer.say(3, unique_id, {"status": "Accepted"})


async def boot(peer: Peer) -> str:
    return str((await peer.ask("boot", "BootNotification", BOOT))[2]["status"])


async def test_any_call_before_the_boot() -> None:
    """J-errata 3.8: SecurityError for every action, known or not, good payload or not; BootNotification excepted."""
    async with CentralSystem() as central_system, facing(central_system, boots=False) as peer:
        await expect_security_error(peer)
        await expect_trigger(peer)  # asked to boot, once, and after the answer
        for action in [*ACTIONS.keys() - {"BootNotification"}, "MakeCoffee"]:
            await expect_security_error(peer, action)
        assert not central_system.ledger.rows()
        assert not central_system.answers.statuses
        assert await boot(peer) == "Accepted"
        await peer.is_served()


async def test_spoilt_boot_is_told_what_is_wrong_with_it() -> None:
    """The gate lets BootNotification through, good or bad; a refused one accepts nobody."""
    async with CentralSystem() as central_system, facing(central_system, boots=False) as peer:
        reply = await peer.ask("boot", "BootNotification", {"chargePointModel": "Client"})
        assert reply[2] == "OccurenceConstraintViolation"
        await expect_security_error(peer)


async def test_require_boot_can_be_switched_off() -> None:
    """J-errata 3.8 is a SHOULD."""
    async with CentralSystem(require_boot=False) as central_system, facing(central_system, boots=False) as peer:
        await peer.is_served()
        assert (await peer.ask("unknown", "MakeCoffee", {}))[2] == "NotImplemented"


async def test_registration_is_remembered_across_reconnects() -> None:
    """J-spec 5.4: who was accepted need not boot again after a reconnect; this holds for that identity only."""
    async with CentralSystem() as central_system:
        async with facing(central_system, "CP_1"):
            pass
        await until(lambda: "CP_1" not in central_system)
        async with facing(central_system, "CP_1", boots=False) as again:
            await again.is_served()
        async with facing(central_system, "CP_2", boots=False) as stranger:
            await expect_security_error(stranger)


async def test_lost_memory_asks_once_for_each_connection() -> None:
    """A central system that restarted knows nobody: it asks for the boot, and asks again after a reconnect."""
    async with CentralSystem() as central_system:
        for _ in range(2):
            async with facing(central_system, boots=False) as peer:
                await expect_security_error(peer)
                await expect_trigger(peer)
                await expect_security_error(peer)
                await expect_security_error(peer)  # with no trigger in between
            await until(lambda: "CP_1" not in central_system)


async def test_an_unanswered_trigger_disturbs_nobody() -> None:
    """A charge point that does not know TriggerMessage may stay silent; its calls are answered all the same."""
    async with CentralSystem(timeout=0.02) as central_system, facing(central_system, boots=False) as peer:
        await expect_security_error(peer)
        assert (await peer.hear())[2] == "TriggerMessage"
        await until(lambda: peer.session.pending.counts["timeout"] == 1)
        await expect_security_error(peer)
        assert await boot(peer) == "Accepted"


async def test_rejected_gets_security_error_and_no_trigger() -> None:
    """Core 4.2: a rejected charge point waits for its interval; asking it to boot earlier would be a contradiction."""
    policy = Policy(registration="Rejected")
    async with CentralSystem(policy=policy) as central_system, facing(central_system, boots=False) as peer:
        assert await boot(peer) == "Rejected"
        await expect_security_error(peer)
        await expect_security_error(peer)
        policy.registration = "Accepted"
        assert await boot(peer) == "Accepted"
        await peer.is_served()


async def test_newest_boot_counts() -> None:
    """The registration is what the newest BootNotification got, also if it is worse than before."""
    async with CentralSystem() as central_system, facing(central_system) as peer:
        central_system.policy.registrations["CP_1"] = "Pending"
        assert await boot(peer) == "Pending"
        await expect_security_error(peer)
        central_system.policy.registrations.clear()
        assert await boot(peer) == "Accepted"
        await peer.is_served()


@pytest.mark.parametrize(
    ("trigger", "action"),
    [
        (m.TriggerMessageRequest(requested_message="StatusNotification", connector_id=1), "StatusNotification"),
        (m.ExtendedTriggerMessageRequest(requested_message="LogStatusNotification"), "LogStatusNotification"),
    ],
)
async def test_pending_may_send_what_was_triggered(
    trigger: m.TriggerMessageRequest | m.ExtendedTriggerMessageRequest, action: str
) -> None:
    """Core 4.2, 5.17: while Pending, a charge point sends only what it was asked for."""
    policy = Policy(registration="Pending")
    async with CentralSystem(policy=policy) as central_system, facing(central_system, boots=False) as peer:
        assert await boot(peer) == "Pending"
        await expect_security_error(peer, action)
        asked = asyncio.create_task(peer.session.call(trigger))
        kind, unique_id, came, _ = await peer.hear()
        assert (kind, came) == (2, trigger.action)
        await peer.say(3, unique_id, {"status": "Accepted"})
        assert (await asked).status == "Accepted"
        assert (await peer.ask("triggered", action, full_payload(action)))[:2] == [3, "triggered"]
        await expect_security_error(peer, "Heartbeat")
        await expect_security_error(peer, "Authorize")
