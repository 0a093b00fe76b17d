"""When our own side fails below the connection: told, counted, *failed*, dialled again; and nothing is lost or doubled.

On simulated time. A disk that fails is `tests.own_side.broken`: no statement works, not even one that reads.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import Any

import pytest

from ocpp_lab import Heartbeat, NotConnected
from ocpp_lab import messages as m
from ocpp_lab.errors import StoreFailed
from tests.own_side import METER, START, STOP, Bug, begin, broken, fail, invoices, online, refusing, told
from tests.pair import actions, calls, cut, pair, payloads, simulated, simulated_now, states
from tests.simulated import clock, quiet

# Delivery -------------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("nth", range(1, 6))
async def test_a_full_disk_while_a_start_is_in_flight(nth: int, caplog: pytest.LogCaptureFixture) -> None:
    """1.5 s, wherever in the answer's work it begins. It was answered: it is not sent again, and its id is used."""
    caplog.set_level(logging.ERROR, logger="ocpp_lab")
    async with online() as (central_system, charge_point):
        central_system.faults.delay(START, seconds=1, times=1)
        await begin(charge_point)
        with broken(charge_point, nth) as disk:
            await asyncio.sleep(1.5)
            assert disk.failed
        assert charge_point.life.failures >= 1 and "failed" in states(charge_point)
        assert "StoreFailed" in caplog.text and "Traceback" in caplog.text
        await asyncio.sleep(10)
        assert charge_point.state == "online"
        charge_point.charging.unplug(1)
        await asyncio.sleep(10)
        [row] = central_system.ledger.rows()
        assert [each["transactionId"] for each in payloads(central_system, STOP)] == [row["id"]]
        assert (actions(central_system).count(START), actions(central_system).count(STOP)) == (1, 1)
        assert (len(charge_point.outbox), charge_point.outbox.drops, central_system.ledger.orphans()) == (0, {}, [])


@simulated
async def test_the_connection_fails_for_as_long_as_the_disk_does() -> None:
    """Back-off as after any loss, each time in the state *failed*; the start is not sent again."""
    async with online(delays=lambda: iter([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])) as (central_system, charge_point):
        central_system.faults.delay(START, seconds=1, times=1)
        await begin(charge_point)
        with broken(charge_point):
            await asyncio.sleep(0.6)  # the answer is here
            began = clock()
            failed = []
            for _ in range(4):
                assert await charge_point.wait_for("failed") == "failed"
                failed.append(round(clock() - began))
                await charge_point.wait_for("connecting")
            assert failed == [0, 1, 3, 7]
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        assert len(charge_point.outbox) == 0 and actions(central_system).count(START) == 1


@simulated
async def test_a_failure_that_cannot_be_counted() -> None:
    """The central system refuses, and our file refuses to count it: the next attempt waits as long, and is no extra."""
    async with online({"TransactionMessageRetryInterval": "60"}) as (central_system, charge_point):
        central_system.faults.call_error(START, times=1)
        began = clock()
        with refusing(charge_point, "failures + 1") as refused:
            await begin(charge_point)
            await asyncio.sleep(3)
        assert refused and charge_point.life.failures
        await asyncio.sleep(100)
        sent = [round(at - began) for at, action in calls(central_system) if action == START]
        assert len(sent) == 2 and sent[1] - sent[0] >= 60
        assert len(charge_point.outbox) == 0 and len(central_system.ledger.rows()) == 1


@simulated
async def test_a_start_that_is_given_up_on_a_full_disk() -> None:
    """What is behind it goes on with -1 as soon as the file works; the drop is counted once."""
    async with online({"TransactionMessageAttempts": "1"}) as (central_system, charge_point):
        central_system.faults.call_error(START)
        with refusing(charge_point, "INTO transaction_ids") as refused:
            await begin(charge_point)
            await asyncio.sleep(2)
        assert refused
        await asyncio.sleep(70)  # what cannot be written waits like any failure
        charge_point.charging.unplug(1)
        await asyncio.sleep(10)
        assert charge_point.outbox.drops == {"attempts": 1} and len(charge_point.outbox) == 0
        assert [each["transactionId"] for each in payloads(central_system, STOP)] == [-1]


# The state never lies -------------------------------------------------------------------------------------------------


class FailsLater(Heartbeat):
    async def run(self) -> None:
        await asyncio.sleep(5)
        raise StoreFailed("of ours")


