"""What meters tell, and when: by the interval, by the clock, when asked, and at the stop (core 3.16, 4.7, 9.1)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocpp_lab import CentralSystem, ChargePoint, Policy
from ocpp_lab import messages as m
from ocpp_lab.charge_point.phase_rotation import as_wired, is_rotation
from ocpp_lab.charge_point.transaction_data import TransactionData, least_missed
from ocpp_lab.station.car import Car
from ocpp_lab.station.grids import next_clock, readings
from tests.own_side import METER, START, STOP, broken, online
from tests.pair import actions, cut, heal, on, pair, payloads, simulated, simulated_now
from tests.schemas import officially_valid
from tests.simulated import fresh_path

ENERGY = "Energy.Active.Import.Register"
ALL = "Current.Import,Current.Offered,Frequency,Power.Active.Import,Power.Offered,SoC,Voltage," + ENERGY
QUIET = {"MeterValueSampleInterval": "0"}
SECOND = timedelta(seconds=1)


async def begin(charge_point: ChargePoint, connector: int = 1, **car: Any) -> None:
    """A car that takes 1 Wh a second begins to charge."""
    charge_point.charging.plug_in(connector, Car(**({"wanted": 1e6, "power": 3_600} | car)))
    assert await charge_point.charging.present(connector, "TAG_A") == "Accepted"


async def change(central_system: CentralSystem, **keys: object) -> None:
    for key, value in keys.items():
        request = m.ChangeConfigurationRequest(key=key, value=str(value))
        assert (await central_system["CP_1"].call(request)).status == "Accepted"


async def trigger(central_system: CentralSystem, connector: int | None = None) -> str:
    request = m.TriggerMessageRequest(requested_message="MeterValues", connector_id=connector)
    return (await central_system["CP_1"].call(request)).status


def instant(reading: Any) -> datetime:
    return datetime.fromisoformat(reading["timestamp"])


def told(central_system: CentralSystem, context: str | None = None) -> list[Any]:
    """The MeterValues that came, with this context."""
    came = payloads(central_system, METER)
    return [each for each in came if context in (None, each["meterValue"][0]["sampledValue"][0]["context"])]


def when(central_system: CentralSystem, context: str) -> list[datetime]:
    """The timestamps of the readings with this context, to the second."""
    found = [instant(each["meterValue"][0]) for each in told(central_system, context)]
    return [at.replace(microsecond=0) for at in found]


def values(reading: Any) -> dict[str, tuple[str, str]]:
    """By measurand and phase, the value and its unit."""
    return {
        f"{each['measurand']}.{each['phase']}" if "phase" in each else each["measurand"]: (each["value"], each["unit"])
        for each in reading["sampledValue"]
    }


def data(central_system: CentralSystem) -> Any:
    """What the newest stop tells of its transaction; None if nothing."""
    return payloads(central_system, STOP)[-1].get("transactionData")


def contexts(readings_: Any) -> list[str]:
    return [each["sampledValue"][0]["context"] for each in readings_]


# What is measured -----------------------------------------------------------------------------------------------------


@simulated
async def test_every_measurand() -> None:
    """Core 7.31, 3.16.3: each with its unit, and all of its phases."""
    async with online({"MeterValueSampleInterval": "1800", "MeterValuesSampledData": ALL}) as (central_system, point):
        await begin(point, wanted=40_000, power=11_040, capacity=80_000)
        await asyncio.sleep(1801)
        [reading] = told(central_system, "Sample.Periodic")
        assert (reading["connectorId"], reading["transactionId"]) == (1, 1)
        assert values(reading["meterValue"][0]) == {
            "Current.Import.L1": ("16.0", "A"),
            "Current.Import.L2": ("16.0", "A"),
            "Current.Import.L3": ("16.0", "A"),
            "Current.Offered": ("32.0", "A"),
            ENERGY: ("5520", "Wh"),
            "Frequency": ("50.0", "Hertz"),
            "Power.Active.Import": ("11040.0", "W"),
            "Power.Offered": ("22080.0", "W"),
            "SoC": ("57", "Percent"),
            "Voltage.L1": ("230.0", "V"),
            "Voltage.L2": ("230.0", "V"),
            "Voltage.L3": ("230.0", "V"),
        }


@simulated
async def test_an_empty_list_asks_for_nothing() -> None:
    """No MeterValues then; what a power cut would leave us with is written down all the same."""
    async with online({"MeterValueSampleInterval": "10", "MeterValuesSampledData": ""}) as (central_system, point):
        await begin(point)
        await asyncio.sleep(25)
        assert told(central_system) == []
        [transaction] = point.transactions
        assert transaction.meter_seen == 20
        assert await trigger(central_system) == "Rejected"


@simulated
async def test_what_a_car_does_not_tell_is_left_out() -> None:
    """The state of charge of a car whose battery nobody knows; a list of nothing else tells nothing."""
    keys = {"MeterValueSampleInterval": "10", "MeterValuesSampledData": f"SoC,{ENERGY}"}
    async with online(keys) as (central_system, point):
        await begin(point)
        await asyncio.sleep(11)
        assert list(values(told(central_system)[0]["meterValue"][0])) == [ENERGY]
        await change(central_system, MeterValuesSampledData="SoC")
        await asyncio.sleep(20)
        assert len(told(central_system)) == 1


@simulated
async def test_the_offer_is_what_it_draws() -> None:
    """Power and current change with what the connector offers; the register is the integral."""
    keys = {"MeterValueSampleInterval": "100", "MeterValuesSampledData": f"Current.Import.L2,Current.Offered,{ENERGY}"}
    async with online(keys) as (central_system, point):
        await begin(point, power=11_040)
        point.connectors[1].offer(10.0)
        await asyncio.sleep(150)
        point.connectors[1].offer(5.0)
        await asyncio.sleep(51)
        first, second = (values(each["meterValue"][0]) for each in told(central_system))
        assert first == {
            "Current.Import.L2": ("10.0", "A"),
            "Current.Offered": ("10.0", "A"),
            ENERGY: (str(int(6900 / 36)), "Wh"),
        }
        assert second == {
            "Current.Import.L2": ("0.0", "A"),
            "Current.Offered": ("5.0", "A"),
            ENERGY: (str(int(1.5 * 6900 / 36)), "Wh"),
        }


@simulated
async def test_a_new_offer_moves_the_end() -> None:
    """The status follows when the car is full, whatever it was offered before."""
    async with online(QUIET) as (_, point):
        await begin(point, wanted=2_000, power=11_000)
        point.connectors[1].offer(6.0)
        await asyncio.sleep(1000)
        assert point.connectors[1].status == "Charging"
        point.connectors[1].offer(None)
        await asyncio.sleep(280)
        assert point.connectors[1].status == "SuspendedEV" and point.connectors[1].energy == pytest.approx(2_000)


# By the clock ---------------------------------------------------------------------------------------------------------


@simulated
async def test_by_the_clock_without_a_transaction() -> None:
    """Core 3.16.2, errata 3.16: every connector, at midnight + k · interval, with no transactionId."""
    async with online(QUIET, connectors=2) as (central_system, _):
        began = simulated_now()
        await change(central_system, ClockAlignedDataInterval=900, MeterValuesAlignedData=f"{ENERGY},Voltage.L1")
        await asyncio.sleep(2 * 3600)
        came = told(central_system)
        grid, due = [], next_clock(began, 900)
        while due and due < began + 7200 * SECOND:
            grid.append(due)
            due = next_clock(due, 900)
        assert len(grid) == 8
        for connector in (1, 2):
            own = [each["meterValue"][0] for each in came if each["connectorId"] == connector]
            assert [instant(each).replace(microsecond=0) for each in own] == grid
            assert {tuple(values(each)) for each in own} == {(ENERGY, "Voltage.L1")}
        assert not any("transactionId" in each for each in came)
        assert {each["sampledValue"][0]["context"] for each in (one["meterValue"][0] for one in came)} == {
            "Sample.Clock"
        }


@simulated
async def test_by_the_clock_within_a_transaction() -> None:
    """Core errata 3.16: the id is that of the transaction that runs on that connector at that moment."""
    async with online(QUIET, connectors=2) as (central_system, point):
        await change(central_system, ClockAlignedDataInterval=600)
        await begin(point, 2)
        await asyncio.sleep(1300)
        point.charging.unplug(2)
        await asyncio.sleep(600)
        await begin(point, 2)
        await asyncio.sleep(600)
        ids = [each.get("transactionId") for each in told(central_system) if each["connectorId"] == 2]
        assert ids == [1, 1, None, 2]
        assert {each.get("transactionId") for each in told(central_system) if each["connectorId"] == 1} == {None}


@simulated(limit=100_000)
async def test_seven_hours_begin_anew_at_midnight() -> None:
    """An interval that does not divide the day: 14, 21, 00, 07 h. (It is noon.)"""
    async with online(QUIET) as (central_system, _):
        await change(central_system, ClockAlignedDataInterval=25_200, HeartbeatInterval=86_400)
        await asyncio.sleep(20 * 3600)
        assert [at.hour for at in when(central_system, "Sample.Clock")] == [14, 21, 0, 7]


@simulated
async def test_zero_is_off() -> None:
    """And the next interval counts from its own grid."""
    async with online(QUIET) as (central_system, _):
        await change(central_system, ClockAlignedDataInterval=100)
        await asyncio.sleep(250)
        await change(central_system, ClockAlignedDataInterval=0)
        await asyncio.sleep(1000)
        assert len(told(central_system)) == 2
        await change(central_system, ClockAlignedDataInterval=1800)
        await asyncio.sleep(1800)
        assert [(at.minute, at.second) for at in when(central_system, "Sample.Clock")][2:] == [(30, 0)]


@simulated
async def test_a_key_that_is_set_before_it_starts() -> None:
    """And one that the central system changed in an earlier life."""
    async with pair(now=simulated_now, server={"now": simulated_now}) as (central_system, point):
        point.configuration["ClockAlignedDataInterval"] = "60"
        point.metering.new_grid()
        await point.wait_for("online")
        await asyncio.sleep(181)
        assert len(told(central_system)) == 3


@simulated
async def test_the_clock_of_an_earlier_life(tmp_path: Path) -> None:
    path = fresh_path(tmp_path, "store")
    async with online(QUIET, path=path) as (central_system, _):
        await change(central_system, ClockAlignedDataInterval=60)
    async with online(QUIET, path=path) as (central_system, _):
        await asyncio.sleep(120)
        assert len(told(central_system)) == 2


class Slow:
    """A clock that is wrong by some seconds."""

    def __init__(self, seconds: float) -> None:
        self.wrong = timedelta(seconds=seconds)

    def __call__(self) -> datetime:
        return simulated_now() + self.wrong


@simulated
@pytest.mark.parametrize("wrong", [-1000.0, 1000.0, 1e6])
async def test_by_the_clock_of_the_central_system(wrong: float) -> None:
    """Core 4.2, 4.6: its time sets ours, at the boot, and the grid follows."""
    async with online(QUIET, now=Slow(wrong)) as (central_system, _):
        await change(central_system, ClockAlignedDataInterval=900)
        await asyncio.sleep(2000)
        assert [(at.minute, at.second) for at in when(central_system, "Sample.Clock")] == [(15, 0), (30, 0)]


@simulated
@pytest.mark.parametrize("jump", [-300.0, -0.005, 0.005, 0.3, 300.0])
async def test_the_clock_is_set_while_it_waits(jump: float) -> None:
    """The next instant is nearer then, or further away; a small correction loses none and repeats none."""
    async with online(QUIET) as (central_system, point):
        await change(central_system, ClockAlignedDataInterval=600, HeartbeatInterval=86_400)
        await asyncio.sleep(600 * 2 + 60)
        assert len(told(central_system)) == 2
        point.clock.hear(simulated_now() + timedelta(seconds=jump))
        await asyncio.sleep(540 - jump + 0.5)
        assert [(at.minute, at.second) for at in when(central_system, "Sample.Clock")][2:] == [(30, 0)]


@simulated
@pytest.mark.parametrize("jump", [-0.2, 0.2])
async def test_the_clock_is_set_at_the_instant(jump: float) -> None:
    """Just before the instant it jumps over it, or just after it goes back: one reading all the same."""
    async with online(QUIET) as (central_system, point):
        await change(central_system, ClockAlignedDataInterval=600, HeartbeatInterval=86_400)
        now = simulated_now()
        due = next_clock(now, 600)
        assert due
        await asyncio.sleep((due - now).total_seconds() - jump / 2)
        point.clock.hear(simulated_now() + timedelta(seconds=jump))
        await asyncio.sleep(60)
        assert len(told(central_system)) == 1


@simulated
async def test_offline_it_is_queued() -> None:
    """Core 3.7: clock-aligned readings are transaction messages, also outside a transaction: in order, none is lost."""
    async with online(QUIET) as (central_system, point):
        await change(central_system, ClockAlignedDataInterval=600)
        point.configuration["AllowOfflineTxForUnknownId"] = "true"
        point.configuration["ConnectionTimeOut"] = "0"
        cut()
        await point.wait_for("waiting")
        point.charging.plug_in(1, Car(wanted=1e6, power=3_600))
        await asyncio.sleep(610)
        assert await point.charging.present(1, "TAG_A") == "Accepted"
        await asyncio.sleep(1200)
        point.charging.unplug(1)
        await asyncio.sleep(600)
        queued = len(point.outbox)
        heal()
        await asyncio.sleep(100)
        kept = [action for action in actions(central_system) if action in (START, METER, STOP)]
        assert kept[:queued] == [METER, START, METER, METER, STOP, METER]
        assert [each.get("transactionId") for each in told(central_system)[:4]] == [None, 1, 1, None]
        assert [(at.minute) % 10 for at in when(central_system, "Sample.Clock")] == [0] * len(told(central_system))
        assert central_system.ledger.orphans() == []
        assert len(central_system.ledger.readings(1)) == 2


@simulated
async def test_a_faulted_meter_is_not_read() -> None:
    async with online(QUIET, connectors=2) as (central_system, point):
        await change(central_system, ClockAlignedDataInterval=60)
        point.connectors[1].become("Faulted")
        await asyncio.sleep(60)
        assert [each["connectorId"] for each in told(central_system)] == [2]


@simulated
async def test_by_the_clock_on_a_full_disk() -> None:
    """What cannot be written is missed and counted; the next instant is tried."""
    async with online(QUIET) as (central_system, point):
        await change(central_system, ClockAlignedDataInterval=60)
        with broken(point):
            await asyncio.sleep(120)
        await asyncio.sleep(60)
        assert (point.metering.missed, len(told(central_system))) == (2, 1)


class Fails:
    """`simulated_now`, until it does not work."""

    works = True

    def __call__(self) -> datetime:
        if not self.works:
            raise RuntimeError("no time")
        return simulated_now()


@simulated
async def test_by_the_clock_when_nobody_tells_the_time() -> None:
    """It is looked at again a minute later, and so on; counted."""
    now = Fails()
    async with online(QUIET, now=now) as (central_system, point):
        await change(central_system, ClockAlignedDataInterval=600)
        now.works = False
        await asyncio.sleep(1300)
        assert point.metering.missed >= 5
        now.works = True
        await point.wait_for("online")
        await asyncio.sleep(700)
        assert len(told(central_system)) >= 1


# Both grids -----------------------------------------------------------------------------------------------------------


@simulated
async def test_samples_follow_the_start() -> None:
    """Core 9.1.19: from the start of the transaction; the clock's from midnight."""
    async with online({"MeterValueSampleInterval": "70"}) as (central_system, point):
        await change(central_system, ClockAlignedDataInterval=100)
        await asyncio.sleep(13)
        await begin(point)
        began = simulated_now().replace(microsecond=0)
        await asyncio.sleep(300)
        assert when(central_system, "Sample.Periodic") == [began + n * 70 * SECOND for n in (1, 2, 3, 4)]
        assert all((at - at.replace(hour=0, minute=0, second=0)).seconds % 100 == 0
                   for at in when(central_system, "Sample.Clock"))  # fmt: skip


