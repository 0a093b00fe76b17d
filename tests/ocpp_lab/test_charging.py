"""`Charging`: plug, authorise, start, meter, stop, unplug (core 3.6, 4.1, 4.8, 4.10), and what can be said from afar.

On simulated time, against a real central system. The wall clock is `simulated_now`; 11 kW are 11,000 Wh in an hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from ocpp_lab import CentralSystem, ChargePoint, IllegalTransition, PayloadError, Policy
from ocpp_lab import messages as m
from ocpp_lab.station.car import Car
from tests.fakes import NOON
from tests.pair import (
    actions,
    calls,
    cut,
    exchange,
    on,
    pair,
    payloads,
    sent_transaction_messages,
    simulated,
    simulated_now,
)
from tests.simulated import clock

START, STOP, METER, AUTHORIZE = "StartTransaction", "StopTransaction", "MeterValues", "Authorize"
BLOCKED = Policy(id_tags={"BAD": "Blocked"})


@asynccontextmanager
async def online(
    keys: dict[str, str] | None = None, server: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[tuple[CentralSystem, ChargePoint]]:
    """Both, a second after the boot; ``keys`` of the configuration are set before."""
    options = {"now": simulated_now, "server": {"now": simulated_now, **(server or {})}, **options}
    async with pair(**options) as (central_system, charge_point):
        for key, value in (keys or {}).items():
            charge_point.configuration[key] = value
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        yield central_system, charge_point


def told(central_system: CentralSystem, connector: int = 1) -> list[str]:
    """The statuses of a connector as they were told, without the first."""
    return [
        each["status"] for each in payloads(central_system, "StatusNotification") if each["connectorId"] == connector
    ][1:]


async def remote_start(central_system: CentralSystem, id_tag: str = "TAG_A", connector: int | None = None) -> str:
    request = m.RemoteStartTransactionRequest(id_tag=id_tag, connector_id=connector)
    return (await central_system["CP_1"].call(request)).status


async def begin(charge_point: ChargePoint, connector: int = 1, **car: float) -> None:
    """A car is plugged in and TAG_A accepted."""
    charge_point.charging.plug_in(connector, Car(**car))
    assert await charge_point.charging.present(connector, "TAG_A") == "Accepted"
    await asyncio.sleep(0.5)


# A whole life ---------------------------------------------------------------------------------------------------------


@simulated
async def test_from_plug_to_unplug() -> None:
    """Every step is told in order; the ledger has one row with the energy that has flown, and its meter values."""
    async with online({"MeterValueSampleInterval": "600"}) as (central_system, charge_point):
        charging = charge_point.charging
        charging.plug_in(1, Car(wanted=20_000, power=11_000))
        await asyncio.sleep(9)
        assert await charging.present(1, "TAG_A") == "Accepted"
        await asyncio.sleep(1700)
        assert await charging.present(1, "tag_a") == "Accepted"  # the same tag ends it (core 7.28)
        await asyncio.sleep(1)
        charging.unplug(1)
        await asyncio.sleep(3600)
        assert told(central_system) == ["Preparing", "Charging", "Finishing", "Available"]
        assert sent_transaction_messages(central_system) == ["Start 0", "Meter 1833", "Meter 3666", "Stop 5194"]
        [row] = central_system.ledger.rows()
        assert (row["meter_start"], row["meter_stop"], row["reason"], row["id_tag"]) == (0, 5194, "Local", "TAG_A")
        instants = [datetime.fromisoformat(row[name]) - NOON for name in ("started", "stopped")]
        assert instants == [timedelta(seconds=10), timedelta(seconds=1710)]
        assert len(central_system.ledger.readings(row["id"])) == 2
        assert not charge_point.outbox.entries() and not list(charge_point.transactions)


@simulated
async def test_meter_values_say_what_they_are() -> None:
    """Core 4.7, 7.34: register, unit, context, the instant of the reading, and the id of their transaction."""
    async with online({"MeterValueSampleInterval": "60"}) as (central_system, charge_point):
        await begin(charge_point)
        await asyncio.sleep(61)
        [request] = payloads(central_system, METER)
        [row] = central_system.ledger.rows()
        assert (request["connectorId"], request["transactionId"]) == (1, row["id"])
        [reading] = request["meterValue"]
        assert datetime.fromisoformat(reading["timestamp"]) == NOON + timedelta(seconds=61)
        assert reading["sampledValue"] == [
            {
                "value": "183",
                "context": "Sample.Periodic",
                "measurand": "Energy.Active.Import.Register",
                "unit": "Wh",
            }
        ]


@simulated
async def test_two_drivers_at_once() -> None:
    """Each transaction keeps its own id, register and energy; the next one begins where the meter stands."""
    async with online({"MeterValueSampleInterval": "600"}, connectors=2) as (central_system, charge_point):
        await begin(charge_point, 1, power=11_000)
        await begin(charge_point, 2, power=3_600)
        await asyncio.sleep(1800)
        charge_point.charging.unplug(2)
        charge_point.charging.unplug(1)
        await asyncio.sleep(10)
        await begin(charge_point, 1)
        await asyncio.sleep(1)
        rows = central_system.ledger.rows()
        assert [(row["connector"], row["meter_start"], row["meter_stop"]) for row in rows] == [
            (1, 0, 5503), (2, 0, 1800), (1, 5503, None),
        ]  # fmt: skip
        assert {(each["connectorId"], each["transactionId"]) for each in payloads(central_system, METER)} == {
            (row["connector"], row["id"]) for row in rows[:2]
        }


@simulated
async def test_a_full_car() -> None:
    """SuspendedEV at the instant at which it is full; the meter stands still, and is still read."""
    async with online({"MeterValueSampleInterval": "600"}) as (central_system, charge_point):
        await begin(charge_point, wanted=2_750, power=11_000)
        began = clock() - 0.5
        await asyncio.sleep(2000)
        [full] = [at for at, action in calls(central_system) if action == "StatusNotification"][-1:]
        assert (full, told(central_system)[-1]) == (began + 900, "SuspendedEV")
        assert sent_transaction_messages(central_system) == ["Start 0", "Meter 1833", "Meter 2750", "Meter 2750"]
        charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        assert central_system.ledger.rows()[0]["meter_stop"] == 2750
        assert told(central_system)[-2:] == ["Finishing", "Available"]


# The meter's interval -------------------------------------------------------------------------------------------------


@simulated
async def test_interval_zero_is_off() -> None:
    """Core 9.1: no meter values are sent; the car's end is still noticed, and the energy is still counted."""
    async with online({"MeterValueSampleInterval": "0"}) as (central_system, charge_point):
        await begin(charge_point, wanted=2_750)
        await asyncio.sleep(5000)
        assert told(central_system)[-1] == "SuspendedEV"
        charge_point.charging.stop(1, "Local")
        await asyncio.sleep(1)
        assert sent_transaction_messages(central_system) == ["Start 0", "Stop 2750"]


