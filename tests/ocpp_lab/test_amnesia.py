"""SecurityError while online, again and again: boots back off like dials, and nothing is lost (DESIGN.md, decision 6).

Seen: 1,111 boots in 3 s, at a central system that accepts every boot and answers SecurityError to every transaction
message. J-errata 3.8 recommends that code before a boot is accepted; to boot again on it is our choice.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest

from ocpp_lab import CallError, CallFailed, CentralSystem, ChargePoint, Event, NotAccepted, Policy, Trace
from ocpp_lab import messages as m
from ocpp_lab.backoff import backoff
from ocpp_lab.charge_point.amnesia import Amnesia
from ocpp_lab.station.car import Car
from tests.pair import (
    actions,
    calls,
    central_system_alone,
    charge_point_alone,
    connections,
    on,
    pair,
    sent_transaction_messages,
    simulated,
    states,
)
from tests.simulated import clock

BOOT, STATUS, HEARTBEAT, START = "BootNotification", "StatusNotification", "Heartbeat", "StartTransaction"
TRANSACTION = ("StartTransaction", "StopTransaction", "MeterValues")


def doubling() -> Iterator[float]:
    """10, 20, 40, 80, 80, …: what `backoff` draws, without its chance."""
    return itertools.chain([10.0, 20.0, 40.0], itertools.repeat(80.0))


@asynccontextmanager
async def online(**options: Any) -> AsyncIterator[tuple[CentralSystem, ChargePoint]]:
    """Both, at 1 s; a heartbeat every 1000 s, a reading every 100 s, and one failure would be enough."""
    async with pair(Policy(interval=1000), **({"delays": doubling} | options)) as (central_system, charge_point):
        charge_point.configuration["MeterValueSampleInterval"] = "100"
        charge_point.configuration["TransactionMessageAttempts"] = "1"
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        yield central_system, charge_point


def refuse(central_system: CentralSystem, *refused: str, **options: Any) -> None:
    for action in refused:
        central_system.faults.call_error(action, code="SecurityError", **options)


def begin(charge_point: ChargePoint) -> None:
    charge_point.charging.plug_in(1, Car(wanted=1e6, power=3_600))  # 1 Wh a second
    charge_point.charging.start(1, "TAG_A")


def boots(central_system: CentralSystem) -> list[float]:
    """When they came, to the tenth of a second."""
    return [round(at, 1) for at, action in calls(central_system) if action == BOOT]


# The waits ------------------------------------------------------------------------------------------------------------


@simulated
async def test_the_first_waits_for_nothing() -> None:
    """Those that follow draw one wait after the other; each is counted from its own SecurityError."""
    amnesia = Amnesia(doubling)
    waits = []
    for _ in range(6):
        waits.append(amnesia.begin())
        await asyncio.sleep(waits[-1] + 5)
        amnesia.end()
    assert waits == [0, 10, 20, 40, 80, 80]


@simulated
@pytest.mark.parametrize(("quiet", "waits"), [(3599.0, [0, 10, 20]), (3600.0, [0, 10, 0, 10])])
async def test_a_quiet_hour_starts_them_afresh(quiet: float, waits: list[float]) -> None:
    """Counted from the boot, not from the SecurityError before it: the wait itself is not quiet."""
    amnesia = Amnesia(doubling)
    drawn = [amnesia.begin(), amnesia.begin()]
    await asyncio.sleep(10)
    amnesia.end()
    await asyncio.sleep(quiet)
    drawn.append(amnesia.begin())
    assert drawn + ([amnesia.begin()] if drawn[-1] == 0 else []) == waits


@simulated
async def test_what_is_left_of_a_wait() -> None:
    amnesia = Amnesia(doubling)
    assert amnesia.left == 0
    amnesia.begin()
    assert amnesia.left == 0
    amnesia.begin()
    await asyncio.sleep(4)
    assert amnesia.left == 6
    amnesia.end()
    assert amnesia.left == 0
    await asyncio.sleep(3000)
    amnesia.end()  # a boot for another reason does not disturb the quiet hour
    await asyncio.sleep(600)
    assert amnesia.begin() == 0


# In the stack ---------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("action", [HEARTBEAT, START, STATUS])
async def test_one_alone_boots_at_once(action: str) -> None:
    """And what was refused is said again where it was promised."""
    async with online() as (central_system, charge_point):
        refuse(central_system, action, times=1)
        if action == HEARTBEAT:
            await asyncio.sleep(999)
        else:
            begin(charge_point)
        at = clock()
        await asyncio.sleep(50)
        assert boots(central_system) == [0, pytest.approx(at, abs=0.2)]
        assert states(charge_point)[-3:] == ["forgotten", "booting", "online"]
        assert connections(central_system) == 1 and not len(charge_point.outbox)


@simulated
async def test_every_transaction_message_is_refused() -> None:
    """The scene that was seen, for an hour: bounded boots, nothing consumed, nothing lost, delivered once it recovers.

    The statuses after each boot are answered well all the time, which proves nothing.
    """
    async with online() as (central_system, charge_point):
        refuse(central_system, *TRANSACTION)
        begin(charge_point)
        await asyncio.sleep(3605)
        came = boots(central_system)
        assert came[:7] == [0, 1, 11, 31, 71, 151, 231]
        assert len(came) == 5 + (3606 - 71) // 80
        assert charge_point.outbox.drops == {}
        assert {entry.failures for entry in charge_point.outbox.entries()} == {0}
        assert len(charge_point.outbox) == 1 + 36
        central_system.faults.clear()
        await asyncio.sleep(81)
        assert charge_point.state == "online" and not len(charge_point.outbox)
        refused = sent_transaction_messages(central_system).count("Start 0")
        assert sent_transaction_messages(central_system)[refused:] == [f"Meter {100 * n}" for n in range(1, 37)]
        [row] = central_system.ledger.rows()
        assert len(central_system.ledger.readings(row["id"])) == 36
        assert connections(central_system) == 1


@simulated
async def test_with_the_waits_of_the_package() -> None:
    """3 to 13 s at first, at least 24 s in the end."""
    async with online(delays=lambda: backoff(Random(1))) as (central_system, charge_point):
        refuse(central_system, *TRANSACTION)
        begin(charge_point)
        await asyncio.sleep(3600)
        assert 3600 / 174 < len(boots(central_system)) < 6 + 3600 / 24


@simulated
async def test_every_heartbeat_is_refused() -> None:
    """Nobody asks for more boots than there are heartbeats, and they wait as well."""
    async with online() as (central_system, charge_point):
        charge_point.configuration["HeartbeatInterval"] = "1"
        central_system.policy.interval = 1
        charge_point.gate.set_heartbeat_interval(1)
        refuse(central_system, HEARTBEAT)
        await asyncio.sleep(1000)
        assert len(boots(central_system)) < 20


# While it waits -------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def forgotten(**options: Any) -> AsyncIterator[tuple[CentralSystem, ChargePoint]]:
    """A minute before the boot is due: refused five times, the last wait is 80 s long."""
    async with online(**options) as (central_system, charge_point):
        refuse(central_system, *TRANSACTION)
        begin(charge_point)
        await asyncio.sleep(91 - 1)
        assert charge_point.state == "forgotten"
        yield central_system, charge_point


@simulated
async def test_the_state_says_so() -> None:
    """Nothing goes out; what is told later waits, other calls are refused, a driver is decided on as if offline."""
    async with forgotten() as (central_system, charge_point):
        before = len(calls(central_system))
        assert charge_point.registration is None
        charge_point.configuration["AllowOfflineTxForUnknownId"] = "true"
        with pytest.raises(NotAccepted):
            await charge_point.call(m.HeartbeatRequest())
        assert await charge_point.charging.authorize("TAG_B") == "Accepted"
        charge_point.charging.stop(1, "Local")
        charge_point.connectors[0].become("Faulted")
        await asyncio.sleep(55)
        assert len(calls(central_system)) == before and charge_point.state == "forgotten"
        assert charge_point.uptime.losses == 0


@simulated
async def test_it_still_obeys() -> None:
    """As before any boot is accepted: all but remote start and stop (core 4.2)."""
    async with forgotten() as (central_system, _):
        session = central_system["CP_1"]
        assert (await session.call(m.GetConfigurationRequest(key=["HeartbeatInterval"]))).configuration_key
        request = m.RemoteStartTransactionRequest(id_tag="TAG_B")
        assert (await session.call(request)).status == "Rejected"


@simulated
async def test_a_trigger_ends_the_wait() -> None:
    """The central system asks for the boot, so it is no flood (core 4.2, 5.17)."""
    async with forgotten() as (central_system, charge_point):
        central_system.faults.clear()
        answer = await central_system["CP_1"].call(m.TriggerMessageRequest(requested_message="BootNotification"))
        assert answer.status == "Accepted"
        await asyncio.sleep(1)
        assert boots(central_system)[-1] == 91 and charge_point.state == "online"
        assert not len(charge_point.outbox)


@simulated
async def test_a_triggered_boot_ends_it_for_good() -> None:
    """It was answered Pending, and the connection is lost: what holds now is another wait, and not the one before."""
    async with forgotten() as (central_system, charge_point):
        central_system.policy.registration = "Pending"
        await central_system["CP_1"].call(m.TriggerMessageRequest(requested_message="BootNotification"))
        await charge_point.wait_for("pending")
        await on("cs", central_system["CP_1"].close(1001))
        await charge_point.wait_for("connecting")
        await asyncio.sleep(1)
        assert "forgotten" not in states(charge_point)[-4:] and charge_point.state in ("booting", "pending")


@simulated
@pytest.mark.parametrize("behind", [0.0, 0.001, 1.0])
async def test_a_trigger_right_behind_the_error(behind: float) -> None:
    """Accepted means that the boot goes out now. It is Rejected if it is read before whoever called has heard of the
    error: we are still online then; and so the wait goes on."""

    def answered(event: Event) -> None:
        if event.mark == ">" and isinstance(event.frame, CallError):
            asked.append(asyncio.create_task(ask()))

    async def ask() -> str:
        await asyncio.sleep(behind)
        request = m.TriggerMessageRequest(requested_message="BootNotification")
        return (await central_system["CP_1"].call(request)).status

    asked: list[asyncio.Task[str]] = []
    async with online(server={"trace": Trace(listener=answered)}) as (central_system, charge_point):
        refuse(central_system, "DataTransfer")
        for _ in range(2):
            with pytest.raises(CallFailed, match="SecurityError"):
                await charge_point.call(m.DataTransferRequest(vendor_id="x"))
            await asyncio.sleep(100)
        at_once = await asked[1] == "Accepted"
        assert at_once or behind == 0.0
        assert boots(central_system) == [0, 1, pytest.approx(101 + behind if at_once else 111, abs=0.2)]


@simulated
async def test_a_lost_connection_shortens_no_wait() -> None:
    """Or a central system that refuses and hangs up would see a boot after every dial."""
    async with forgotten() as (central_system, charge_point):
        await on("cs", central_system["CP_1"].close(1001))
        await charge_point.wait_for("waiting")
        await charge_point.wait_for("forgotten")
        assert charge_point.registration is None
        await asyncio.sleep(151.5 - clock())
        assert boots(central_system)[-2:] == [71, 151]
        assert connections(central_system) == 2


@simulated
async def test_refused_and_hung_up_on() -> None:
    """For an hour, however often it is dialled."""
    async with online() as (central_system, charge_point):
        refuse(central_system, *TRANSACTION)
        begin(charge_point)
        hanging_up = asyncio.create_task(_hang_up(central_system))
        await asyncio.sleep(3605)
        hanging_up.cancel()
        assert connections(central_system) > 100
        assert 30 < len(boots(central_system)) < 50
        assert charge_point.outbox.drops == {} and len(charge_point.outbox) == 37


async def _hang_up(central_system: CentralSystem) -> None:
    while True:
        await asyncio.sleep(15)
        if session := central_system.sessions.get("CP_1"):
            await on("cs", session.close(1001))


@simulated
async def test_a_reset_shortens_it() -> None:
    """Core 4.2: whoever restarted boots; that is not because of the SecurityError."""
    async with forgotten() as (central_system, charge_point):
        central_system.faults.clear()
        assert (await central_system["CP_1"].call(m.ResetRequest(type="Soft"))).status == "Accepted"
        await charge_point.wait_for("online")
        assert boots(central_system)[-1] == pytest.approx(101, abs=0.5)  # the first wait of a dial
        assert states(charge_point)[-6:] == ["forgotten", "closing", "waiting", "connecting", "booting", "online"]


@simulated
async def test_a_boot_that_is_refused_too() -> None:
    """SecurityError to the boot itself: again after ``retry_interval``, as after any other error."""
    async with online(retry_interval=45) as (central_system, charge_point):
        refuse(central_system, HEARTBEAT, BOOT)
        with pytest.raises(CallFailed, match="SecurityError"):
            await charge_point.call(m.HeartbeatRequest())
        await asyncio.sleep(100)
        assert boots(central_system) == [0, 1, 46, 91] and charge_point.state == "booting"


@simulated
async def test_another_central_system_knows_it() -> None:
    """The one that forgot is replaced: with the next boot all is delivered, within the wait that was begun."""
    first = await on("cs", CentralSystem(host="cs", port=9000).start())
    async with charge_point_alone(delays=doubling) as charge_point:
        await charge_point.wait_for("online")
        refuse(first, *TRANSACTION)
        begin(charge_point)
        await asyncio.sleep(90)
        await on("cs", first.stop())
        async with central_system_alone() as second:
            await asyncio.sleep(151 - clock() + 1)
            assert charge_point.state == "online" and not len(charge_point.outbox)
            assert len(second.ledger.rows()) == 1 and actions(second).count(BOOT) == 1