@simulated(seeds=8)
async def test_at_one_instant_the_periodic_reading_comes_first() -> None:
    """As in `grids.readings`, whichever wait ends first."""
    async with online({"MeterValueSampleInterval": "60", "StopTxnSampledData": ENERGY}) as (central_system, point):
        await change(central_system, ClockAlignedDataInterval=60)
        now = simulated_now()
        due = next_clock(now, 60)
        assert due
        point.charging.plug_in(1)
        await asyncio.sleep((due - now).total_seconds())
        point.charging.start(1, "TAG_A")
        await asyncio.sleep(200)
        came = [contexts(each["meterValue"])[0] for each in told(central_system) if each.get("transactionId")]
        assert came[-6:] == ["Sample.Periodic", "Sample.Clock"] * 3


@simulated
async def test_both_intervals_are_changed_while_a_car_charges() -> None:
    """Each takes effect at the next instant of its new grid: the start's, and midnight's."""
    async with online({"MeterValueSampleInterval": "600"}) as (central_system, point):
        await begin(point)
        began = simulated_now().replace(microsecond=0)
        await change(central_system, ClockAlignedDataInterval=3600)
        await asyncio.sleep(1000)
        await change(central_system, MeterValueSampleInterval=250, ClockAlignedDataInterval=900)
        await asyncio.sleep(800)
        periodic, by_clock = when(central_system, "Sample.Periodic"), when(central_system, "Sample.Clock")
        assert periodic == [began + seconds * SECOND for seconds in (600, 1250, 1500, 1750)]
        assert [at.minute for at in by_clock] == [30] and len(by_clock) == 1