@simulated
async def test_a_new_interval_is_live() -> None:
    """Core 5.3: Accepted means that it holds now, for the transaction that runs; counted from the start."""
    async with online({"MeterValueSampleInterval": "0"}) as (central_system, charge_point):
        began = clock()  # core 9.1.19
        await begin(charge_point)

        async def change(value: str) -> None:
            request = m.ChangeConfigurationRequest(key="MeterValueSampleInterval", value=value)
            assert (await central_system["CP_1"].call(request)).status == "Accepted"

        await asyncio.sleep(1000)
        await change("60")
        await asyncio.sleep(130)
        await change("500")
        await asyncio.sleep(501)
        await change("0")
        await asyncio.sleep(5000)
        sampled = [round(at - began, 3) for at, action in calls(central_system) if action == METER]
        assert sampled == [1020, 1080, 1500]


# Why it ends ----------------------------------------------------------------------------------------------------------


@simulated(seed=1)
@pytest.mark.parametrize("reason", get_args(m.Reason))
async def test_every_reason(reason: m.Reason) -> None:
    """Core 7.36: each of them reaches the ledger; nothing happens to a connector without a transaction."""
    async with online() as (central_system, charge_point):
        charge_point.charging.stop(1, reason)
        await begin(charge_point)
        charge_point.charging.stop(1, reason)
        charge_point.charging.stop(1, reason)
        await asyncio.sleep(1)
        assert [row["reason"] for row in central_system.ledger.rows()] == [reason]
        assert actions(central_system).count(STOP) == 1
        assert central_system.ledger.orphans() == []


async def pull(central_system: CentralSystem, charge_point: ChargePoint) -> None:
    charge_point.charging.unplug(1)


