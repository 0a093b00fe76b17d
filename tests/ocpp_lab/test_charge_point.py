"""A charge point's boot, and what it may say before it is accepted (core 4.2; core errata 3.22; J-spec 5.4).

On simulated time, over simulated WebSockets. Times are loop seconds; the network takes none.
"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_lab import CallFailed, CallTimeout, Faults, Heartbeat, NotAccepted, NotConnected, Policy
from ocpp_lab import messages as m
from tests.house import scaled
from tests.pair import (
    actions,
    calls,
    central_system_alone,
    charge_point_alone,
    connections,
    exchange,
    on,
    pair,
    payloads,
    simulated,
    states,
)
from tests.simulated import clock

BOOT, STATUS, HEARTBEAT = "BootNotification", "StatusNotification", "Heartbeat"
REMOTE = [m.RemoteStartTransactionRequest(id_tag="TAG"), m.RemoteStopTransactionRequest(transaction_id=1)]


# Accepted -------------------------------------------------------------------------------------------------------------


@simulated
async def test_accepted() -> None:
    """Core 4.2, 4.6, core errata 3.22: boot, the status of connector 0 and of each, then heartbeats at the interval."""
    async with pair(Policy(interval=100), connectors=2) as (central_system, charge_point):
        await asyncio.sleep(350)
        assert calls(central_system) == [
            (0, BOOT),
            *[(0, STATUS)] * 3,
            (100, HEARTBEAT),
            (200, HEARTBEAT),
            (300, HEARTBEAT),
        ]
        told = [(status["connectorId"], status["status"]) for status in payloads(central_system, STATUS)]
        assert told == [(0, "Available"), (1, "Available"), (2, "Available")]
        assert charge_point.configuration["HeartbeatInterval"] == "100"
        assert states(charge_point) == ["connecting", "booting", "online"]


@simulated
async def test_accepted_with_interval_zero() -> None:
    """Core 4.2: 0 leaves the choice to the charge point; it keeps the HeartbeatInterval that it has."""
    async with pair(Policy(interval=0)) as (central_system, _):
        await asyncio.sleep(650)
        assert [at for at, action in calls(central_system) if action == HEARTBEAT] == [300, 600]


@simulated
async def test_boot_says_what_it_was_told_to_say() -> None:
    """Core 6.3: the boot carries the description of the charge point."""
    request = m.BootNotificationRequest(charge_point_vendor="Łódź", charge_point_model="Two", firmware_version="1.0")
    async with pair(boot=request) as (central_system, charge_point):
        await charge_point.wait_for("online")
        assert payloads(central_system, BOOT) == [
            {"chargePointVendor": "Łódź", "chargePointModel": "Two", "firmwareVersion": "1.0"}
        ]


# Rejected -------------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize(("interval", "wait"), [(40, 40), (0, 60)])
async def test_rejected(interval: int, wait: int) -> None:
    """Core 4.2: nothing is sent and nothing answered until the interval has passed; with 0 the choice is ours, 60 s."""
    policy = Policy("Rejected", interval)
    async with pair(policy, server={"timeout": 5}) as (central_system, charge_point):
        await charge_point.wait_for("rejected")
        for request in [m.ResetRequest(type="Hard"), m.GetConfigurationRequest(), *REMOTE]:
            with pytest.raises(CallTimeout):
                await central_system["CP_1"].call(request)
        for triggered in (False, True):
            with pytest.raises(NotAccepted):
                await charge_point.call(m.HeartbeatRequest(), triggered=triggered)
        charge_point.connectors[1].become("Faulted")
        policy.registration = "Accepted"
        await asyncio.sleep(wait - clock() - 0.001)
        assert calls(central_system) == [(0, BOOT)]
        assert "< result" not in exchange(central_system)
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        assert calls(central_system) == [(0, BOOT), (wait, BOOT), (wait, STATUS), (wait, STATUS)]
        assert [status["status"] for status in payloads(central_system, STATUS)] == ["Available", "Faulted"]


# Pending --------------------------------------------------------------------------------------------------------------


@simulated
async def test_pending_answers() -> None:
    """Core 4.2: the central system may configure a pending charge point, but not start or stop charging."""
    async with pair(Policy("Pending", 50)) as (central_system, charge_point):
        await charge_point.wait_for("pending")
        session = central_system["CP_1"]
        assert (await session.call(m.GetConfigurationRequest(key=["NumberOfConnectors"]))).configuration_key
        change = m.ChangeConfigurationRequest(key="MeterValueSampleInterval", value="7")
        assert (await session.call(change)).status == "Accepted"
        assert (await session.call(m.UnlockConnectorRequest(connector_id=1))).status == "Unlocked"
        for request in REMOTE:
            assert (await session.call(request)).status == "Rejected"


@simulated
async def test_pending_sends_nothing_of_its_own() -> None:
    """Core 4.2: until it is triggered or the interval is over."""
    async with pair(Policy("Pending", 50)) as (central_system, charge_point):
        await charge_point.wait_for("pending")
        with pytest.raises(NotAccepted):
            await charge_point.call(m.HeartbeatRequest())
        charge_point.connectors[1].become("Faulted")
        await asyncio.sleep(149)
        assert calls(central_system) == [(0, BOOT), (50, BOOT), (100, BOOT)]
        assert states(charge_point)[:5] == ["connecting", "booting", "pending", "booting", "pending"]


TRIGGERED: list[tuple[m.MessageTrigger, int | None, list[str]]] = [
    ("Heartbeat", None, [HEARTBEAT]),
    ("StatusNotification", None, [STATUS] * 3),
    ("StatusNotification", 2, [STATUS]),
    ("BootNotification", None, [BOOT]),
]


@simulated
@pytest.mark.parametrize(("message", "connector", "sent"), TRIGGERED)
async def test_pending_sends_what_is_triggered(
    message: m.MessageTrigger, connector: int | None, sent: list[str]
) -> None:
    """Core 5.17: first the answer, then the message; no connector means all of them."""
    async with pair(Policy("Pending", 50), connectors=2) as (central_system, charge_point):
        await charge_point.wait_for("pending")
        await asyncio.sleep(10)
        request = m.TriggerMessageRequest(requested_message=message, connector_id=connector)
        assert (await central_system["CP_1"].call(request)).status == "Accepted"
        await asyncio.sleep(1)
        assert calls(central_system) == [(0, BOOT), *[(10, action) for action in sent]]
        conversation = [f"{mark} {what}" for action in sent for mark, what in (("<", action), (">", "result"))]
        assert exchange(central_system)[2:] == ["> TriggerMessage", "< result", *conversation]


@simulated
@pytest.mark.parametrize(
    ("message", "connector", "status"),
    [
        ("MeterValues", 3, "Rejected"),
        ("StatusNotification", 3, "Rejected"),
    ],
)
async def test_what_cannot_be_triggered(message: m.MessageTrigger, connector: int | None, status: str) -> None:
    """Core 5.17: what is not implemented and what does not exist is said to be so, and nothing is sent."""
    async with pair(Policy("Pending", 50), connectors=2) as (central_system, charge_point):
        await charge_point.wait_for("pending")
        request = m.TriggerMessageRequest(requested_message=message, connector_id=connector)
        assert (await central_system["CP_1"].call(request)).status == status
        await asyncio.sleep(10)
        assert actions(central_system) == [BOOT]


# The boot goes wrong --------------------------------------------------------------------------------------------------


def broken_reply(faults: Faults) -> None:
    """A CallResult that is no frame: its payload is no object. The id is that of the boot."""
    faults.garbage(BOOT, text='[3,"boot",[]]', times=1)


WRONG: dict[str, tuple[Any, float]] = {
    "CallError": (lambda faults: faults.call_error(BOOT, times=1), 60),
    "no answer": (lambda faults: faults.ignore(BOOT, times=1), 30 + 60),
    "answer to another call": (lambda faults: faults.wrong_id(BOOT, times=1), 30 + 60),
    "unreadable answer": (lambda faults: faults.wrong_payload(BOOT, times=1), 60),
    "unreadable frame": (broken_reply, 60),
}


@simulated
@pytest.mark.parametrize(("break_it", "again"), WRONG.values(), ids=WRONG)
async def test_boot_goes_wrong(break_it: Any, again: float) -> None:
    """Core 4.2: no acceptance, no charge point: it boots again after the retry interval, on the same connection."""
    async with central_system_alone() as central_system:
        break_it(central_system.faults)
        async with charge_point_alone(ids=iter(["boot", *map(str, range(100))])) as charge_point:
            await charge_point.wait_for("online")
            assert [at for at, action in calls(central_system) if action == BOOT] == [0, again]
            assert clock() == again
            assert connections(central_system) == 1


@simulated
async def test_boot_goes_wrong_for_hours() -> None:
    """It never gives up, and never gets faster."""
    async with central_system_alone() as central_system:
        central_system.faults.call_error(BOOT, code="InternalError")
        async with charge_point_alone(retry_interval=600) as charge_point:
            await asyncio.sleep(7_199)
            assert [at for at, _ in calls(central_system)] == [600 * n for n in range(12)]
            central_system.faults.clear()
            await charge_point.wait_for("online")


@simulated
async def test_before_the_boot_is_answered() -> None:
    """Core 4.2 is silent about it; we do as in Pending: answer, but do not charge, and send nothing else."""
    async with central_system_alone() as central_system:
        central_system.faults.delay(BOOT, seconds=20)
        async with charge_point_alone() as charge_point:
            session = await central_system.connected("CP_1")
            assert (await session.call(m.ClearCacheRequest())).status == "Rejected"
            assert (await session.call(m.UnlockConnectorRequest(connector_id=1))).status == "Unlocked"
            assert (await session.call(REMOTE[0])).status == "Rejected"
            with pytest.raises(NotAccepted):
                await charge_point.call(m.HeartbeatRequest())
            assert charge_point.state == "booting"
            await charge_point.wait_for("online")
            assert clock() == 20


# Forgotten, lost, restarted -------------------------------------------------------------------------------------------


@simulated
async def test_security_error_means_boot_again() -> None:
    """J-errata 3.8: a central system that lost its memory says SecurityError; to boot again is our choice."""
    async with pair(Policy(interval=100)) as (central_system, charge_point):
        await asyncio.sleep(50)
        central_system.registrations.clear()
        await asyncio.sleep(200)
        assert calls(central_system)[3:] == [
            (100, HEARTBEAT), (100, BOOT), (100, STATUS), (100, STATUS), (200, HEARTBEAT),
        ]  # fmt: skip
        assert connections(central_system) == 1
        assert states(charge_point) == ["connecting", "booting", "online", "forgotten", "booting", "online"]


class OnDemand(Heartbeat):
    """Beats when the test says so."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.due = asyncio.Event()

    async def run(self) -> None:
        await self.due.wait()
        await self.call(m.HeartbeatRequest())  # as a learner's may