@simulated
async def test_a_pause_does_not_move_the_grid() -> None:
    """The cable is pulled at the car's end and plugged in again: the transaction goes on, and so do its instants."""
    keys = {"MeterValueSampleInterval": "100", "StopTransactionOnEVSideDisconnect": "false"}
    async with online(keys) as (central_system, point):
        await begin(point)
        began = simulated_now().replace(microsecond=0)
        await asyncio.sleep(130)
        point.charging.unplug(1)
        await asyncio.sleep(20)
        point.charging.plug_in(1)
        await asyncio.sleep(100)
        assert when(central_system, "Sample.Periodic") == [began + 100 * SECOND, began + 200 * SECOND]


# When asked -----------------------------------------------------------------------------------------------------------


@simulated
async def test_a_trigger_while_pending() -> None:
    """Core 4.2, 5.17: a triggered message may go, so it does not wait behind the outbox; it names no transaction."""
    policy = Policy("Pending", 300)
    async with pair(policy, now=simulated_now, connectors=2) as (central_system, point):
        await point.wait_for("pending")
        point.configuration["MeterValuesSampledData"] = f"{ENERGY},Voltage.L2"
        assert await trigger(central_system, 2) == "Accepted"
        await asyncio.sleep(1)
        [reading] = told(central_system, "Trigger")
        assert reading["connectorId"] == 2 and "transactionId" not in reading
        assert list(values(reading["meterValue"][0])) == [ENERGY, "Voltage.L2"]
        assert len(point.outbox) == 0