async def unlock(central_system: CentralSystem, charge_point: ChargePoint) -> None:
    answer = await central_system["CP_1"].call(m.UnlockConnectorRequest(connector_id=1))
    assert answer.status == "Unlocked"


async def remote_stop(central_system: CentralSystem, charge_point: ChargePoint) -> None:
    [row] = central_system.ledger.rows()
    answer = await central_system["CP_1"].call(m.RemoteStopTransactionRequest(transaction_id=row["id"]))
    assert answer.status == "Accepted"


async def soft_reset(central_system: CentralSystem, charge_point: ChargePoint) -> None:
    assert (await central_system["CP_1"].call(m.ResetRequest(type="Soft"))).status == "Accepted"


async def hard_reset(central_system: CentralSystem, charge_point: ChargePoint) -> None:
    assert (await central_system["CP_1"].call(m.ResetRequest(type="Hard"))).status == "Accepted"


ENDS: list[tuple[Any, str, str]] = [
    (pull, "EVDisconnected", "Available"),
    (unlock, "UnlockCommand", "Finishing"),  # core 5.18: the transaction is finished first
    (remote_stop, "Remote", "Finishing"),
    (soft_reset, "SoftReset", "Finishing"),  # core 5.14
    (hard_reset, "HardReset", "Finishing"),
]


@simulated
@pytest.mark.parametrize(("end", "reason", "status"), ENDS, ids=[reason for _, reason, _ in ENDS])
async def test_every_way_to_end(end: Any, reason: str, status: str) -> None:
    """One stop, with the reason and the energy; the connector is as the specification leaves it (core 4.9)."""
    async with online(delays=lambda: iter([1.0] * 9)) as (central_system, charge_point):
        await begin(charge_point)
        await asyncio.sleep(35.5)
        await end(central_system, charge_point)
        await asyncio.sleep(100)
        [row] = central_system.ledger.rows()
        assert (row["reason"], row["meter_stop"]) == (reason, 110)
        assert actions(central_system).count(STOP) == 1
        assert charge_point.connectors[1].status == status == told(central_system)[-1]
        assert charge_point.state == "online"


@simulated
async def test_reset_delivers_before_or_after_the_boot() -> None:
    """Core 5.14: the stop is queued; wherever the restart overtakes it, it is delivered once the boot is accepted."""
    async with online(connectors=2, delays=lambda: iter([1.0] * 9)) as (central_system, charge_point):
        await begin(charge_point, 1)
        await begin(charge_point, 2)
        await soft_reset(central_system, charge_point)
        await asyncio.sleep(10)
        assert [row["reason"] for row in central_system.ledger.rows()] == ["SoftReset"] * 2
        assert actions(central_system).count("BootNotification") == 2


@simulated
@pytest.mark.parametrize("stop", [True, False])
async def test_a_tag_that_is_not_accepted_after_all(stop: bool) -> None:
    """Core 4.8, 9.1: StopTransactionOnInvalidId ends it with DeAuthorized; without it only the energy ends."""
    keys = {"StopTransactionOnInvalidId": str(stop).lower(), "MeterValueSampleInterval": "600"}
    async with online(keys, policy=BLOCKED) as (central_system, charge_point):
        charge_point.charging.plug_in(1)
        assert await remote_start(central_system, "BAD") == "Accepted"
        await asyncio.sleep(1000)
        [row] = central_system.ledger.rows()
        assert charge_point.connectors[1].power == 0
        if stop:
            assert (row["reason"], row["meter_stop"]) == ("DeAuthorized", 0)
            assert told(central_system) == ["Preparing", "Charging", "Finishing"]
        else:
            assert row["stopped"] is None
            assert told(central_system) == ["Preparing", "Charging", "SuspendedEVSE"]
            assert sent_transaction_messages(central_system) == ["Start 0", "Meter 0"]
            charge_point.charging.unplug(1)
            await asyncio.sleep(1)
            assert central_system.ledger.rows()[0]["reason"] == "EVDisconnected"


