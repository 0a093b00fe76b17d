"""The whole life: connect, boot, beat, lose the line, come back, resume; a transaction runs across all of it.

J-spec 5.4, J-errata 3.3 and 3.8, core 3.7, 4.2, 4.6; DESIGN.md, decision 6. On simulated time and network.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CallTimeout, CentralSystem, ChargePoint, ConnectionLost, Ledger, NotConnected, Policy
from ocpp_lab import messages as m
from ocpp_lab.connection import CONNECTION
from ocpp_lab.station.car import Car
from tests.pair import (
    actions,
    calls,
    central_system_alone,
    charge_point_alone,
    connections,
    cut,
    exchange,
    heal,
    on,
    pair,
    payloads,
    sent_transaction_messages,
    serving,
    simulated,
    simulated_now,
    states,
)
from tests.simulated import clock, fresh_path

BOOT, STATUS, HEARTBEAT = "BootNotification", "StatusNotification", "Heartbeat"
START, STOP, METER = "StartTransaction", "StopTransaction", "MeterValues"
OPTIONS: dict[str, Any] = {"now": simulated_now, "delays": lambda: itertools.repeat(10.0), "ping_interval": 30}
OLD, NEW = "00" * 16, "ff" * 20


@asynccontextmanager
async def online(
    policy: Policy | None = None, server: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[CentralSystem, ChargePoint]]:
    """Both, a second after the boot; meter values every 100 s."""
    server = {"now": simulated_now, "ping_interval": 30, **(server or {})}
    async with pair(policy, server, **(OPTIONS | options)) as (central_system, charge_point):
        charge_point.configuration["MeterValueSampleInterval"] = "100"
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        yield central_system, charge_point


async def begin(charge_point: ChargePoint) -> None:
    charge_point.charging.plug_in(1, Car(wanted=1e6, power=3_600))  # 1 Wh a second
    assert await charge_point.charging.present(1, "TAG_A") == "Accepted"


def session_of(charge_point: ChargePoint) -> Any:
    assert charge_point.session
    return charge_point.session


# One life -------------------------------------------------------------------------------------------------------------


@simulated
async def test_one_transaction_across_everything() -> None:
    """Close, cut, half-open connection, new key, refused handshakes: one start, every reading, one stop, one boot."""
    server = {"passwords": {"CP_1": OLD}}
    async with online(Policy(interval=50), server, password=OLD) as (central_system, charge_point):
        await begin(charge_point)
        await asyncio.sleep(150)
        await on("cs", central_system["CP_1"].close(1001))
        await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")
        pipe: Any = session_of(charge_point).transport.pipe
        pipe.abort()
        await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")
        cut()
        await charge_point.wait_for("waiting")
        heal()
        await charge_point.wait_for("online")
        central_system.passwords["CP_1"] = NEW
        change = m.ChangeConfigurationRequest(key="AuthorizationKey", value=NEW)
        assert (await central_system["CP_1"].call(change)).status == "Accepted"
        central_system.faults.refuse(status=503, times=2)
        central_system.faults.refuse(status=404, times=2)
        await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")
        await asyncio.sleep(1010 - clock())
        charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        readings = [f"Meter {100 * n}" for n in range(1, 11)]
        heard = sent_transaction_messages(central_system)
        # A reading that was on the wire when the line went dark may be heard twice: nobody can know, so it goes again.
        assert list(dict.fromkeys(heard)) == ["Start 0", *readings, "Stop 1009"] and len(heard) <= 13
        assert [len(central_system.ledger.readings(row["id"])) for row in central_system.ledger.rows()] == [10]
        assert [(row["meter_stop"], row["reason"]) for row in central_system.ledger.rows()] == [
            (1009, "EVDisconnected")
        ]
        assert actions(central_system).count(BOOT) == 1
        assert connections(central_system) == 5
        assert central_system.ledger.orphans() == []
        beats = [at for at, action in calls(central_system) if action == HEARTBEAT]
        assert all(later - earlier >= 50 for earlier, later in itertools.pairwise(beats)), "one heartbeat, not two"


@simulated
async def test_into_pending_and_rejected() -> None:
    """Core 4.2: a central system that forgot us and has doubts; the transaction waits, and nothing is lost."""
    policy = Policy(interval=40)
    async with online(policy) as (central_system, charge_point):
        await begin(charge_point)
        for registration in ("Pending", "Rejected"):
            policy.registration = registration
            central_system.registrations.clear()
            await charge_point.wait_for(registration.lower())
            before = len(sent_transaction_messages(central_system))
            await asyncio.sleep(250)
            assert len(sent_transaction_messages(central_system)) == before, "it is not accepted"
            policy.registration = "Accepted"
            await charge_point.wait_for("online")
        await asyncio.sleep(1)
        charge_point.charging.stop(1, "Local")
        stopped = int(clock() - 1)
        await asyncio.sleep(1)
        assert charge_point.outbox.drops == {} and len(charge_point.outbox) == 0
        [row] = central_system.ledger.rows()
        assert row["meter_stop"] == stopped
        assert len(central_system.ledger.readings(row["id"])) == stopped // 100


# The central system restarts ------------------------------------------------------------------------------------------


async def restarted(central_system: CentralSystem, seconds: float, **options: Any) -> CentralSystem:
    """Stop it, and start another one at the same place."""
    await on("cs", central_system.stop())
    await asyncio.sleep(seconds)
    return await serving(now=simulated_now, ping_interval=30, **options)


@simulated
@pytest.mark.parametrize("remembers", [True, False])
async def test_a_central_system_that_restarted(remembers: bool, tmp_path: Path) -> None:
    """J-spec 5.4, J-errata 3.8: with its memory it just goes on; without it SecurityError, one trigger, one boot."""
    first = await serving(now=simulated_now, ping_interval=30)
    async with charge_point_alone(**OPTIONS) as charge_point:
        charge_point.configuration["MeterValueSampleInterval"] = "100"
        charge_point.configuration["TransactionMessageAttempts"] = "1"
        await charge_point.wait_for("online")
        await begin(charge_point)
        await asyncio.sleep(50)
        memory = {"ledger": first.ledger} if remembers else {}
        second = await restarted(first, 300, **memory)
        await charge_point.wait_for("online")
        await asyncio.sleep(60)
        charge_point.charging.stop(1, "Local")
        await asyncio.sleep(30)
        assert (charge_point.outbox.drops, len(charge_point.outbox)) == ({}, 0)
        assert actions(second).count(BOOT) == (0 if remembers else 1)
        assert exchange(second).count("> TriggerMessage") == (0 if remembers else 1)
        assert exchange(second).count("> error") >= (0 if remembers else 1)
        if remembers:
            assert [row["reason"] for row in second.ledger.rows()] == ["Local"]
            assert len(second.ledger.readings(1)) == 4
        else:  # it never heard of the transaction, and keeps what it was told
            kept = [each["action"] for each in second.ledger.orphans()]
            assert kept == [METER] * 4 + [STOP]
        await on("cs", second.stop())


@simulated
async def test_registrations_survive_in_the_ledgers_file(tmp_path: Path) -> None:
    """A file is a memory: nobody is asked to boot."""
    path = fresh_path(tmp_path, "ledger")
    first = await serving(now=simulated_now, ledger=Ledger(path))
    async with charge_point_alone(**OPTIONS) as charge_point:
        await charge_point.wait_for("online")
        second = await restarted(first, 20, ledger=Ledger(path))
        await asyncio.sleep(30)
        await charge_point.call(m.HeartbeatRequest())
        assert BOOT not in actions(second)
        await on("cs", second.stop())


# SecurityError --------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("action", [HEARTBEAT, METER, STATUS])
async def test_forgotten_whatever_we_say_first(action: str) -> None:
    """J-errata 3.8: boot again on the same connection, once; it consumes no attempt, and nothing is sent twice."""
    async with online(Policy(interval=30)) as (central_system, charge_point):
        charge_point.configuration["TransactionMessageAttempts"] = "1"
        await begin(charge_point)
        await asyncio.sleep(5)
        central_system.faults.call_error(action, code="SecurityError", times=1)
        if action == STATUS:
            charge_point.connectors[1].become("SuspendedEV")
        await asyncio.sleep(200)
        assert actions(central_system).count(BOOT) == 2
        assert connections(central_system) == 1
        assert charge_point.outbox.drops == {}
        heard = sent_transaction_messages(central_system)
        assert heard == (
            ["Start 0", "Meter 100", "Meter 100", "Meter 200"]
            if action == METER
            else ["Start 0", "Meter 100", "Meter 200"]
        )


@simulated
async def test_forgotten_while_a_transaction_message_waits_in_the_lane() -> None:
    """What waits behind the call that is refused is not sent before the boot, and then once."""
    async with online(Policy(interval=1000)) as (central_system, charge_point):
        await begin(charge_point)
        await asyncio.sleep(10)
        central_system.faults.delay("DataTransfer", seconds=5, times=1)
        central_system.faults.call_error("DataTransfer", code="SecurityError", times=1)
        central_system.faults.delay(STOP, seconds=5, times=1)
        session = [charge_point.call(m.DataTransferRequest(vendor_id=each)) for each in "ab"]
        asking = asyncio.gather(*session, return_exceptions=True)
        await asyncio.sleep(1)
        charge_point.charging.stop(1, "Local")  # waits in the lane behind the second, which gets the SecurityError
        await asking
        await charge_point.wait_for("booting")
        await charge_point.wait_for("online")
        await asyncio.sleep(10)
        assert actions(central_system).count(STOP) == 1
        assert actions(central_system).count(BOOT) == 2
        assert central_system.ledger.rows()[0]["reason"] == "Local"


@simulated
async def test_forgotten_does_not_wait_for_a_retry() -> None:
    """A message that waits an hour for its next attempt must not keep the boot waiting."""
    async with online(Policy(interval=100)) as (central_system, charge_point):
        charge_point.configuration["TransactionMessageRetryInterval"] = "3600"
        central_system.faults.call_error(START, times=1)
        await begin(charge_point)
        await asyncio.sleep(10)
        central_system.registrations.clear()
        await asyncio.sleep(150)
        assert charge_point.state == "online" and actions(central_system).count(BOOT) == 2
        await asyncio.sleep(3600)
        assert sent_transaction_messages(central_system)[:3] == ["Start 0", "Start 0", "Meter 100"]


# Silence --------------------------------------------------------------------------------------------------------------


@simulated
async def test_a_hanging_central_system_empties_no_outbox() -> None:
    """It accepts connections and answers nothing but pings: the line is given up again and again, no attempt is."""
    async with online(Policy(interval=10_000), timeout=20) as (central_system, charge_point):
        charge_point.configuration["TransactionMessageAttempts"] = "2"
        await begin(charge_point)
        await asyncio.sleep(5)
        central_system.faults.ignore()
        await asyncio.sleep(1000)
        assert connections(central_system) > 10
        assert charge_point.outbox.drops == {}
        assert {entry.failures for entry in charge_point.outbox.entries()} == {0}
        central_system.faults.clear()
        await asyncio.sleep(185)  # one that was swallowed just now may be tried again, a minute later
        charge_point.charging.stop(1, "Local")
        await asyncio.sleep(1)
        [row] = central_system.ledger.rows()
        assert (row["reason"], charge_point.outbox.drops, len(charge_point.outbox)) == ("Local", {}, 0)
        assert len(central_system.ledger.readings(row["id"])) == 11


@simulated
async def test_a_message_that_is_always_swallowed() -> None:
    """Core 3.7.1, 4.8: the central system lives, so the attempts count; after the last one the next message goes."""
    async with online(timeout=20) as (central_system, charge_point):
        central_system.faults.ignore(START)
        await begin(charge_point)
        await asyncio.sleep(50)
        charge_point.charging.unplug(1)
        await begin(charge_point)
        await asyncio.sleep(1000)
        assert connections(central_system) == 1
        assert charge_point.outbox.drops == {"attempts": 2}
        starts = [round(at - 1, 3) for at, action in calls(central_system) if action == START]
        assert starts[:4] == [0, 20 + 60, 80 + 20 + 120, 220 + 20]
        assert payloads(central_system, STOP)[0]["transactionId"] == -1


@simulated
async def test_a_call_in_flight_ends_with_the_line() -> None:
    """At once: it is not waited out, and says that nobody knows whether the peer acted."""
    async with online(timeout=1000) as (central_system, charge_point):
        central_system.faults.ignore("DataTransfer")
        asking = asyncio.create_task(charge_point.call(m.DataTransferRequest(vendor_id="x")))
        await asyncio.sleep(1)
        waiting = asyncio.create_task(charge_point.call(m.HeartbeatRequest()))
        await asyncio.sleep(5)
        began = clock()
        pipe: Any = central_system["CP_1"].transport.pipe
        pipe.abort()
        with pytest.raises(ConnectionLost) as lost:
            await asking
        assert lost.value.call_error.code == "ConnectionClosed"
        with pytest.raises(NotConnected):  # it had not been sent
            await waiting
        assert clock() == began


# Offline --------------------------------------------------------------------------------------------------------------


@simulated
async def test_offline_is_said_at_once() -> None:
    """Waiting or dialling: nothing left this machine, and the driver stands there; transaction messages are taken."""
    async with charge_point_alone(**OPTIONS) as charge_point:
        for state in ("waiting", "connecting"):
            await charge_point.wait_for(state)
            began = clock()
            with pytest.raises(NotConnected):
                await charge_point.call(m.AuthorizeRequest(id_tag="TAG_A"))
            with pytest.raises(ValueError, match="expected one of MeterValues, StartTransaction, StopTransaction"):
                charge_point.submit(m.HeartbeatRequest())
            start = m.StartTransactionRequest(connector_id=1, id_tag="A", meter_start=0, timestamp=simulated_now())
            charge_point.submit(start, "T")
            assert clock() == began
        assert len(charge_point.outbox) == 2


@simulated
async def test_the_waits_start_afresh_only_after_a_proof() -> None:
    """An answered call is one, an open line that was resumed is none: or a central system that drops us is hammered."""
    drawn: list[int] = []

    def delays() -> Any:
        for wait in itertools.count(1):
            drawn.append(wait)
            yield float(wait)

    async with online(Policy(interval=1000), delays=delays) as (central_system, charge_point):
        for _ in range(3):
            await on("cs", central_system["CP_1"].close(1001))
            await charge_point.wait_for("waiting")
            await charge_point.wait_for("online")
        assert drawn == [1, 2, 3]
        await asyncio.sleep(1)
        await charge_point.call(m.HeartbeatRequest())
        await on("cs", central_system["CP_1"].close(1001))
        await charge_point.wait_for("waiting")
        assert drawn == [1, 2, 3, 1]


# The end --------------------------------------------------------------------------------------------------------------

WAYS: dict[str, Policy] = {
    "pending": Policy("Pending", 50),
    "rejected": Policy("Rejected", 50),
    "online": Policy(),
}
ELSEWHERE = {"stopped", "closing", "failed", "forgotten"}  # in test_charge_point_ends


@simulated
@pytest.mark.parametrize("state", sorted(set(CONNECTION) - ELSEWHERE))
@pytest.mark.parametrize("dead", [False, True], ids=["alive", "half-open"])
async def test_stop_in_every_state(state: str, dead: bool) -> None:
    """At once while nobody is connected; with a line it says goodbye, and waits a few seconds for a dead one."""
    async with central_system_alone(policy=WAYS.get(state), now=simulated_now) as central_system:
        if state == "booting":
            central_system.faults.ignore(BOOT)
        loop: Any = asyncio.get_running_loop()
        loop.net.host("cp")
        if state in ("waiting", "connecting"):
            cut()
        if state == "disconnected":
            charge_point = ChargePoint("ws://cs:9000", "CP_1")
        else:
            made = on("cp", _started())
            charge_point = await made
            await charge_point.wait_for(state)
        if state == "online":
            await asyncio.sleep(1)
            await begin(charge_point)
        if dead:
            cut()
        began = clock()
        await on("cp", charge_point.stop())
        await on("cp", charge_point.stop())  # twice is fine
        assert charge_point.state == "stopped"
        assert clock() - began <= (15 if dead and state in ("booting", "pending", "rejected", "online") else 0.001)
        heal()
        await asyncio.sleep(30)


async def _started() -> ChargePoint:
    return await ChargePoint("ws://cs:9000", "CP_1", **OPTIONS).start()


@simulated
async def test_stopped_is_final() -> None:
    """Nothing goes on: no meter, no heartbeat, no dial; what waits in the file waits for the next life."""
    async with online() as (central_system, charge_point):
        await begin(charge_point)
        await asyncio.sleep(50)
        await on("cp", charge_point.stop())
        before = len(calls(central_system))
        await asyncio.sleep(1000)
        assert len(calls(central_system)) == before
        with pytest.raises(NotConnected):
            await charge_point.call(m.HeartbeatRequest())
        assert states(charge_point)[-1] == "stopped"


@simulated
async def test_a_timeout_of_another_call_costs_no_line() -> None:
    """Only a transaction message asks whether the peer lives; a heartbeat that is swallowed is no reason to redial."""
    async with online(Policy(interval=50), timeout=5) as (central_system, charge_point):
        central_system.faults.ignore("DataTransfer")
        central_system.faults.ignore(HEARTBEAT, times=2)
        with pytest.raises(CallTimeout):
            await charge_point.call(m.DataTransferRequest(vendor_id="x"))
        await asyncio.sleep(200)
        assert connections(central_system) == 1


@simulated
async def test_a_charge_point_knows_when_it_dials_again() -> None:
    """In loop time, while it waits; not before, and not while it is connected."""
    async with charge_point_alone(delays=lambda: itertools.repeat(8.0)) as charge_point:
        await charge_point.wait_for("waiting")
        now = asyncio.get_running_loop().time()
        assert charge_point.life.dials_at == pytest.approx(now + 8, abs=0.1)
        async with central_system_alone():
            await charge_point.wait_for("online")
            assert charge_point.life.dials_at is None