@simulated
async def test_a_trigger_while_pending_within_a_transaction() -> None:
    """It runs on after a reset of the central system's memory: its id is known, and told."""
    async with online(QUIET) as (central_system, point):
        await begin(point)
        await asyncio.sleep(10)
        central_system.policy.registration = "Pending"
        await on("cp", point.reboot("a restart of ours"))
        await point.wait_for("pending")
        assert await trigger(central_system) == "Accepted"
        await asyncio.sleep(1)
        [reading] = told(central_system, "Trigger")
        assert reading["transactionId"] == 1


@simulated
async def test_a_triggered_reading_is_of_now() -> None:
    """Core 5.17: current information; asked twice before it went, it goes once."""
    async with online(QUIET) as (central_system, point):
        central_system.faults.delay("DataTransfer", seconds=20, times=1)
        holding = asyncio.create_task(point.call(m.DataTransferRequest(vendor_id="x")))
        await asyncio.sleep(1)
        for _ in range(5):
            assert await trigger(central_system) == "Accepted"
        await holding
        await asyncio.sleep(1)
        assert 1 <= len(told(central_system, "Trigger")) <= 2  # the first may have been begun before the others came
        assert instant(told(central_system, "Trigger")[-1]["meterValue"][0]) >= simulated_now() - 2 * SECOND