@simulated
async def test_a_transaction_may_outlive_the_cable() -> None:
    """Core 9.1: without StopTransactionOnEVSideDisconnect it pauses, and goes on when the cable is back."""
    keys = {"StopTransactionOnEVSideDisconnect": "false", "MeterValueSampleInterval": "0"}
    async with online(keys) as (central_system, charge_point):
        car = Car(power=11_000)
        charge_point.charging.plug_in(1, car)
        await charge_point.charging.present(1, "TAG_A")
        await asyncio.sleep(360)
        charge_point.charging.unplug(1)
        await asyncio.sleep(1000)
        charge_point.charging.plug_in(1, car)
        await asyncio.sleep(360)
        charge_point.charging.stop(1, "Local")
        charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        assert told(central_system) == ["Preparing", "Charging", "SuspendedEV", "Charging", "Finishing", "Available"]
        assert sent_transaction_messages(central_system) == ["Start 0", "Stop 2200"]
        assert car.taken == pytest.approx(2200)


# What cannot be -------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("status", ["Unavailable", "Faulted"])
async def test_out_of_order_is_out_of_order(status: m.ChargePointStatus) -> None:
    """Core 4.9: a cable or a tag neither mends a connector nor makes it available."""
    async with online() as (central_system, charge_point):
        if status == "Faulted":
            charge_point.charging.fault(1)
        else:
            assert await make(central_system, "Inoperative") == "Accepted"
        charge_point.charging.plug_in(1)
        assert await charge_point.charging.present(1, "TAG_A") == "Invalid"
        with pytest.raises(IllegalTransition, match="expected one of: Available"):
            charge_point.charging.start(1, "TAG_A")
        assert await remote_start(central_system) == "Rejected"
        await asyncio.sleep(1)
        assert charge_point.connectors[1].status == status
        assert START not in actions(central_system) and AUTHORIZE not in actions(central_system)


@simulated
async def test_without_a_car_nothing_starts() -> None:
    """And a second car does not fit in."""
    async with online() as (central_system, charge_point):
        with pytest.raises(IllegalTransition, match="plug in"):
            charge_point.charging.start(1, "TAG_A")
        await begin(charge_point)
        for _ in range(2):
            with pytest.raises(IllegalTransition, match="unplug"):
                charge_point.charging.plug_in(1)
            charge_point.charging.stop(1, "Local")
        for connector in (0, 2, -1):
            with pytest.raises(ValueError, match="expected a connector from 1 to 1"):
                charge_point.charging.plug_in(connector)
        assert [row["connector"] for row in central_system.ledger.rows()] == [1]


@simulated
async def test_a_tag_that_cannot_be_sent_leaves_no_trace() -> None:
    """Core 7.28: at most 20 characters; not even offline, where unknown tags may charge."""
    async with online({"AllowOfflineTxForUnknownId": "true"}) as (_, charge_point):
        charge_point.charging.plug_in(1)
        assert await charge_point.charging.present(1, "x" * 21) == "Invalid"
        cut()
        await on("cp", charge_point.uplink.close(1001, "test"))  # type: ignore[union-attr]
        await charge_point.wait_for("waiting")
        assert await charge_point.charging.present(1, "x" * 21) == "Invalid"
        with pytest.raises(PayloadError, match="idTag"):
            charge_point.charging.start(1, "x" * 21)
        assert (charge_point.connectors[1].status, list(charge_point.transactions)) == ("Preparing", [])
        assert await charge_point.charging.present(1, "x" * 20) == "Accepted"
        assert [entry.request.action for entry in charge_point.outbox.entries()] == [START]


@simulated
async def test_the_cable_is_pulled_while_we_ask() -> None:
    """The answer comes too late for this car: the tag waits for the next cable, and then no more (core 4.9, B1)."""
    async with online() as (central_system, charge_point):
        central_system.faults.delay(AUTHORIZE, seconds=5)
        charge_point.charging.plug_in(1)
        asking = asyncio.create_task(charge_point.charging.present(1, "TAG_A"))
        await asyncio.sleep(1)
        charge_point.charging.unplug(1)
        assert await asking == "Accepted"
        await asyncio.sleep(100)
        assert START not in actions(central_system)
        assert told(central_system) == ["Preparing", "Available", "Preparing", "Available"]


@simulated
async def test_two_tags_at_once() -> None:
    """One question at a time: the other tag gets its no at once, and nobody is asked about it."""
    async with online() as (central_system, charge_point):
        charge_point.charging.plug_in(1)
        both = [charge_point.charging.present(1, tag) for tag in ("TAG_A", "TAG_B")]
        assert sorted(await asyncio.gather(*both)) == ["Accepted", "Invalid"]
        assert actions(central_system).count(AUTHORIZE) == 1
        assert await remote_start(central_system, "TAG_C") == "Rejected"
        await asyncio.sleep(1)
        assert [row["id_tag"] for row in central_system.ledger.rows()] in (["TAG_A"], ["TAG_B"])