class FailsAfterAnAnswer(Heartbeat):
    async def run(self) -> None:
        await asyncio.sleep(1)
        await self.beat()
        fail()


@simulated
async def test_failed_before_the_goodbye() -> None:
    """The peer is gone and the close frame takes its five seconds: nobody is home, and the state says so at once."""
    async with pair(heartbeat=FailsLater, ping_interval=None) as (_, charge_point):
        await charge_point.wait_for("online")
        await asyncio.sleep(4)
        cut()
        await asyncio.sleep(1.5)
        assert charge_point.state == "failed" and charge_point.life.failures == 1
        with pytest.raises(NotConnected, match="is failed"):
            await charge_point.call(m.HeartbeatRequest())


@simulated
async def test_not_online_while_the_lane_is_busy() -> None:
    """The outbox can send nothing any more, and another call still waits for its answer: this connection is over."""
    async with online() as (central_system, charge_point):
        central_system.faults.ignore("DataTransfer")
        asking = asyncio.create_task(charge_point.call(m.DataTransferRequest(vendor_id="x")))
        await asyncio.sleep(1)
        charge_point.charging.plug_in(1)
        with refusing(charge_point, "FROM outbox ORDER BY key LIMIT 1"):  # the oldest message cannot be read
            charge_point.charging.start(1, "TAG_A")
            await asyncio.sleep(1)
            assert charge_point.state in ("closing", "failed", "waiting")
        await asyncio.gather(asking, return_exceptions=True)
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        assert actions(central_system).count(START) == 1


@simulated
async def test_a_bug_behind_a_good_answer_backs_off_too() -> None:
    """A connection that ended by a bug of ours proves nothing, however many calls were answered on it."""
    delays = lambda: (2.0**n for n in itertools.count())  # noqa: E731
    async with pair(heartbeat=FailsAfterAnAnswer, delays=delays) as (_, charge_point):
        await charge_point.wait_for("failed")
        await asyncio.sleep(100)
        assert 4 <= charge_point.life.failures <= 8


# Hooks ----------------------------------------------------------------------------------------------------------------


@simulated
async def test_a_listener_to_a_connector() -> None:
    """Whoever listens to the status keeps nobody from charging; the status is still told."""
    async with online() as (central_system, charge_point):
        place, on_change = charge_point.connectors[1], charge_point.connectors[1].on_change
        place.on_change = fail
        charge_point.charging.plug_in(1)
        charge_point.charging.start(1, "TAG_A")
        assert place.power > 0 and place.listener_failures == 2
        place.on_change = on_change
        charge_point.charging.stop(1, "Local")
        await asyncio.sleep(10)
        assert told(central_system)[-1] == "Finishing" and charge_point.life.failures == 0


@simulated
async def test_an_observer_of_reconnects(caplog: pytest.LogCaptureFixture) -> None:
    """It is told in the instant in which we are online again, and must not end that."""
    async with online() as (central_system, charge_point):
        charge_point.uptime.observe = fail
        await central_system["CP_1"].close(1001)
        await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")
        await asyncio.sleep(100)
        assert (charge_point.state, charge_point.life.failures) == ("online", 0)
        assert charge_point.uptime.observer_failures == 1 and "Bug: of ours" in caplog.text


class Clock:
    """`simulated_now`, until it breaks."""

    works = True

    def __call__(self) -> Any:
        return simulated_now() if self.works else fail()


@simulated
async def test_nobody_tells_the_time() -> None:
    """A start is refused; a cable is out all the same; the connection that had to tell of it ends, and comes back."""
    now = Clock()
    async with online({"MeterValueSampleInterval": "10"}, now=now) as (central_system, charge_point):
        await begin(charge_point)
        now.works = False
        await asyncio.sleep(25)
        assert charge_point.metering.missed == 2 and charge_point.connectors[1].power > 0
        charge_point.charging.unplug(1)
        assert charge_point.connectors[1].status == "Available" and charge_point.connectors[1].power == 0
        charge_point.charging.plug_in(1)
        with pytest.raises(Bug):
            charge_point.charging.start(1, "TAG_B")
        assert charge_point.connectors[1].status == "Preparing"
        await quiet()
        assert await charge_point.wait_for("failed") == "failed"
        await asyncio.sleep(10)
        now.works = True
        await asyncio.sleep(30)
        assert charge_point.state == "online" and told(central_system)[-1] == "Preparing"
        assert [reason for _, _, reason in invoices(central_system)] == ["EVDisconnected"]
        assert actions(central_system).count(METER) == 0
