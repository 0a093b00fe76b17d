"""TriggerMessage (core 5.17) where it is asked for too often, too early, or with a connector that does not matter."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ocpp_lab import Call, CallResult, CentralSystem, ChargePoint, Policy, encode
from ocpp_lab import messages as m
from ocpp_lab.charge_point.errands import Errands
from tests.house import scaled
from tests.own_side import METER, begin, online
from tests.pair import actions, calls, cut, exchange, on, pair, payloads, simulated
from tests.simulated import clock

BOOT, STATUS, BEAT = "BootNotification", "StatusNotification", "Heartbeat"


async def trigger(central_system: CentralSystem, message: Any, connector: int | None = None) -> str:
    request = m.TriggerMessageRequest(requested_message=message, connector_id=connector)
    return (await central_system["CP_1"].call(request)).status


def flood(central_system: CentralSystem, times: int, message: str) -> Any:
    """So many calls, and no waiting for any answer: what no central system of ours does."""
    transport = central_system["CP_1"].transport

    async def send() -> None:
        for number in range(times):
            await transport.send(encode(Call(f"{message} {number}", "TriggerMessage", {"requestedMessage": message})))

    return send()


# A connector that does not matter -------------------------------------------------------------------------------------


@simulated(seed=1)
@pytest.mark.parametrize(
    ("message", "connector", "status", "sent"),
    [
        (BEAT, 99, "Accepted", [BEAT]),
        (STATUS, 1, "Accepted", [STATUS]),
        (STATUS, 99, "Rejected", []),
        (METER, 99, "Rejected", []),
        ("FirmwareStatusNotification", 99, "Accepted", ["FirmwareStatusNotification"]),
    ],
)
async def test_a_connector_that_does_not_matter(message: Any, connector: int, status: str, sent: list[str]) -> None:
    """Core 5.17: the message is leading, and a connectorId that is not relevant to it is ignored."""
    async with online({"MeterValueSampleInterval": "0"}) as (central_system, charge_point):
        await begin(charge_point)
        before = len(actions(central_system))
        assert await trigger(central_system, message, connector) == status
        await asyncio.sleep(1)
        assert actions(central_system)[before:] == sent


@simulated
async def test_a_boot_is_triggered_with_any_connector() -> None:
    """As long as it is not accepted."""
    async with pair(Policy("Pending", 300)) as (central_system, charge_point):
        await charge_point.wait_for("pending")
        assert await trigger(central_system, BOOT, 99) == "Accepted"
        await asyncio.sleep(1)
        assert actions(central_system) == [BOOT, BOOT]


# Right behind the answer ----------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("before", [True, False])
async def test_a_boot_is_triggered_in_the_instant_of_the_answer(before: bool) -> None:
    """Seen before: lost, 3 of 3, for the charge point had not begun to wait. In one text after the other, or before."""
    policy = Policy("Pending", 300)
    async with pair(policy) as (central_system, _):
        register = policy.register

        def answer_and_trigger(identity: str) -> Any:
            if len(actions(central_system)) == 1:
                call = Call("t", "TriggerMessage", {"requestedMessage": BOOT})
                sending = central_system["CP_1"].transport.send(encode(call))
                task = asyncio.ensure_future(sending if before else after_the_answer(sending))
                task.add_done_callback(lambda done: done.result())
            return register(identity)

        async def after_the_answer(sending: Any) -> None:
            while exchange(central_system)[-1:] != ["> result"]:  # noqa: ASYNC110
                await asyncio.sleep(0)
            await sending

        policy.register = answer_and_trigger  # type: ignore[method-assign]
        await asyncio.sleep(10)
        assert actions(central_system) == [BOOT, BOOT]
        assert '"Accepted"' in next(event.text for event in central_system.received if '"t"' in event.text)


# Too often ------------------------------------------------------------------------------------------------------------


@simulated
async def test_what_waits_to_be_sent_is_sent_once() -> None:
    """Core 5.17: one message tells the current state to all who asked before it was sent; all of them are Accepted."""
    async with online({"MeterValueSampleInterval": "0"}, connectors=2) as (central_system, charge_point):
        await begin(charge_point)
        central_system.faults.delay("DataTransfer", seconds=10, times=1)
        holding = asyncio.create_task(charge_point.call(m.DataTransferRequest(vendor_id="x")))
        await asyncio.sleep(1)
        before = len(actions(central_system))
        for _ in range(50):
            for message, connector in ((BEAT, None), (STATUS, None), (STATUS, 1), (METER, None), (METER, 1)):
                assert await trigger(central_system, message, connector) == "Accepted"
        await holding
        await asyncio.sleep(1)
        sent = actions(central_system)[before:]
        assert sent.count(BEAT) in (1, 2) and sent.count(METER) == 2  # 2: the first may have been begun already
        assert 3 <= sent.count(STATUS) <= 4 and len(sent) <= 8


@simulated
async def test_what_was_sent_can_be_triggered_again() -> None:
    """It would be stale: a reading that was delivered, a heartbeat that was answered."""
    async with online({"MeterValueSampleInterval": "0"}) as (central_system, charge_point):
        await begin(charge_point)
        for _ in range(3):
            for message in (BEAT, STATUS, METER):
                assert await trigger(central_system, message) == "Accepted"
            await asyncio.sleep(10)
        sent = actions(central_system)
        assert sent.count(BEAT) == 3 and sent.count(METER) == 3
        meters = [each["meterValue"][0]["sampledValue"][0]["value"] for each in payloads(central_system, METER)]
        assert meters == ["0", "10", "20"]


@simulated
async def test_an_errand_dies_with_its_connection() -> None:
    """And does not keep the next one from what it is asked for."""
    async with online(timeout=20) as (central_system, charge_point):
        central_system.faults.ignore(BEAT)
        for _ in range(3):
            assert await trigger(central_system, BEAT) == "Accepted"
        await asyncio.sleep(1)
        await on("cs", central_system["CP_1"].close(1001))
        await charge_point.wait_for("waiting")
        central_system.faults.clear()
        await charge_point.wait_for("online")
        before = len(calls(central_system))
        await asyncio.sleep(1)
        assert await trigger(central_system, BEAT) == "Accepted"
        await asyncio.sleep(1)
        assert [action for _, action in calls(central_system)[before:]] == [BEAT]


@simulated(seed=1)
@pytest.mark.parametrize("message", [BEAT, STATUS, METER])
async def test_a_flood_is_bounded(message: str) -> None:
    """Seen before: 76,800 of them made 199 MB of tasks. Tasks and messages are as many as there are kinds."""
    async with online({"MeterValueSampleInterval": "0"}, connectors=2, timeout=1000) as (central_system, charge_point):
        await begin(charge_point)
        central_system.faults.ignore()
        tasks, queued = len(asyncio.all_tasks()), len(charge_point.outbox)
        await on("cs", flood(central_system, 2000, message))
        await asyncio.sleep(10)
        assert len(asyncio.all_tasks()) - tasks <= 5 and len(charge_point.outbox) - queued <= 1
        answered = [event for event in central_system.received if isinstance(event.frame, CallResult)]
        assert len(answered) == 2000 and all('"Accepted"' in event.text for event in answered)
        cut()
        began = clock()
        await on("cp", charge_point.stop())
        assert clock() - began <= 10  # a close frame that nobody answers


@pytest.mark.time_limit(120)
async def test_stopping_after_a_flood() -> None:
    """On real sockets, by the real clock: seen before, 44 s."""
    async with CentralSystem() as central_system, listening(central_system) as charge_point:
        central_system.faults.ignore(BEAT)
        times = scaled(10_000, 76_800)
        await flood(central_system, times, BEAT)
        assert charge_point.session
        while charge_point.session.counts["answered"] < times:  # noqa: ASYNC110 (there is no event for it)
            await asyncio.sleep(0.01)
        began = asyncio.get_running_loop().time()
        await charge_point.stop()
        assert asyncio.get_running_loop().time() - began < 2


@asynccontextmanager
async def listening(central_system: CentralSystem) -> AsyncIterator[ChargePoint]:
    charge_point = await ChargePoint(central_system.url, "CP_1").start()
    await charge_point.wait_for("online")
    try:
        yield charge_point
    finally:
        await charge_point.stop()


@simulated
async def test_errands_one_after_the_other() -> None:
    """Each kind once, in the order in which they were first asked for; one that is under way can be asked for again."""
    done: list[str] = []

    async def do(work: Any, what: str) -> None:
        await work

    async def work(what: str) -> None:
        await asyncio.sleep(1)
        done.append(what)
        if len(done) == 1:
            errands.add("a", lambda: work("a"))

    errands = Errands(lambda run: asyncio.create_task(run), do)
    for what in "abab":
        errands.add(what, lambda what=what: work(what))  # type: ignore[misc]
    assert len(errands) == 2
    await asyncio.sleep(10)
    assert done == ["a", "b", "a"] and len(errands) == 0
    errands.add("c", lambda: work("c"))
    await asyncio.sleep(2)
    assert done[-1] == "c"