@simulated
async def test_again_without_a_new_plug() -> None:
    """Core 4.9, F2: from Finishing back to Preparing, for the same tag. Another one would pay for this car."""
    async with online() as (central_system, charge_point):
        await begin(charge_point)
        charge_point.charging.stop(1, "Local")
        assert await charge_point.charging.present(1, "TAG_B") == "Invalid"
        assert await remote_start(central_system, "TAG_B") == "Rejected"
        assert await charge_point.charging.present(1, "tag_a") == "Accepted"
        await asyncio.sleep(1)
        assert [row["id_tag"] for row in central_system.ledger.rows()] == ["TAG_A", "tag_a"]
        assert told(central_system) == ["Preparing", "Charging", "Finishing", "Preparing", "Charging"]


# May I? ---------------------------------------------------------------------------------------------------------------


@simulated
async def test_a_tag_that_is_refused() -> None:
    """Core 4.1: the central system says no; nothing starts, and the connector still waits."""
    async with online(policy=BLOCKED) as (central_system, charge_point):
        charge_point.charging.plug_in(1)
        assert await charge_point.charging.present(1, "BAD") == "Blocked"
        await asyncio.sleep(1)
        assert START not in actions(central_system)
        assert charge_point.connectors[1].status == "Preparing"


@simulated
@pytest.mark.parametrize("fault", ["call_error", "ignore", "wrong_payload"])
async def test_no_answer_is_a_no(fault: str) -> None:
    """The driver stands there."""
    async with online() as (central_system, charge_point):
        getattr(central_system.faults, fault)(AUTHORIZE)
        charge_point.charging.plug_in(1)
        assert await charge_point.charging.present(1, "TAG_A") == "Invalid"
        assert charge_point.state == "online"


@simulated
@pytest.mark.parametrize("pre", [True, False])
async def test_a_known_tag_need_not_be_asked_for(pre: bool) -> None:
    """Core 3.5.1, 9.1: LocalPreAuthorize with the cache; it is verified by StartTransaction."""
    keys = {"AuthorizationCacheEnabled": "true", "LocalPreAuthorize": str(pre).lower()}
    async with online(keys) as (central_system, charge_point):
        for _ in range(2):
            await begin(charge_point)
            charge_point.charging.unplug(1)
        assert actions(central_system).count(AUTHORIZE) == (1 if pre else 2)
        assert actions(central_system).count(START) == 2


@simulated
async def test_the_answer_to_a_start_teaches_the_cache() -> None:
    """Core 4.8: a tag that was good and is not any more is refused offline; ClearCache forgets (core 5.4)."""
    policy = Policy()
    keys = {"AuthorizationCacheEnabled": "true", "LocalPreAuthorize": "true"}
    async with online(keys, policy=policy) as (central_system, charge_point):
        await begin(charge_point)
        charge_point.charging.unplug(1)
        policy.id_tags["TAG_A"] = "Blocked"
        await begin(charge_point)
        assert charge_point.cache.status("TAG_A", simulated_now()) == "Blocked"
        assert [row["reason"] for row in central_system.ledger.rows()] == ["EVDisconnected", "DeAuthorized"]
        assert (await central_system["CP_1"].call(m.ClearCacheRequest())).status == "Accepted"
        assert charge_point.cache.status("TAG_A", simulated_now()) is None


@simulated
@pytest.mark.parametrize(
    ("keys", "known", "unknown"),
    [
        ({}, "Accepted", "Invalid"),
        ({"AllowOfflineTxForUnknownId": "true"}, "Accepted", "Accepted"),
        ({"LocalAuthorizeOffline": "false"}, "Invalid", "Invalid"),
        ({"AuthorizationCacheEnabled": "false"}, "Invalid", "Invalid"),
    ],
)
async def test_offline_policy(keys: dict[str, str], known: str, unknown: str) -> None:
    """Core 3.5.2: decided at once, while waiting and while dialling, and while the line dies under the question."""
    async with online({"AuthorizationCacheEnabled": "true"} | keys, policy=BLOCKED) as (central_system, charge_point):
        authorize = charge_point.charging.authorize
        assert [await authorize(tag) for tag in ("TAG_A", "BAD")] == ["Accepted", "Blocked"]
        central_system.faults.abort(AUTHORIZE, times=1)
        assert await authorize("TAG_A") == known
        cut()
        await charge_point.wait_for("waiting")
        began = clock()
        assert [await authorize(tag) for tag in ("TAG_A", "TAG_X")] == [known, unknown]
        assert await authorize("BAD") != "Accepted" or keys.get("AuthorizationCacheEnabled") == "false"
        assert clock() == began