# At the stop ----------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("sampled", ["", ENERGY])
@pytest.mark.parametrize("aligned", ["", ENERGY])
async def test_the_data_of_a_stop(sampled: str, aligned: str) -> None:
    """Core 3.16.5, errata 3.14: the readings of `grids.readings`, and none if no key asks for any."""
    keys = {"MeterValueSampleInterval": "170", "StopTxnSampledData": sampled, "StopTxnAlignedData": aligned}
    async with online(keys) as (central_system, point):
        await change(central_system, ClockAlignedDataInterval=300)
        await asyncio.sleep(17)
        await begin(point)
        await asyncio.sleep(1000)
        point.charging.unplug(1)
        await asyncio.sleep(5)
        [row] = central_system.ledger.rows()
        start, end = (datetime.fromisoformat(row[key]) for key in ("started", "stopped"))
        due = readings(start, end, sampled=170 if sampled else 0, aligned=300 if aligned else 0)
        found = data(central_system) or []
        assert contexts(found) == [why for _, why in due]
        for reading, (at, _) in zip(found, due, strict=True):
            assert abs(instant(reading) - at) <= 2 * timedelta(milliseconds=1)
            seen = int(reading["sampledValue"][0]["value"])
            assert abs(seen - (at - start).total_seconds()) <= 1.01  # 1 Wh a second
        if due:
            assert (instant(found[0]), instant(found[-1])) == (start, end)
            assert found[-1]["sampledValue"][0]["value"] == str(row["meter_stop"])
        assert len(told(central_system, "Sample.Periodic")) == 5  # whatever the stop tells