@simulated(seeds=scaled(10, 100))
async def test_security_error_at_the_instant_of_a_heartbeat() -> None:
    """The heartbeat that may not go out any more is no bug, whether it comes before or after the end of its task."""
    async with pair(Policy(interval=100), heartbeat=OnDemand) as (central_system, charge_point):
        await charge_point.wait_for("online")
        central_system.faults.call_error("DataTransfer", code="SecurityError", times=1)
        await asyncio.sleep(100)
        with pytest.raises(CallFailed, match="SecurityError"):
            await charge_point.call(m.DataTransferRequest(vendor_id="x"))
        assert charge_point.registration is None
        charge_point.heartbeat.due.set()  # type: ignore[union-attr]
        await charge_point.wait_for("booting")
        await charge_point.wait_for("online")
        assert actions(central_system).count(BOOT) == 2


@simulated
async def test_reconnect_without_boot() -> None:
    """J-spec 5.4: accepted before and unchanged, it does not boot again; core 4.9: what changed meanwhile is told."""
    async with pair(connectors=2) as (central_system, charge_point):
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        before = len(calls(central_system))
        await on("cs", central_system["CP_1"].close(1001))
        await charge_point.wait_for("waiting")
        with pytest.raises(NotConnected):
            await charge_point.call(m.HeartbeatRequest())
        charge_point.connectors[2].become("Faulted")
        charge_point.connectors[1].become("Charging")
        charge_point.connectors[1].become("Available")  # as it was: nothing to tell (core 4.9)
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        assert actions(central_system)[before:] == [STATUS]
        assert payloads(central_system, STATUS)[-1]["connectorId"] == 2
        assert states(charge_point)[-3:] == ["waiting", "connecting", "online"]


@simulated
@pytest.mark.parametrize("registration", ["Accepted", "Pending"])
@pytest.mark.parametrize("kind", ["Soft", "Hard"])
async def test_reset(kind: m.ResetType, registration: m.RegistrationStatus) -> None:
    """Core 5.14, 4.2: first the answer, then the restart; a charge point that restarted boots again."""
    policy = Policy(registration)
    async with pair(policy) as (central_system, charge_point):
        await charge_point.wait_for("online", "pending")
        await asyncio.sleep(1)
        before = len(exchange(central_system))
        policy.registration = "Accepted"
        assert (await central_system["CP_1"].call(m.ResetRequest(type=kind))).status == "Accepted"
        await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        assert exchange(central_system)[before:] == [
            "> Reset", "< result",
            f"< {BOOT}", "> result", f"< {STATUS}", "> result", f"< {STATUS}", "> result",
        ]  # fmt: skip
        assert connections(central_system) == 2