# Nobody comes ---------------------------------------------------------------------------------------------------------


@simulated
async def test_a_cable_and_no_tag() -> None:
    """Core errata 3.20 (B6), core 9.1: after ConnectionTimeOut it is Finishing, for the bay is taken; no tag that comes
    late pays for this car, before its cable has been pulled."""
    async with online({"ConnectionTimeOut": "20"}) as (central_system, charge_point):
        charge_point.charging.plug_in(1)
        await asyncio.sleep(19)
        assert told(central_system) == ["Preparing"]
        await asyncio.sleep(2)
        assert told(central_system) == ["Preparing", "Finishing"]
        with pytest.raises(IllegalTransition, match="unplug"):
            charge_point.charging.plug_in(1)
        assert await charge_point.charging.present(1, "TAG_A") == "Invalid"
        assert await remote_start(central_system) == "Rejected"
        await asyncio.sleep(100)
        assert told(central_system) == ["Preparing", "Finishing"]
        charge_point.charging.unplug(1)
        await begin(charge_point)
        assert told(central_system)[2:] == ["Available", "Preparing", "Charging"]


@simulated
@pytest.mark.parametrize("how", ["tag", "app"])
async def test_a_tag_and_no_cable(how: str) -> None:
    """Core 4.9 (A2, B1), 9.1.6: the connector waits for the cable, and is free again if none comes."""
    async with online({"ConnectionTimeOut": "20"}) as (central_system, charge_point):
        if how == "tag":
            assert await charge_point.charging.present(1, "TAG_A") == "Accepted"
        else:
            assert await remote_start(central_system) == "Accepted"
        await asyncio.sleep(19)
        assert told(central_system) == ["Preparing"]
        await asyncio.sleep(2)
        assert told(central_system) == ["Preparing", "Available"]
        charge_point.charging.plug_in(1)
        await asyncio.sleep(1)
        assert told(central_system)[2:] == ["Preparing"] and START not in actions(central_system)


@simulated
async def test_a_late_remote_start() -> None:
    """A cable that is in and waits is found before a free connector; one that came too late is not."""
    async with online({"ConnectionTimeOut": "20"}, connectors=3) as (central_system, charge_point):
        charge_point.charging.plug_in(2)
        await asyncio.sleep(100)
        assert charge_point.connectors[2].status == "Finishing"
        charge_point.charging.plug_in(3)
        assert await remote_start(central_system) == "Accepted"
        await asyncio.sleep(1)
        assert [row["connector"] for row in central_system.ledger.rows()] == [3]


@simulated
@pytest.mark.parametrize("timeout", ["20", "0"])
async def test_patience_counts_from_the_newest_preparing(timeout: str) -> None:
    """Every Preparing has its whole time; 0 waits for ever; what went on meanwhile is left alone."""
    async with online({"ConnectionTimeOut": timeout}) as (_, charge_point):
        charge_point.charging.plug_in(1)
        await asyncio.sleep(15)
        charge_point.charging.unplug(1)
        charge_point.charging.plug_in(1)
        await asyncio.sleep(15)
        assert charge_point.connectors[1].status == "Preparing"
        await asyncio.sleep(10)
        assert charge_point.connectors[1].status == ("Finishing" if timeout == "20" else "Preparing")
        await charge_point.charging.present(1, "TAG_A")
        await asyncio.sleep(100)
        assert charge_point.connectors[1].status == ("Finishing" if timeout == "20" else "Charging")


@simulated
async def test_patience_ends_into_what_was_commanded() -> None:
    """Core 5.2: Unavailable was Scheduled while somebody was here; it is when the cable has been pulled (F8)."""
    async with online() as (central_system, charge_point):
        charge_point.charging.plug_in(1)
        assert await make(central_system, "Inoperative", 1) == "Scheduled"
        await asyncio.sleep(61)
        assert told(central_system) == ["Preparing", "Finishing"]
        charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        assert told(central_system)[2:] == ["Unavailable"]
        assert await make(central_system, "Operative", 1) == "Accepted"
        await asyncio.sleep(1)
        assert told(central_system)[3:] == ["Available"]