@simulated
async def test_begin_and_end_tell_every_measurand() -> None:
    """Core errata 3.14: of both lists; nothing flowed at the start."""
    keys = QUIET | {"StopTxnSampledData": "Current.Import.L1", "StopTxnAlignedData": f"SoC,{ENERGY}"}
    async with online(keys) as (central_system, point):
        await begin(point, wanted=40_000, power=11_040, capacity=80_000)
        await asyncio.sleep(1800)
        point.charging.stop(1, "Local")
        await asyncio.sleep(1)
        first, last = data(central_system)
        assert values(first) == {"Current.Import.L1": ("0.0", "A"), ENERGY: ("0", "Wh")}
        assert values(last) == {"Current.Import.L1": ("16.0", "A"), ENERGY: ("5520", "Wh"), "SoC": ("57", "Percent")}


@simulated
async def test_what_is_told_is_officially_valid() -> None:
    """Everything that a list may ask for, in MeterValues and in a stop, by the schemas that other peers go by."""
    at_stop = ALL.replace("Frequency,", "")
    async with online({"MeterValueSampleInterval": "30"}) as (central_system, point):
        keys = {"MeterValuesSampledData": ALL, "MeterValuesAlignedData": ALL, "ClockAlignedDataInterval": 60}
        await change(central_system, **keys, StopTxnSampledData=at_stop, StopTxnAlignedData=at_stop)
        await begin(point, capacity=2e6)
        await asyncio.sleep(100)
        point.charging.unplug(1)
        await asyncio.sleep(1)
        assert len(data(central_system)) >= 5
        for action in (METER, STOP):
            for payload in payloads(central_system, action):
                assert officially_valid(action, payload), payload


