"""Core, metering: what a charge point tells of its meters, when, and what its stop tells (core 3.16, 4.7, 9.1)."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from ocpp_lab.station.car import Car
from tests.compliance.script import ScriptedCentralSystem, at_charge_point, now_text
from tests.pair import cut, heal, simulated

ENERGY = "Energy.Active.Import.Register"
OFF = {"MeterValueSampleInterval": "0"}
MINUTE = timedelta(minutes=1)
BOTH_LISTS = ("StopTxnSampledData", "StopTxnAlignedData")
METERED = ("MeterValuesSampledData", "MeterValuesAlignedData", *BOTH_LISTS)


async def sets(script: ScriptedCentralSystem, key: str, value: object) -> str:
    """ChangeConfiguration, and its status."""
    status: str = (await script.says("ChangeConfiguration", key=key, value=str(value)))["status"]
    return status


async def stops(script: ScriptedCentralSystem, charge_point: Any, connector: int = 1) -> dict[str, Any]:
    """The driver pulls the cable; everything before the StopTransaction is taken. Returns that."""
    script.forgets()
    charge_point.charging.unplug(connector)
    return await script.hears("StopTransaction")


def sampled(values: dict[str, Any]) -> list[dict[str, Any]]:
    """The values of the one reading of a MeterValues."""
    [reading] = values["meterValue"]
    found: list[dict[str, Any]] = reading["sampledValue"]
    return found


def at(reading: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(reading["timestamp"])


def contexts(data: list[dict[str, Any]]) -> list[str]:
    return [reading["sampledValue"][0]["context"] for reading in data]


# Sampled --------------------------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_periodic_values() -> None:
    """Core 3.16.1, 9.1.19: every interval from the start, with its transaction, context Sample.Periodic, in Wh."""
    async with at_charge_point(keys={"MeterValueSampleInterval": "60"}) as (script, charge_point):
        charge_point.charging.plug_in(1, Car(wanted=1e6, power=3_600))
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        start = await script.hears("StartTransaction")
        for number in (1, 2, 3):
            values = await script.hears("MeterValues", seconds=61)
            assert (values["connectorId"], values["transactionId"]) == (1, 1)
            assert abs(at(values["meterValue"][0]) - at(start) - number * timedelta(seconds=60)) < timedelta(
                seconds=0.1
            )
            [value] = sampled(values)
            assert (value["context"], value["measurand"], value["unit"]) == ("Sample.Periodic", ENERGY, "Wh")
            assert abs(int(value["value"]) - start["meterStart"] - 60 * number) <= 1


@simulated(seed=1)
async def test_no_periodic_values_with_interval_zero() -> None:
    """Core 3.16.1, 9.1.19: by convention, 0 means none."""
    async with at_charge_point(keys=OFF) as (script, charge_point):
        await script.starts(charge_point)
        await script.hears_no("MeterValues", seconds=1000)


@simulated(seed=1)
async def test_no_periodic_values_without_a_transaction() -> None:
    """Core 9.1.19: samples are taken from the start of a transaction, and end with it."""
    async with at_charge_point(keys={"MeterValueSampleInterval": "30"}) as (script, charge_point):
        await script.hears_no("MeterValues", seconds=100)
        await script.starts(charge_point)
        await script.hears("MeterValues")
        await stops(script, charge_point)
        await script.hears_no("MeterValues", seconds=100)


@simulated(seed=1)
async def test_a_new_interval_counts_from_the_start() -> None:
    """Core 5.3, 9.1.19: it holds for the transaction that runs."""
    async with at_charge_point(keys=OFF) as (script, charge_point):
        charge_point.charging.plug_in(1)
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        start = await script.hears("StartTransaction")
        await asyncio.sleep(130)
        assert await sets(script, "MeterValueSampleInterval", 50) == "Accepted"
        values = await script.hears("MeterValues", seconds=50)
        assert abs(at(values["meterValue"][0]) - at(start) - 2.5 * MINUTE) < MINUTE / 600


@simulated(seed=1)
@pytest.mark.parametrize(
    ("measurand", "unit", "phases"),
    [
        (ENERGY, "Wh", [None]),
        ("Power.Active.Import", "W", [None]),
        ("Power.Offered", "W", [None]),
        ("Current.Import", "A", ["L1", "L2", "L3"]),
        ("Current.Offered", "A", [None]),
        ("Voltage", "V", ["L1", "L2", "L3"]),
        ("SoC", "Percent", [None]),
        ("Frequency", "Hertz", [None]),
    ],
)
async def test_a_measurand(measurand: str, unit: str, phases: list[str | None]) -> None:
    """Core 7.31, 7.45, 3.16.3: in its unit, and of all phases."""
    async with at_charge_point(keys={"MeterValueSampleInterval": "30"}) as (script, charge_point):
        assert await sets(script, "MeterValuesSampledData", measurand) == "Accepted"
        charge_point.charging.plug_in(1, Car(wanted=20_000, power=11_000, capacity=60_000))
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        await script.hears("StartTransaction")
        values = sampled(await script.hears("MeterValues"))
        assert [(each["measurand"], each["unit"]) for each in values] == [(measurand, unit)] * len(phases)
        assert [each.get("phase") for each in values] == phases
        assert all(float(each["value"]) > 0 for each in values)


@simulated(seed=1)
async def test_one_phase_of_a_measurand() -> None:
    """Core 9.1.17: where applicable, a measurand is combined with a phase."""
    async with at_charge_point(keys=OFF) as (script, _):
        assert await sets(script, "MeterValuesSampledData", "Voltage.L1,Current.Import.L3") == "Accepted"
        await script.says("TriggerMessage", requestedMessage="MeterValues", connectorId=1)
        values = sampled(await script.hears("MeterValues"))
        assert {(each["measurand"], each["phase"]) for each in values} == {("Voltage", "L1"), ("Current.Import", "L3")}


@simulated(seed=1)
@pytest.mark.parametrize("key", METERED)
async def test_an_unsupported_measurand(key: str) -> None:
    """Core 3.16.4: Rejected, and nothing changes, whatever else is in the list."""
    async with at_charge_point() as (script, _):
        assert await sets(script, key, "Voltage") == "Accepted"
        for bad in (f"{ENERGY},RPM", "Temperature", "banana"):
            assert await sets(script, key, bad) == "Rejected"
        [found] = (await script.says("GetConfiguration", key=[key]))["configurationKey"]
        assert found["value"] == "Voltage"


@simulated(seed=1)
@pytest.mark.parametrize("key", [*(f"{key}MaxLength" for key in METERED), "StopTransactionMaxMeterValues"])
async def test_a_length_is_told(key: str) -> None:
    """Core 9.1.16, 9.1.18, 9.1.26, 9.1.28; core errata 3.89: read-only integers."""
    async with at_charge_point() as (script, _):
        [found] = (await script.says("GetConfiguration", key=[key]))["configurationKey"]
        assert found["readonly"] is True and int(found["value"]) > 1
        assert await sets(script, key, 5) == "Rejected"


@simulated(seed=1)
async def test_a_list_that_is_too_long() -> None:
    """Core 9.1.18: no more items than its MaxLength."""
    async with at_charge_point() as (script, _):
        [found] = (await script.says("GetConfiguration", key=["MeterValuesSampledDataMaxLength"]))["configurationKey"]
        most = int(found["value"])
        assert await sets(script, "MeterValuesSampledData", ",".join(["SoC"] * most)) == "Accepted"
        assert await sets(script, "MeterValuesSampledData", ",".join(["SoC"] * (most + 1))) == "Rejected"


# By the clock ---------------------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_values_by_the_clock() -> None:
    """Core 3.16.2, core errata 3.15: of each connector, at midnight + k · interval, context Sample.Clock."""
    async with at_charge_point(keys=OFF) as (script, _):
        assert await sets(script, "ClockAlignedDataInterval", 900) == "Accepted"
        for quarter in (15, 30, 45, 0):
            came = [await script.hears("MeterValues", seconds=901) for _ in range(2)]
            assert sorted(values["connectorId"] for values in came) == [1, 2]
            for values in came:
                taken = at(values["meterValue"][0])
                assert (taken.minute, taken.second) == (quarter, 0)
                assert {value["context"] for value in sampled(values)} == {"Sample.Clock"}


@simulated(seed=1)
async def test_values_by_the_clock_outside_of_a_transaction() -> None:
    """Core 4.7, core errata 3.16: no transaction, no transactionId."""
    async with at_charge_point(keys=OFF) as (script, _):
        await sets(script, "ClockAlignedDataInterval", 60)
        assert "transactionId" not in await script.hears("MeterValues", seconds=61)


@simulated(seed=1)
async def test_values_by_the_clock_within_a_transaction() -> None:
    """Core errata 3.16: the id of the transaction that runs at that moment, on that connector."""
    async with at_charge_point(keys=OFF) as (script, charge_point):
        transaction = await script.starts(charge_point)
        await sets(script, "ClockAlignedDataInterval", 60)
        came = [await script.hears("MeterValues", seconds=61) for _ in range(2)]
        assert {values["connectorId"]: values.get("transactionId") for values in came} == {1: transaction, 2: None}


@simulated(seed=1)
async def test_their_own_measurands() -> None:
    """Core 9.1.15: MeterValuesAlignedData, and not the other list."""
    async with at_charge_point(keys={"MeterValueSampleInterval": "60"}, connectors=1) as (script, charge_point):
        await script.starts(charge_point)
        await sets(script, "MeterValuesAlignedData", "Power.Active.Import")
        await sets(script, "ClockAlignedDataInterval", 60)
        came = [sampled(await script.hears("MeterValues", seconds=61))[0] for _ in range(4)]
        assert {(value["context"], value["measurand"]) for value in came} == {
            ("Sample.Clock", "Power.Active.Import"),
            ("Sample.Periodic", ENERGY),
        }


@simulated(seed=1)
async def test_they_follow_the_clock_of_the_central_system() -> None:
    """Core 4.2, 4.6: the time of its answers sets the clock."""
    async with at_charge_point(keys=OFF, connectors=1) as (script, _):
        await sets(script, "ClockAlignedDataInterval", 600)
        script.answers["Heartbeat"] = lambda _: {"currentTime": now_text(250)}
        await script.says("TriggerMessage", requestedMessage="Heartbeat")
        values = await script.hears("MeterValues", seconds=601)
        ahead = at(values["meterValue"][0]) - datetime.fromisoformat(now_text())
        assert at(values["meterValue"][0]).minute % 10 == 0 and abs(ahead - timedelta(seconds=250)) < timedelta(
            seconds=1
        )


@simulated(seed=1)
async def test_offline_they_are_queued() -> None:
    """Core 3.7: periodic and clock-aligned MeterValues are transaction-related: kept, and sent in their order."""
    async with at_charge_point(keys={"MeterValueSampleInterval": "100"}, connectors=1) as (script, charge_point):
        transaction = await script.starts(charge_point)
        await sets(script, "ClockAlignedDataInterval", 120)
        script.forgets()
        cut()
        await asyncio.sleep(1000)
        heal()
        came = [await script.hears("MeterValues") for _ in range(16)]
        stamps = [at(values["meterValue"][0]) for values in came]
        assert stamps == sorted(stamps) and len(set(stamps)) == len(stamps)
        assert {values["transactionId"] for values in came} == {transaction}
        kinds = [sampled(values)[0]["context"] for values in came]
        assert kinds.count("Sample.Clock") >= 7 and kinds.count("Sample.Periodic") >= 8


# At the stop ----------------------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_no_data_in_the_stop() -> None:
    """Core 3.16.5: with both lists empty there is none."""
    async with at_charge_point(keys=OFF) as (script, charge_point):
        assert [await sets(script, key, "") for key in BOTH_LISTS] == ["Accepted", "Accepted"]
        await script.starts(charge_point)
        assert "transactionData" not in await stops(script, charge_point)


@simulated(seed=1)
@pytest.mark.parametrize("key", BOTH_LISTS)
async def test_begin_and_end_in_the_stop(key: str) -> None:
    """Core errata 3.14: the values of the start and of the stop, of every measurand, at their instants."""
    async with at_charge_point(keys=OFF) as (script, charge_point):
        assert await sets(script, key, f"{ENERGY},Voltage") == "Accepted"
        await script.starts(charge_point)
        await asyncio.sleep(100)
        stop = await stops(script, charge_point)
        data = stop["transactionData"]
        assert contexts(data) == ["Transaction.Begin", "Transaction.End"]
        for reading in data:
            assert {value["measurand"] for value in reading["sampledValue"]} == {ENERGY, "Voltage"}
        register = next(value["value"] for value in data[-1]["sampledValue"] if value["measurand"] == ENERGY)
        assert (register, at(data[-1])) == (str(stop["meterStop"]), at(stop))


@simulated(seed=1)
async def test_periodic_values_in_the_stop() -> None:
    """Core 9.1.27: every MeterValueSampleInterval from the start."""
    async with at_charge_point(keys={"MeterValueSampleInterval": "60"}) as (script, charge_point):
        await sets(script, "StopTxnSampledData", ENERGY)
        await script.starts(charge_point)
        await asyncio.sleep(200)
        data = (await stops(script, charge_point))["transactionData"]
        assert contexts(data) == ["Transaction.Begin", *["Sample.Periodic"] * 3, "Transaction.End"]
        assert [round((at(each) - at(data[0])) / MINUTE, 2) for each in data[1:-1]] == [1, 2, 3]


@simulated(seed=1)
async def test_values_by_the_clock_in_the_stop() -> None:
    """Core 9.1.25: every ClockAlignedDataInterval of the transaction; MeterValues need not tell them."""
    async with at_charge_point(keys=OFF) as (script, charge_point):
        await sets(script, "MeterValuesAlignedData", "")
        await sets(script, "StopTxnAlignedData", ENERGY)
        await sets(script, "ClockAlignedDataInterval", 60)
        await script.starts(charge_point)
        await script.hears_no("MeterValues", seconds=190)
        data = (await stops(script, charge_point))["transactionData"]
        assert contexts(data[1:-1]) == ["Sample.Clock"] * 3
        assert {at(reading).second for reading in data[1:-1]} == {0}


@simulated(seed=1)
async def test_the_stop_is_bounded() -> None:
    """Core errata 3.89: at most StopTransactionMaxMeterValues; the first and the last are never dropped."""
    keys = {"MeterValueSampleInterval": "10", "StopTransactionMaxMeterValues": "20", "StopTxnSampledData": ENERGY}
    async with at_charge_point(keys=keys) as (script, charge_point):
        await script.starts(charge_point)
        await asyncio.sleep(2000)
        data = (await stops(script, charge_point))["transactionData"]
        assert len(data) <= 20
        assert (contexts(data)[0], contexts(data)[-1]) == ("Transaction.Begin", "Transaction.End")


# Phases ---------------------------------------------------------------------------------------------------------------


@simulated(seed=1)
async def test_the_phase_rotation_is_told() -> None:
    """Core 4.7, 9.1.7: of every connector, as 0.RST, 1.RST."""
    async with at_charge_point() as (script, _):
        [found] = (await script.says("GetConfiguration", key=["ConnectorPhaseRotation"]))["configurationKey"]
        assert [item.partition(".")[0].strip() for item in found["value"].split(",")] == ["0", "1", "2"]


@simulated(seed=1)
@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("0.RST, 1.RTS, 2.STR", "Accepted"),
        ("1.NotApplicable", "Accepted"),
        ("0.Unknown", "Accepted"),
        ("banana", "Rejected"),
        ("1.RRR", "Rejected"),
        ("3.RST", "Rejected"),
        ("1-RST", "Rejected"),
    ],
)
async def test_a_phase_rotation(value: str, status: str) -> None:
    """Core 5.3, 9.1.7: what has not its form, or names a connector that there is not, is Rejected."""
    async with at_charge_point() as (script, _):
        assert await sets(script, "ConnectorPhaseRotation", value) == status