# From afar ------------------------------------------------------------------------------------------------------------


@simulated
async def test_remote_start() -> None:
    """Core 5.11: the answer, then the transaction; without a connector, the one that is ready."""
    async with online(connectors=2) as (central_system, charge_point):
        charge_point.charging.plug_in(2)
        await asyncio.sleep(1)
        before = len(exchange(central_system))
        assert await remote_start(central_system, connector=3) == "Rejected"
        assert await remote_start(central_system) == "Accepted"
        await asyncio.sleep(1)
        assert exchange(central_system)[before:][2:4] == ["> RemoteStartTransaction", "< result"]
        assert sorted(exchange(central_system)[before + 4 :]) == sorted(
            ["< StatusNotification", "> result", "< StartTransaction", "> result"]
        )
        [row] = central_system.ledger.rows()
        assert (row["connector"], row["id_tag"]) == (2, "TAG_A")


@simulated
@pytest.mark.parametrize("tag", ["TAG_A", "BAD"])
async def test_remote_start_may_ask_first(tag: str) -> None:
    """Core 5.11: with AuthorizeRemoteTxRequests the tag is authorised as if it were held to the reader."""
    async with online({"AuthorizeRemoteTxRequests": "true"}, policy=BLOCKED) as (central_system, charge_point):
        charge_point.charging.plug_in(1)
        assert await remote_start(central_system, tag) == "Accepted"
        await asyncio.sleep(1)
        assert actions(central_system).count(AUTHORIZE) == 1
        assert actions(central_system).count(START) == (1 if tag == "TAG_A" else 0)


@simulated
async def test_two_remote_starts_for_one_cable() -> None:
    """Both may be accepted; one transaction begins."""
    async with online({"AuthorizeRemoteTxRequests": "true"}) as (central_system, charge_point):
        charge_point.charging.plug_in(1)
        both = await asyncio.gather(*[remote_start(central_system, tag) for tag in ("TAG_A", "TAG_B")])
        assert "Accepted" in both
        await asyncio.sleep(1)
        assert len(central_system.ledger.rows()) == 1
        assert charge_point.state == "online"


@simulated
@pytest.mark.parametrize("transaction_id", [-1, 0, 4711])
async def test_remote_stop_of_what_does_not_run(transaction_id: int) -> None:
    """Core 5.12: Rejected; also the id of a transaction that is over."""
    async with online() as (central_system, charge_point):
        await begin(charge_point)
        stop = m.RemoteStopTransactionRequest(transaction_id=transaction_id)
        assert (await central_system["CP_1"].call(stop)).status == "Rejected"
        [row] = central_system.ledger.rows()
        charge_point.charging.unplug(1)
        stop = m.RemoteStopTransactionRequest(transaction_id=row["id"])
        assert (await central_system["CP_1"].call(stop)).status == "Rejected"
        await asyncio.sleep(1)
        assert central_system.ledger.rows()[0]["reason"] == "EVDisconnected"


@simulated
async def test_remote_stop_of_an_id_that_was_given_twice() -> None:
    """A central system that lost its memory counts from 1 again: the transaction that runs is meant."""
    async with online() as (central_system, charge_point):
        payload = {"transactionId": 1, "idTagInfo": {"status": "Accepted"}}
        central_system.faults.wrong_payload(START, payload=payload)
        await begin(charge_point)
        charge_point.charging.unplug(1)
        await begin(charge_point)
        answer = await central_system["CP_1"].call(m.RemoteStopTransactionRequest(transaction_id=1))
        assert answer.status == "Accepted"
        await asyncio.sleep(1)
        assert [each["reason"] for each in payloads(central_system, STOP)] == ["EVDisconnected", "Remote"]


@simulated
async def test_triggered_meter_values() -> None:
    """Core 5.17: of one connector or of all, whether a transaction runs there or not; only then is one named."""
    async with online({"MeterValueSampleInterval": "0"}, connectors=2) as (central_system, charge_point):
        await begin(charge_point, 2)
        for connector, status in ((1, "Accepted"), (2, "Accepted"), (3, "Rejected"), (None, "Accepted")):
            await asyncio.sleep(10)
            request = m.TriggerMessageRequest(requested_message="MeterValues", connector_id=connector)
            assert (await central_system["CP_1"].call(request)).status == status
            await asyncio.sleep(1)
        told = payloads(central_system, METER)
        assert {each["meterValue"][0]["sampledValue"][0]["context"] for each in told} == {"Trigger"}
        ids = [(each["connectorId"], each.get("transactionId")) for each in told]
        assert ids[:2] == [(1, None), (2, 1)] and sorted(ids[2:]) == [(1, None), (2, 1)]


