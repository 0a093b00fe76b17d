"""What drivers and operators do to a session, in every order, and what the configuration makes of it (core 3.10, 4.9,
4.10, 5.2, 5.11, 5.14, 5.18). On simulated time, against a real central system; 1 Wh a second.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CentralSystem, ChargePoint, Policy
from ocpp_lab import messages as m
from ocpp_lab.station.car import Car
from ocpp_lab.station.rights import Reservation
from tests.fakes import power_cut
from tests.own_side import START, STOP, begin, invoices, online, told
from tests.pair import (
    actions,
    calls,
    central_system_alone,
    charge_point_alone,
    exchange,
    payloads,
    simulated,
    simulated_now,
)
from tests.profiles import profile
from tests.simulated import clock, fresh_path

AUTHORIZE, STATUS = "Authorize", "StatusNotification"
FAMILY = {"TAG_A": "FAMILY", "TAG_B": "family"}


def car() -> Car:
    return Car(wanted=1e6, power=3_600)


class Groups(Policy):
    """TAG_A and TAG_B are a family."""

    def authorize(self, id_tag: str) -> m.IdTagInfo:
        info = super().authorize(id_tag)
        return m.IdTagInfo(status=info.status, parent_id_tag=FAMILY.get(id_tag.upper()))


async def ask(central_system: CentralSystem, request: m.Request[Any]) -> str:
    answer: Any = await central_system["CP_1"].call(request)
    return str(answer.status)


async def app(central_system: CentralSystem, tag: str = "TAG_A", connector: int | None = None) -> str:
    return await ask(central_system, m.RemoteStartTransactionRequest(id_tag=tag, connector_id=connector))


def rows(central_system: CentralSystem) -> list[dict[str, Any]]:
    """The transactions in its ledger, oldest first."""
    ledger: Any = central_system.ledger
    found: list[dict[str, Any]] = ledger.rows()
    return found


def statuses(central_system: CentralSystem, connector: int = 1) -> list[tuple[str, str, str | None]]:
    """Status, error and info of a connector as they were told, without the first."""
    sent = [each for each in payloads(central_system, STATUS) if each["connectorId"] == connector]
    return [(each["status"], each["errorCode"], each.get("info")) for each in sent][1:]


# In any order ---------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("order", [("cable", "tag"), ("tag", "cable"), ("app", "cable"), ("cable", "app")])
async def test_whatever_comes_first(order: tuple[str, ...]) -> None:
    """Core 4.9, A2: each begins a session; the cable and the accepted tag together start one transaction."""
    async with online() as (central_system, charge_point):
        for touch in order:
            if touch == "cable":
                charge_point.charging.plug_in(1, car())
            elif touch == "tag":
                assert await charge_point.charging.present(1, "TAG_A") == "Accepted"
            else:
                assert await app(central_system) == "Accepted"
            await asyncio.sleep(1)
        assert told(central_system)[1:] == ["Preparing", "Charging"]
        assert [row["id_tag"] for row in rows(central_system)] == ["TAG_A"]


@simulated
async def test_a_second_swipe_ends_what_waits() -> None:
    """Core 4.9, B1: the driver does not want to; the cable that comes later charges nobody."""
    async with online() as (central_system, charge_point):
        await charge_point.charging.present(1, "TAG_A")
        assert await charge_point.charging.present(1, "TAG_B") == "Invalid"  # the place is TAG_A's
        assert await charge_point.charging.present(1, "tag_a") == "Accepted"
        charge_point.charging.plug_in(1)
        await asyncio.sleep(1)
        assert told(central_system)[1:] == ["Preparing", "Available", "Preparing"]
        assert actions(central_system).count(AUTHORIZE) == 1


@simulated
async def test_who_waits_holds_the_connector() -> None:
    """A second app is Rejected, and to be withdrawn has to wait (core 5.2, 5.11); the first driver still charges."""
    async with online() as (central_system, charge_point):
        assert await app(central_system) == "Accepted"
        assert await app(central_system, "TAG_B") == "Rejected"
        assert await ask(central_system, m.ChangeAvailabilityRequest(connector_id=1, type="Inoperative")) == "Scheduled"
        charge_point.charging.plug_in(1, car())
        await asyncio.sleep(1)
        assert told(central_system)[1:] == ["Preparing", "Charging"]
        charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        assert told(central_system)[-2:] == ["Finishing", "Unavailable"]


@simulated
async def test_withdrawn_without_a_cable_to_pull() -> None:
    """Core 4.9, D8: after the stop nobody has to do anything, so it is Unavailable at once."""
    async with online({"StopTransactionOnEVSideDisconnect": "false"}, cable="fixed") as (central_system, charge_point):
        await begin(charge_point)
        charge_point.charging.unplug(1)
        assert await ask(central_system, m.ChangeAvailabilityRequest(connector_id=1, type="Inoperative")) == "Scheduled"
        assert await charge_point.charging.present(1, "TAG_A") == "Accepted"
        await asyncio.sleep(1)
        assert told(central_system)[-2:] == ["SuspendedEV", "Unavailable"]


@simulated
async def test_accepted_from_afar_and_then_invalid() -> None:
    """Core 5.11: the tag is asked for after the answer, and refused: no start; a cable makes Preparing, and no more."""
    policy = Policy(id_tags={"BAD": "Invalid"})
    async with online({"AuthorizeRemoteTxRequests": "true"}, policy=policy) as (central_system, charge_point):
        assert await app(central_system, "BAD") == "Accepted"
        await asyncio.sleep(1)
        assert exchange(central_system)[-2:] == ["< Authorize", "> result"]
        charge_point.charging.plug_in(1)
        await asyncio.sleep(1)
        assert told(central_system)[1:] == ["Preparing"] and START not in actions(central_system)


@simulated
async def test_a_known_tag_from_afar_need_not_be_asked_for() -> None:
    """Core 5.11 with 3.5: "as if held to the reader", so LocalPreAuthorize and the cache decide."""
    keys = {"AuthorizeRemoteTxRequests": "true", "AuthorizationCacheEnabled": "true", "LocalPreAuthorize": "true"}
    async with online(keys) as (central_system, charge_point):
        await charge_point.charging.authorize("TAG_A")
        charge_point.charging.plug_in(1, car())
        assert await app(central_system) == "Accepted"
        await asyncio.sleep(1)
        assert actions(central_system).count(AUTHORIZE) == 1 and actions(central_system).count(START) == 1


# One reader for all ---------------------------------------------------------------------------------------------------


@simulated
async def test_one_reader_binds_where_the_cable_goes_in() -> None:
    """Core 4.9: until then no connector is taken; and only once."""
    async with online(connectors=2) as (central_system, charge_point):
        assert await charge_point.charging.present(0, "TAG_A") == "Accepted"
        await asyncio.sleep(5)
        assert {place.status for place in charge_point.connectors.values()} == {"Available"}
        charge_point.charging.plug_in(2, car())
        charge_point.charging.plug_in(1, car())
        await asyncio.sleep(1)
        assert [place.status for place in charge_point.connectors.values()] == ["Available", "Preparing", "Charging"]
        assert await charge_point.charging.present(0, "TAG_A") == "Accepted"  # its own: that is a stop
        await asyncio.sleep(1)
        assert invoices(central_system) == [(0, 1, "Local")]


@simulated
async def test_one_reader_and_a_cable_that_waits() -> None:
    async with online(connectors=2) as (central_system, charge_point):
        charge_point.charging.plug_in(2, car())
        assert await charge_point.charging.present(0, "TAG_A") == "Accepted"
        await asyncio.sleep(1)
        assert [row["connector"] for row in rows(central_system)] == [2]


@simulated
@pytest.mark.parametrize("how", ["time", "swipe"])
async def test_one_reader_forgets(how: str) -> None:
    """After ConnectionTimeOut, or a second swipe, a cable finds nobody who pays for it."""
    async with online({"ConnectionTimeOut": "20"}) as (central_system, charge_point):
        await charge_point.charging.present(0, "TAG_A")
        if how == "time":
            await asyncio.sleep(21)
        else:
            assert await charge_point.charging.present(0, "TAG_A") == "Accepted"
        charge_point.charging.plug_in(1)
        await asyncio.sleep(1)
        assert START not in actions(central_system)


# Groups ---------------------------------------------------------------------------------------------------------------


@simulated
async def test_the_group_stops() -> None:
    """Core 3.10, 4.1: another tag of the group is asked about, stops, and stands in the stop; a stranger does not."""
    async with online(policy=Groups()) as (central_system, charge_point):
        await begin(charge_point)
        assert await charge_point.charging.present(1, "TAG_C") == "Invalid"
        assert await charge_point.charging.present(1, "FAMILY") == "Invalid"  # a group is no tag
        assert not invoices(central_system)[0][2]
        assert await charge_point.charging.present(1, "TAG_B") == "Accepted"
        await asyncio.sleep(1)
        assert [each["idTag"] for each in payloads(central_system, STOP)] == ["TAG_B"]
        assert actions(central_system).count(AUTHORIZE) == 4


@simulated
async def test_without_a_group_nobody_else_is_asked_about() -> None:
    """Whatever the answer, it could not stop this one."""
    async with online() as (central_system, charge_point):
        await begin(charge_point)
        assert await charge_point.charging.present(1, "TAG_B") == "Invalid"
        assert actions(central_system).count(AUTHORIZE) == 1


@simulated
async def test_a_group_that_the_start_teaches() -> None:
    """Core 6.46: nobody was asked before; the answer to the start says whose friend it is."""
    async with online(policy=Groups()) as (central_system, charge_point):
        charge_point.charging.plug_in(1, car())
        assert await app(central_system) == "Accepted"
        await asyncio.sleep(1)
        assert await charge_point.charging.present(1, "TAG_B") == "Accepted"
        await asyncio.sleep(1)
        assert invoices(central_system)[0][2] == "Local"


@simulated
async def test_the_group_begins_again() -> None:
    """Core 4.9, F2: with the cable still in, for the same tag or its group, and nobody else."""
    async with online(policy=Groups()) as (central_system, charge_point):
        await begin(charge_point)
        charge_point.charging.stop(1, "Local")
        assert await charge_point.charging.present(1, "TAG_C") == "Invalid"
        assert await charge_point.charging.present(1, "TAG_B") == "Accepted"
        await asyncio.sleep(1)
        assert [row["id_tag"] for row in rows(central_system)] == ["TAG_A", "TAG_B"]


# Faults and locks -----------------------------------------------------------------------------------------------------


@simulated
async def test_a_fault_suspends_and_is_told() -> None:
    """Core 4.9, C9, I3: no energy and no readings; then as before, in the same transaction."""
    async with online({"MeterValueSampleInterval": "10"}) as (central_system, charge_point):
        await begin(charge_point)
        await asyncio.sleep(19.5)
        charge_point.charging.fault(1, "OverCurrentFailure", "fuse 3")
        read = actions(central_system).count("MeterValues")
        await asyncio.sleep(60)
        assert charge_point.connectors[1].power == 0
        assert actions(central_system).count("MeterValues") - read <= 1
        charge_point.charging.clear_fault(1)
        await asyncio.sleep(10)
        assert statuses(central_system) == [
            ("Preparing", "NoError", None), ("Charging", "NoError", None),
            ("Faulted", "OverCurrentFailure", "fuse 3"), ("Charging", "NoError", None),
        ]  # fmt: skip
        assert charge_point.connectors[1].energy == pytest.approx(30, abs=1)
        charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        assert len(invoices(central_system)) == 1


@simulated
@pytest.mark.parametrize("error", ["WeakSignal", "EVCommunicationError"])
async def test_a_warning_is_told_and_faults_nothing(error: Any) -> None:
    """Core 4.9, 7.6: the car can still charge; only without talking to it we do not."""
    async with online() as (central_system, charge_point):
        await begin(charge_point)
        charge_point.charging.fault(1, error)
        await asyncio.sleep(1)
        assert statuses(central_system)[-1][:2] == (
            "SuspendedEVSE" if error == "EVCommunicationError" else "Charging", error,
        )  # fmt: skip
        charge_point.charging.clear_fault(1)
        await asyncio.sleep(1)
        assert statuses(central_system)[-1] == ("Charging", "NoError", None)


@simulated
async def test_a_lock_that_does_not_close() -> None:
    """No start without a lock: Preparing, then Faulted with ConnectorLockFailure (core 7.6)."""
    async with online() as (central_system, charge_point):
        charge_point.charging.jam_lock(1)
        charge_point.charging.plug_in(1, car())
        await charge_point.charging.present(1, "TAG_A")
        await asyncio.sleep(1)
        assert statuses(central_system)[-1][:2] == ("Faulted", "ConnectorLockFailure")
        assert START not in actions(central_system) and not list(charge_point.transactions)
        charge_point.charging.jam_lock(1, jammed=False)
        charge_point.charging.clear_fault(1)
        await asyncio.sleep(1)
        await charge_point.charging.present(1, "TAG_A")
        await asyncio.sleep(1)
        assert told(central_system)[-2:] == ["Preparing", "Charging"]


@simulated
async def test_a_lock_that_does_not_open() -> None:
    """Core 5.18: UnlockFailed, after the transaction is finished; its cable is Finishing until it can be pulled."""
    async with online() as (central_system, charge_point):
        await begin(charge_point)
        charge_point.charging.jam_lock(1)
        assert await ask(central_system, m.UnlockConnectorRequest(connector_id=1)) == "UnlockFailed"
        charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        assert [reason for _, _, reason in invoices(central_system)] == ["UnlockCommand"]
        assert statuses(central_system)[-1][:2] == ("Finishing", "ConnectorLockFailure")
        charge_point.charging.jam_lock(1, jammed=False)
        assert await ask(central_system, m.UnlockConnectorRequest(connector_id=1)) == "Unlocked"
        charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        assert statuses(central_system)[-1] == ("Available", "NoError", None)


@simulated
async def test_a_fixed_cable_has_no_lock() -> None:
    """Core 5.18, core errata 3.83: NotSupported, and the transaction goes on; the key says false and stays so."""
    async with online(cable="fixed") as (central_system, charge_point):
        await begin(charge_point)
        assert await ask(central_system, m.UnlockConnectorRequest(connector_id=1)) == "NotSupported"
        change = m.ChangeConfigurationRequest(key="UnlockConnectorOnEVSideDisconnect", value="true")
        assert await ask(central_system, change) == "Rejected"
        assert charge_point.configuration["UnlockConnectorOnEVSideDisconnect"] == "false"
        assert charge_point.connectors[1].power > 0 and len(list(charge_point.transactions)) == 1


# A cable with two ends ------------------------------------------------------------------------------------------------


@simulated
async def test_pulled_from_the_car_and_still_locked() -> None:
    """Core 4.10: StopTransactionOnEVSideDisconnect=false has priority: the transaction waits, the cable stays."""
    async with online({"StopTransactionOnEVSideDisconnect": "false"}) as (central_system, charge_point):
        await begin(charge_point)
        charge_point.charging.unplug(1)
        place = charge_point.connectors[1]
        assert (place.end_in, place.locked, place.power) == (True, True, 0)
        await asyncio.sleep(10)
        assert statuses(central_system)[-1] == ("SuspendedEV", "NoError", "EV side disconnected")
        charge_point.charging.plug_in(1, car())
        await asyncio.sleep(9.5)
        assert statuses(central_system)[-1] == ("Charging", "NoError", None)
        charge_point.charging.unplug(1)
        assert await charge_point.charging.present(1, "TAG_A") == "Accepted"
        await asyncio.sleep(1)
        assert statuses(central_system)[-1][0] == "Finishing"  # the near end has to be pulled, and can be
        charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        assert told(central_system)[-1] == "Available" and invoices(central_system) == [(0, 10, "Local")]


@simulated
@pytest.mark.parametrize("unlock", [True, False])
async def test_pulled_from_the_car_and_over(unlock: bool) -> None:
    """Core 4.9, 4.10: Finishing, and why; with UnlockConnectorOnEVSideDisconnect=false until its owner comes."""
    keys = {"UnlockConnectorOnEVSideDisconnect": str(unlock).lower()}
    async with online(keys) as (central_system, charge_point):
        await begin(charge_point)
        charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        assert ("Finishing", "NoError", "EV side disconnected") in statuses(central_system)
        assert [reason for _, _, reason in invoices(central_system)] == ["EVDisconnected"]
        if not unlock:
            assert charge_point.connectors[1].status == "Finishing"
            assert await charge_point.charging.present(1, "TAG_B") == "Invalid"
            charge_point.charging.unplug(1)
            assert charge_point.connectors[1].status == "Finishing"
            assert await charge_point.charging.present(1, "TAG_A") == "Accepted"
            charge_point.charging.unplug(1)
            await asyncio.sleep(1)
        assert told(central_system)[-1] == "Available" and actions(central_system).count(START) == 1


# Not accepted after all -----------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("stop", [True, False])
@pytest.mark.parametrize("most", [0, 500])
async def test_energy_for_a_tag_that_is_not_accepted(most: int, stop: bool) -> None:
    """Core errata 3.17: MaxEnergyOnInvalidId comes first, then the end, or the pause."""
    keys = {"MaxEnergyOnInvalidId": f"{most}", "StopTransactionOnInvalidId": str(stop).lower()}
    async with online(keys, policy=Policy(id_tags={"BAD": "Blocked"})) as (central_system, charge_point):
        charge_point.charging.plug_in(1, car())
        assert await app(central_system, "BAD") == "Accepted"
        await asyncio.sleep(1000)
        assert charge_point.connectors[1].energy == pytest.approx(most, abs=1)
        status = "Finishing" if stop else "SuspendedEVSE"
        assert told(central_system)[-1] == status
        assert invoices(central_system)[0][2] == ("DeAuthorized" if stop else None)
        assert charge_point.connectors[1].locked  # until its owner comes
        charge_point.charging.unplug(1)
        await asyncio.sleep(1)
        assert told(central_system)[-1] == ("Finishing" if stop else "Available")


# Resets ---------------------------------------------------------------------------------------------------------------


@simulated
async def test_a_soft_reset_waits_for_its_stops() -> None:
    """Core 5.14: they are sent and answered, then it goes down."""
    async with online() as (central_system, charge_point):
        await begin(charge_point)
        central_system.faults.delay(STOP, seconds=7)
        assert await ask(central_system, m.ResetRequest(type="Soft")) == "Accepted"
        await asyncio.sleep(20)
        at = {action: when for when, action in calls(central_system)}
        assert at["BootNotification"] > at[STOP] + 7 and actions(central_system).count(STOP) == 1


@simulated
async def test_a_soft_reset_does_not_wait_for_ever() -> None:
    """Core 5.14: a stop that is not answered is queued; it comes after the boot."""
    async with online(timeout=10) as (central_system, charge_point):
        await begin(charge_point)
        central_system.faults.ignore(STOP)
        began = clock()
        assert await ask(central_system, m.ResetRequest(type="Soft")) == "Accepted"
        await asyncio.sleep(30)
        boots = [at for at, action in calls(central_system) if action == "BootNotification"]
        assert len(boots) == 2 and boots[-1] - began < 15
        central_system.faults.clear()
        await asyncio.sleep(100)
        assert [reason for _, _, reason in invoices(central_system)] == ["SoftReset"]


@simulated
async def test_a_hard_reset_sends_its_stops_after_the_boot() -> None:
    """Core 5.14, core errata 3.36."""
    async with online() as (central_system, charge_point):
        await begin(charge_point)
        before = len(actions(central_system))
        assert await ask(central_system, m.ResetRequest(type="Hard")) == "Accepted"
        await asyncio.sleep(20)
        after = [action for action in actions(central_system)[before:] if action in (STOP, "BootNotification")]
        assert after == ["BootNotification", STOP]
        assert charge_point.connectors[1].status == "Finishing"


@simulated
async def test_a_reset_that_fails_is_tried_again() -> None:
    """Core 9.1: ResetRetries; then the error is told."""
    async with online({"ResetRetries": "2"}) as (central_system, charge_point):
        tries = list[float]()
        reboot = charge_point.gate.reboot

        async def fail(why: str) -> None:
            tries.append(clock())
            if len(tries) < 3:
                raise RuntimeError("the watchdog sleeps")
            await reboot(why)

        charge_point.gate.reboot = fail  # type: ignore[method-assign]
        assert await ask(central_system, m.ResetRequest(type="Soft")) == "Accepted"
        await asyncio.sleep(20)
        assert len(tries) == 3 and actions(central_system).count("BootNotification") == 2
        charge_point.configuration["ResetRetries"] = "0"
        tries.clear()
        assert await ask(central_system, m.ResetRequest(type="Soft")) == "Accepted"
        await asyncio.sleep(20)
        assert statuses(central_system, 0)[-1] == ("Available", "ResetFailure", None)


# Statuses that do not last --------------------------------------------------------------------------------------------


@simulated
async def test_a_short_status_is_not_told() -> None:
    """Core 4.9, 9.1: MinimumStatusDuration; what lasted is told with the instant at which it began."""
    async with online({"MinimumStatusDuration": "5"}) as (central_system, charge_point):
        began = simulated_now()
        charge_point.charging.plug_in(1, car())
        await asyncio.sleep(3)
        await charge_point.charging.present(1, "TAG_A")
        await asyncio.sleep(10)
        charge_point.charging.fault(1)
        charge_point.charging.clear_fault(1)
        await asyncio.sleep(10)
        assert told(central_system)[1:] == ["Charging"]
        at = datetime.fromisoformat(payloads(central_system, STATUS)[-1]["timestamp"])
        assert timedelta(seconds=3) <= at - began < timedelta(seconds=3.1)


# Reservations, as whoever keeps them will have them -------------------------------------------------------------------


class Kept:
    """A register of reservations in memory."""

    def __init__(self, *living: Reservation) -> None:
        self.living = list(living)
        self.ended: list[tuple[int, str]] = []

    def reservations(self) -> list[Reservation]:
        return self.living

    def used(self, reservation_id: int) -> None:
        self.living = [each for each in self.living if each.id != reservation_id]

    def ends(self, connector: int, why: Any) -> None:
        self.ended.append((connector, why))


def reserve(charge_point: ChargePoint, connector: int, tag: str = "TAG_A", parent: str | None = None) -> Kept:
    kept = Kept(Reservation(7, connector, tag, parent, simulated_now() + timedelta(hours=1)))
    charge_point.charging.bays.reservations = kept
    if connector:
        charge_point.charging.bays.notice(connector, "reserve")
    return kept


@simulated
async def test_a_reserved_connector_serves_its_owner() -> None:
    """Core 5.13: a stranger's cable changes nothing, a stranger's tag is not even asked about; the start tells the
    reservation, and ends it."""
    async with online() as (central_system, charge_point):
        kept = reserve(charge_point, 1)
        charge_point.charging.plug_in(1, car())
        assert charge_point.connectors[1].status == "Reserved"
        assert await charge_point.charging.present(1, "TAG_B") == "Invalid"
        assert await app(central_system, "TAG_B") == "Rejected"
        assert AUTHORIZE not in actions(central_system)
        assert await charge_point.charging.present(1, "TAG_A") == "Accepted"
        await asyncio.sleep(1)
        assert [each["reservationId"] for each in payloads(central_system, START)] == [7] and not kept.living
        assert told(central_system)[1:] == ["Reserved", "Preparing", "Charging"]


@simulated
async def test_a_reservation_for_a_group() -> None:
    """Core 5.13: to learn whose friend it is, the tag is asked about."""
    async with online(policy=Groups()) as (central_system, charge_point):
        reserve(charge_point, 1, parent="FAMILY")
        charge_point.charging.plug_in(1, car())
        assert await charge_point.charging.present(1, "TAG_C") == "Invalid"
        assert await charge_point.charging.present(1, "TAG_B") == "Accepted"
        await asyncio.sleep(1)
        assert actions(central_system).count(AUTHORIZE) == 2
        assert [each["reservationId"] for each in payloads(central_system, START)] == [7]


@simulated
async def test_the_last_free_one_is_kept() -> None:
    """Core 5.13: a reservation of connector 0."""
    async with online(connectors=2) as (central_system, charge_point):
        reserve(charge_point, 0)
        assert await app(central_system, "TAG_B", 1) == "Accepted"
        assert await app(central_system, "TAG_C", 2) == "Rejected"
        assert await app(central_system, "TAG_A", 2) == "Accepted"


@simulated
async def test_what_ends_a_reservation() -> None:
    """Core 5.13: Faulted, or Unavailable."""
    async with online(connectors=2) as (central_system, charge_point):
        kept = reserve(charge_point, 1)
        charge_point.charging.fault(1)
        await ask(central_system, m.ChangeAvailabilityRequest(connector_id=2, type="Inoperative"))
        assert kept.ended == [(1, "Faulted"), (2, "Unavailable")]
        charge_point.charging.clear_fault(1)
        assert charge_point.connectors[1].status == "Available"


# What is offered ------------------------------------------------------------------------------------------------------


async def limit(central_system: CentralSystem, amperes: float) -> None:
    """From now on connector 1 may draw so much, whoever charges (A per phase)."""
    request = m.SetChargingProfileRequest(connector_id=1, cs_charging_profiles=profile((0, amperes)))
    assert await ask(central_system, request) == "Accepted"
    await asyncio.sleep(1)


@simulated
async def test_less_than_a_car_needs() -> None:
    """Core 4.9, B5, C5, E3: SuspendedEVSE, also from the very beginning; then it goes on, as fast as it may."""
    async with online() as (central_system, charge_point):
        assert charge_point.charging.runs(1) is None
        await limit(central_system, 0)
        charge_point.charging.plug_in(1, Car(wanted=1e6, power=11_000))
        await charge_point.charging.present(1, "TAG_A")
        await asyncio.sleep(1)
        assert told(central_system)[1:] == ["Preparing", "SuspendedEVSE"]
        runs = charge_point.charging.runs(1)
        assert runs and runs[0] == rows(central_system)[0]["id"]
        await limit(central_system, 10)
        assert charge_point.connectors[1].power == 3 * 230 * 10
        await ask(central_system, m.ClearChargingProfileRequest())
        await asyncio.sleep(1)
        assert charge_point.connectors[1].power == 11_000
        await limit(central_system, 5.9)
        assert told(central_system)[3:] == ["Charging", "SuspendedEVSE"]


# The power goes -------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("how", ["tag", "app", "reader"])
async def test_who_waits_still_waits(how: str, tmp_path: Path) -> None:
    """After a power cut the cable that comes starts; or the patience of the new life runs out."""
    path, connectors = fresh_path(tmp_path, "cp"), 2 if how == "reader" else 1  # who waits at a reader chooses one
    async with central_system_alone() as central_system:
        async with charge_point_alone(path=path, connectors=connectors) as charge_point:
            await charge_point.wait_for("online")
            if how == "app":
                assert await app(central_system) == "Accepted"
            else:
                await charge_point.charging.present(0 if how == "reader" else 1, "TAG_A")
            left = power_cut(path)
        async with charge_point_alone(path=left, connectors=connectors) as charge_point:
            await charge_point.wait_for("online")
            assert charge_point.connectors[1].status == ("Available" if how == "reader" else "Preparing")
            charge_point.charging.plug_in(1, car())
            await asyncio.sleep(1)
            assert [row["id_tag"] for row in rows(central_system)] == ["TAG_A"]


@simulated
@pytest.mark.parametrize("resume", [False, True])
async def test_a_group_and_its_cable_survive(resume: bool, tmp_path: Path) -> None:
    """Core 3.10, 4.10: its friend stops it, or, where it was closed, begins again; nobody else has this cable."""
    path = fresh_path(tmp_path, "cp")
    async with central_system_alone(policy=Groups()) as central_system:
        async with charge_point_alone(path=path) as charge_point:
            await charge_point.wait_for("online")
            await begin(charge_point)
            await asyncio.sleep(1)
            left = power_cut(path)
        async with charge_point_alone(path=left, resume_transactions=resume) as charge_point:
            await charge_point.wait_for("online")
            await asyncio.sleep(1)
            assert charge_point.connectors[1].status == ("Charging" if resume else "Finishing")
            assert charge_point.connectors[1].locked == resume
            assert await charge_point.charging.present(1, "TAG_C") == "Invalid"
            assert await charge_point.charging.present(1, "TAG_B") == "Accepted"
            await asyncio.sleep(1)
            assert [row["reason"] for row in rows(central_system)] == (["Local"] if resume else ["PowerLoss", None])


@simulated
async def test_a_pause_survives(tmp_path: Path) -> None:
    """A tag that is not accepted gets no energy from a power cut either."""
    path = fresh_path(tmp_path, "cp")
    async with central_system_alone(policy=Policy(id_tags={"BAD": "Blocked"})) as central_system:
        async with charge_point_alone(path=path) as charge_point:
            charge_point.configuration["StopTransactionOnInvalidId"] = "false"
            await charge_point.wait_for("online")
            charge_point.charging.plug_in(1, car())
            assert await app(central_system, "BAD") == "Accepted"
            await asyncio.sleep(1)
            left = power_cut(path)
        async with charge_point_alone(path=left, resume_transactions=True) as charge_point:
            charge_point.configuration["StopTransactionOnInvalidId"] = "false"
            await asyncio.sleep(10)
            assert charge_point.connectors[1].power == 0
            await charge_point.wait_for("online")
            assert charge_point.connectors[1].status in ("SuspendedEVSE", "Finishing")