@simulated
async def test_asked_for_after_the_start() -> None:
    """The register of the start is known from the transaction; nothing else of that instant."""
    async with online(QUIET) as (central_system, point):
        await begin(point)
        await asyncio.sleep(100)
        await change(central_system, StopTxnSampledData=f"{ENERGY},Voltage.L1", MeterValueSampleInterval=60)
        await asyncio.sleep(25)
        await change(central_system, StopTxnAlignedData="")
        point.charging.unplug(1)
        await asyncio.sleep(1)
        found = data(central_system)
        assert contexts(found) == ["Transaction.Begin", "Sample.Periodic", "Transaction.End"]
        assert [list(values(each)) for each in found] == [[ENERGY], [ENERGY, "Voltage.L1"], [ENERGY, "Voltage.L1"]]


@simulated
async def test_no_longer_asked_for() -> None:
    """Core 3.16.5: with both lists empty at the stop it has no meter values."""
    async with online({"MeterValueSampleInterval": "10", "StopTxnSampledData": ENERGY}) as (central_system, point):
        await begin(point)
        await asyncio.sleep(35)
        await change(central_system, StopTxnSampledData="")
        point.charging.unplug(1)
        await asyncio.sleep(1)
        assert data(central_system) is None


@simulated
@pytest.mark.parametrize("most", [2, 3, 10, 100])
async def test_the_data_is_bounded(most: int) -> None:
    """Core errata 3.89: every second one between goes, as often as it must; never the first and the last."""
    async with online({"MeterValueSampleInterval": "10", "StopTxnSampledData": ENERGY}) as (central_system, point):
        point.configuration["StopTransactionMaxMeterValues"] = str(most)
        await begin(point)
        for _ in range(60):
            await asyncio.sleep(10)
            [(kept,)] = point.memory.store.execute("SELECT count(*) FROM transaction_data")
            assert kept <= most - 1
        await asyncio.sleep(5)
        point.charging.unplug(1)
        await asyncio.sleep(1)
        found = data(central_system)
        assert len(found) <= most and (contexts(found)[0], contexts(found)[-1]) == (
            "Transaction.Begin",
            "Transaction.End",
        )
        if most == 10:  # over the whole of the time, and no gap that is wider than the others by much
            gaps = [(instant(two) - instant(one)).seconds for one, two in pairwise(found)]
            assert max(gaps) <= 121
        assert point.memory.store.execute("SELECT * FROM transaction_data") == []


def test_what_goes_first() -> None:
    """The first, the third, the fifth of what is between (core errata 3.89); of each transaction by itself."""
    kept, midnight = TransactionData(), datetime(2030, 1, 1, tzinfo=UTC)
    for number in range(9):
        context: m.ReadingContext = "Sample.Clock" if number else "Transaction.Begin"
        value = m.SampledValue(value=str(number), context=context)
        reading = m.MeterValue(timestamp=midnight + number * SECOND, sampled_value=[value])
        kept.keep("T", context, reading, most=5)
        kept.keep("U", "Sample.Periodic", reading, most=1)
    assert [each.sampled_value[0].value for each in kept.of("T")] == ["0", "2", "4", "6", "7", "8"]
    assert [each.sampled_value[0].value for each in kept.of("U")] == ["8"]


@given(st.lists(st.integers(0, 10_000), min_size=3, unique=True))
def test_the_least_missed(seconds: list[int]) -> None:
    """By brute force: the loss that leaves the curve with the shortest new gap; never an end."""
    instants = [datetime(2030, 1, 1, tzinfo=UTC) + second * SECOND for second in sorted(seconds)]
    gaps = []
    for number in range(1, len(instants) - 1):
        left = [at for at in instants if at != instants[number]]
        [(before, after)] = set(pairwise(left)) - set(pairwise(instants))
        gaps.append(after - before)
    assert gaps[least_missed(instants) - 1] == min(gaps)