# Availability ---------------------------------------------------------------------------------------------------------


async def make(central_system: CentralSystem, kind: Any, connector: int = 1) -> str:
    request = m.ChangeAvailabilityRequest(connector_id=connector, type=kind)
    return (await central_system["CP_1"].call(request)).status


@simulated
@pytest.mark.parametrize("charge", [False, True])
@pytest.mark.parametrize("connector", [0, 1])
async def test_in_use_means_later(charge: bool, connector: int) -> None:
    """Core 5.2: Scheduled while a car is there; Unavailable as soon as it has gone, by the edges of the table."""
    async with online() as (central_system, charge_point):
        charge_point.charging.plug_in(1)
        if charge:
            await charge_point.charging.present(1, "TAG_A")
        assert await make(central_system, "Inoperative", connector) == "Scheduled"
        await asyncio.sleep(50)
        assert charge_point.connectors[1].status == ("Charging" if charge else "Preparing")
        charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        assert told(central_system)[-1] == charge_point.connectors[1].status == "Unavailable"
        assert await make(central_system, "Operative", connector) == "Accepted"
        await begin(charge_point)
        assert charge_point.connectors[1].status == "Charging"


@simulated
async def test_what_was_scheduled_can_be_called_off() -> None:
    async with online() as (central_system, charge_point):
        await begin(charge_point)
        assert await make(central_system, "Inoperative") == "Scheduled"
        assert await make(central_system, "Operative") == "Accepted"
        charge_point.charging.unplug(1)
        assert charge_point.connectors[1].status == "Available"


@simulated
async def test_finishing_is_in_use() -> None:
    """Core 4.9, F8: a cable is still in, so Unavailable is Scheduled; nothing begins meanwhile, not even again."""
    async with online() as (central_system, charge_point):
        await begin(charge_point)
        charge_point.charging.stop(1, "Local")
        assert await make(central_system, "Inoperative") == "Scheduled"
        assert await charge_point.charging.present(1, "TAG_A") == "Invalid"
        assert await remote_start(central_system) == "Rejected"
        await asyncio.sleep(1)
        assert told(central_system)[-1] == "Finishing"
        charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        assert told(central_system)[-2:] == ["Finishing", "Unavailable"]


@simulated
async def test_available_with_a_cable_in() -> None:
    """Core 4.9, H2: somebody plugged in while it was Unavailable, and may charge now."""
    async with online() as (central_system, charge_point):
        assert await make(central_system, "Inoperative", 0) == "Accepted"
        charge_point.charging.plug_in(1)
        await asyncio.sleep(1)
        assert told(central_system) == ["Unavailable"]
        assert await make(central_system, "Operative", 0) == "Accepted"
        assert charge_point.connectors[1].status == "Preparing"
        assert await remote_start(central_system) == "Accepted"
        await asyncio.sleep(1)
        assert told(central_system)[1:] == ["Preparing", "Charging"]


# Odd central systems --------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("transaction_id", [0, -5, 2**31, 2**63, 10**30])
async def test_whatever_it_calls_the_transaction(transaction_id: int) -> None:
    """The specification bounds no integer: the id goes back as it came, and nothing breaks."""
    async with online({"MeterValueSampleInterval": "60"}) as (central_system, charge_point):
        payload = {"transactionId": transaction_id, "idTagInfo": {"status": "Accepted"}}
        central_system.faults.wrong_payload(START, payload=payload)
        await begin(charge_point)
        await asyncio.sleep(61)
        assert [each["transactionId"] for each in payloads(central_system, METER)] == [transaction_id]
        assert charge_point.state == "online"


@simulated
async def test_unlock_without_a_transaction() -> None:
    """Core 5.18, core errata 3.85."""
    async with online() as (central_system, charge_point):
        await unlock(central_system, charge_point)
        answer = await central_system["CP_1"].call(m.UnlockConnectorRequest(connector_id=2))
        assert answer.status == "NotSupported"
        assert STOP not in actions(central_system)