@simulated
@pytest.mark.parametrize("resume", [True, False])
async def test_a_power_cut(resume: bool, tmp_path: Path) -> None:
    """What was read before survives; goes on, or ends with the newest reading (core 4.10). So does the register."""
    path = fresh_path(tmp_path, "store")
    keys = {"MeterValueSampleInterval": "100", "StopTxnSampledData": f"{ENERGY},Voltage.L1"}
    options = {"path": path, "resume_transactions": resume}
    async with online(**options) as (central_system, point):
        await change(central_system, **keys)
        await begin(point)
        began = simulated_now().replace(microsecond=0)
        await asyncio.sleep(230)
    await asyncio.sleep(37)
    async with online(**options) as (central_system, point):
        if resume:
            await asyncio.sleep(100)
            point.charging.unplug(1)
        await asyncio.sleep(5)
        found = data(central_system)
        periodic = ["Sample.Periodic"] * (3 if resume else 2)
        assert contexts(found) == ["Transaction.Begin", *periodic, "Transaction.End"]
        at = [instant(each).replace(microsecond=0) - began for each in found[1:-1]]
        assert at == [100 * SECOND, 200 * SECOND, 300 * SECOND][: len(at)]  # one grid over both lives
        assert list(values(found[-1])) == ([ENERGY, "Voltage.L1"] if resume else [ENERGY])
        stop = payloads(central_system, STOP)[-1]
        assert stop["meterStop"] >= 230 and point.connectors[1].energy >= 230
        assert point.memory.store.execute("SELECT * FROM transaction_data") == []


@simulated
async def test_a_stop_that_is_owed() -> None:
    """The cable is out and the disk is full: the end is of that instant, whenever it is written."""
    async with online({"MeterValueSampleInterval": "10", "StopTxnSampledData": ENERGY}) as (central_system, point):
        await begin(point)
        await asyncio.sleep(25)
        with broken(point):
            point.charging.unplug(1)
            at = simulated_now()
            await asyncio.sleep(100)
        await asyncio.sleep(20)
        found = data(central_system)
        assert contexts(found) == ["Transaction.Begin", "Sample.Periodic", "Sample.Periodic", "Transaction.End"]
        assert abs(instant(found[-1]) - at) <= SECOND and found[-1]["sampledValue"][0]["value"] == "25"


@simulated
async def test_a_start_that_cannot_be_written_leaves_no_reading() -> None:
    async with online(QUIET | {"StopTxnSampledData": ENERGY}) as (_, point):
        point.charging.plug_in(1)
        for nth in range(1, 30):
            with broken(point, nth):
                if await point.charging.present(1, "TAG_A") == "Accepted":
                    break
            assert point.memory.store.execute("SELECT * FROM transaction_data") == []
        else:
            pytest.fail("expected a start at last")
        assert len(point.memory.store.execute("SELECT * FROM transaction_data")) == 1


# How it is wired ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("0.RST", True),
        ("0.RST,1.RST,2.RTS", True),
        ("2.NotApplicable", True),
        ("1.Unknown,2.TSR", True),
        ("3.RST", False),  # there are two connectors
        ("1.rst", False),
        ("1.", False),
        (".RST", False),
        ("-1.RST", False),
        ("1.RST,", False),
        ("1.RST;2.RST", False),
        ("0.RST,1.RST,1.RST", False),
        ("99999999999999.RST", False),
    ],
)
def test_phase_rotation(text: str, good: bool) -> None:
    """Core 9.1.7."""
    assert is_rotation(text, connectors=2) is good


@pytest.mark.parametrize("connectors", [1, 2, 60, 1000])
def test_how_it_is_wired(connectors: int) -> None:
    """A value that could be set, and that has room in an answer (core 7.29)."""
    text = as_wired(connectors)
    assert len(text) <= 500 and is_rotation(text, connectors) and text.startswith("0.RST,1.RST")


@simulated
async def test_phase_rotation_of_connectors_that_there_are() -> None:
    async with online(connectors=2) as (central_system, point):
        assert point.configuration["ConnectorPhaseRotation"] == "0.RST,1.RST,2.RST"
        assert point.configuration["ConnectorPhaseRotationMaxLength"] == "3"
        for value, status in (("banana", "Rejected"), ("3.RST", "Rejected"), ("0.RST, 1.RTS, 2.SRT", "Accepted")):
            request = m.ChangeConfigurationRequest(key="ConnectorPhaseRotation", value=value)
            assert (await central_system["CP_1"].call(request)).status == status
