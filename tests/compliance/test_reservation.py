"""Reservation, as a charge point does it (core 3.11, 5.1, 5.13)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.compliance.script import ScriptedCentralSystem, at_charge_point, now_text
from tests.pair import cut, heal, simulated


async def reserves(
    script: ScriptedCentralSystem, connector: int = 1, number: int = 7, tag: str = "TAG_A", **more: Any
) -> str:
    more.setdefault("expiryDate", now_text(600))
    answer = await script.says("ReserveNow", connectorId=connector, idTag=tag, reservationId=number, **more)
    return str(answer["status"])


async def cancels(script: ScriptedCentralSystem, number: int = 7) -> str:
    return str((await script.says("CancelReservation", reservationId=number))["status"])


@simulated(seed=1)
async def test_reserve_and_use_tag_first() -> None:
    """Core 5.13, 4.9 A7, G2: StartTransaction carries the reservationId."""
    async with at_charge_point() as (script, charge_point):
        assert await reserves(script) == "Accepted"
        await script.hears_status(1, "Reserved")
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        await script.hears_status(1, "Preparing")
        charge_point.charging.plug_in(1)
        assert (await script.hears("StartTransaction"))["reservationId"] == 7
        assert await cancels(script) == "Rejected"  # it is used up


@simulated(seed=1)
async def test_reserve_and_use_cable_first() -> None:
    """Core 5.13."""
    async with at_charge_point() as (script, charge_point):
        await reserves(script)
        charge_point.charging.plug_in(1)
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        assert (await script.hears("StartTransaction"))["reservationId"] == 7


@simulated(seed=1)
async def test_reserve_and_use_from_afar() -> None:
    """Core 5.13, 5.11."""
    async with at_charge_point(keys={"AuthorizeRemoteTxRequests": "false"}) as (script, charge_point):
        await reserves(script)
        answer = await script.says("RemoteStartTransaction", idTag="TAG_A", connectorId=1)
        assert answer["status"] == "Accepted"
        charge_point.charging.plug_in(1)
        assert (await script.hears("StartTransaction"))["reservationId"] == 7


@simulated(seed=1)
async def test_a_foreign_tag_gets_silence() -> None:
    """Core 5.13: without a parentIdTag nothing can come of it, so nobody is asked."""
    async with at_charge_point() as (script, charge_point):
        await reserves(script)
        charge_point.charging.plug_in(1)
        assert await charge_point.charging.present(1, "TAG_B") != "Accepted"
        await script.hears_no("Authorize", "StartTransaction", seconds=30)


@simulated(seed=1)
async def test_a_foreign_tag_at_the_one_reader_gets_silence() -> None:
    """Core 5.13: nobody is asked where the only connector with nobody is kept for another tag."""
    async with at_charge_point() as (script, charge_point):
        await script.says("ChangeAvailability", connectorId=2, type="Inoperative")
        await reserves(script)
        assert await charge_point.charging.present(0, "TAG_B") != "Accepted"
        await script.hears_no("Authorize", seconds=10)
        assert await charge_point.charging.present(0, "TAG_A") == "Accepted"
        await script.hears("Authorize")
        charge_point.charging.plug_in(1)
        assert (await script.hears("StartTransaction"))["reservationId"] == 7


@simulated(seed=1)
async def test_a_foreign_remote_start_is_rejected() -> None:
    """Core 5.13."""
    async with at_charge_point(keys={"AuthorizeRemoteTxRequests": "false"}) as (script, charge_point):
        await reserves(script)
        charge_point.charging.plug_in(1)
        answer = await script.says("RemoteStartTransaction", idTag="TAG_B", connectorId=1)
        assert answer["status"] == "Rejected"


@simulated(seed=1)
@pytest.mark.parametrize(("parent", "starts"), [("FAMILY", True), ("FIRM", False), (None, False)])
async def test_the_group_may_use_it(parent: str | None, starts: bool) -> None:
    """Core 5.13: with a parentIdTag the central system is asked for the group of the tag."""
    async with at_charge_point() as (script, charge_point):
        await reserves(script, parentIdTag="FAMILY")
        script.infos["TAG_B"] = {"status": "Accepted", **({"parentIdTag": parent} if parent else {})}
        charge_point.charging.plug_in(1)
        await charge_point.charging.present(1, "TAG_B")
        await script.hears("Authorize")
        if starts:
            assert (await script.hears("StartTransaction"))["reservationId"] == 7
        else:
            await script.hears_no("StartTransaction", seconds=30)


@simulated(seed=1)
@pytest.mark.parametrize("connector", [0, 1])
@pytest.mark.parametrize("asks", ["false", "true"])
@pytest.mark.parametrize(("parent", "starts"), [("FAMILY", True), ("FIRM", False), (None, False)])
async def test_the_group_may_use_it_from_afar(parent: str | None, starts: bool, asks: str, connector: int) -> None:
    """Core 5.13, 5.11: the central system is asked for the group of this tag too, whatever AuthorizeRemoteTxRequests
    says; only then it starts."""
    async with at_charge_point(connectors=1, keys={"AuthorizeRemoteTxRequests": asks}) as (script, charge_point):
        await reserves(script, connector, parentIdTag="FAMILY")
        script.infos["TAG_B"] = {"status": "Accepted", **({"parentIdTag": parent} if parent else {})}
        charge_point.charging.plug_in(1)
        answer = await script.says("RemoteStartTransaction", idTag="TAG_B", connectorId=1)
        assert answer["status"] == "Accepted"
        assert (await script.hears("Authorize"))["idTag"] == "TAG_B"
        if starts:
            assert (await script.hears("StartTransaction"))["reservationId"] == 7
        else:
            await script.hears_no("StartTransaction", seconds=30)


@simulated(seed=1)
async def test_it_expires() -> None:
    """Core 5.13, 4.9 G1."""
    async with at_charge_point() as (script, _):
        await reserves(script, expiryDate=now_text(60))
        await script.hears_status(1, "Reserved")
        await script.hears_status(1, "Available", seconds=61)
        assert await cancels(script) == "Rejected"


@simulated(seed=1)
async def test_it_expires_offline() -> None:
    """Core 5.13, 4.9: only the status of now is told after the reconnect."""
    async with at_charge_point() as (script, charge_point):
        await reserves(script, expiryDate=now_text(60))
        await script.hears_status(1, "Reserved")
        cut()
        await asyncio.sleep(120)
        assert charge_point.connectors[1].status == "Available"
        heal()
        await script.hears_status(1, "Available")


@simulated(seed=1)
async def test_it_is_cancelled() -> None:
    """Core 5.1."""
    async with at_charge_point() as (script, _):
        await reserves(script)
        await script.hears_status(1, "Reserved")
        assert (await cancels(script, 8), await cancels(script, 7)) == ("Rejected", "Accepted")
        await script.hears_status(1, "Available")


@simulated(seed=1)
async def test_it_is_cancelled_when_the_connector_is_withdrawn() -> None:
    """Core 5.13 (3), 4.9: Unavailable ends the reservation."""
    async with at_charge_point() as (script, _):
        await reserves(script)
        await script.hears_status(1, "Reserved")
        await script.says("ChangeAvailability", connectorId=1, type="Inoperative")
        await script.hears_status(1, "Unavailable")
        assert await cancels(script) == "Rejected"


@simulated(seed=1)
async def test_a_fault_ends_it() -> None:
    """Core 5.13 (3), 4.9 G9: when it is repaired, the connector is Available."""
    async with at_charge_point() as (script, charge_point):
        await reserves(script)
        await script.hears_status(1, "Reserved")
        charge_point.charging.fault(1)
        await script.hears_status(1, "Faulted")
        assert await cancels(script) == "Rejected"
        charge_point.charging.clear_fault(1)
        await script.hears_status(1, "Available")


@simulated(seed=1)
async def test_the_same_id_replaces() -> None:
    """Core 5.13: also by another connector; the old one is free again."""
    async with at_charge_point() as (script, _):
        await reserves(script, 1)
        await script.hears_status(1, "Reserved")
        assert await reserves(script, 2) == "Accepted"
        await script.hears_status(1, "Available")
        await script.hears_status(2, "Reserved")


@simulated(seed=1)
@pytest.mark.parametrize("tag", ["TAG_A", "TAG_B"])
async def test_another_id_is_occupied(tag: str) -> None:
    """Core 5.13: even for the same tag."""
    async with at_charge_point() as (script, _):
        await reserves(script)
        assert await reserves(script, 1, 8, tag) == "Occupied"


@simulated(seed=1)
@pytest.mark.parametrize("why", ["Occupied", "Faulted", "Unavailable", "Rejected"])
async def test_what_cannot_be_reserved(why: str) -> None:
    """Core 5.13."""
    async with at_charge_point() as (script, charge_point):
        if why == "Occupied":
            charge_point.charging.plug_in(1)
        if why == "Faulted":
            charge_point.charging.fault(1)
        if why == "Unavailable":
            await script.says("ChangeAvailability", connectorId=1, type="Inoperative")
        assert await reserves(script, 9 if why == "Rejected" else 1) == why


@simulated(seed=1)
async def test_what_has_expired_is_rejected() -> None:
    """It could be used by nobody."""
    async with at_charge_point() as (script, _):
        assert await reserves(script, expiryDate=now_text(-1)) == "Rejected"


@simulated(seed=1)
async def test_no_particular_connector() -> None:
    """Core 5.13, ReserveConnectorZeroSupported: none is Reserved; the last free one is kept for the tag."""
    async with at_charge_point() as (script, charge_point):
        assert await reserves(script, 0) == "Accepted"
        await script.hears_no("StatusNotification", seconds=10)
        charge_point.charging.plug_in(1)
        await charge_point.charging.present(1, "TAG_B")  # the other one remains
        await script.hears("Authorize")
        assert "reservationId" not in await script.hears("StartTransaction")
        charge_point.charging.plug_in(2)
        await charge_point.charging.present(2, "TAG_C")
        await script.hears_no("StartTransaction", seconds=10)
        script.forgets()
        await charge_point.charging.present(2, "TAG_A")
        await script.hears("Authorize")
        assert (await script.hears("StartTransaction"))["reservationId"] == 7


@simulated(seed=1)
async def test_the_last_free_connector_is_not_promised_twice() -> None:
    """Core 5.13."""
    async with at_charge_point() as (script, charge_point):
        charge_point.charging.plug_in(1)
        assert await reserves(script, 0) == "Accepted"
        assert await reserves(script, 2, 8) == "Occupied"
        assert await reserves(script, 0, 9) == "Occupied"


@simulated(seed=1)
async def test_the_last_free_connector_is_shown_reserved() -> None:
    """Core 5.13, 4.9: kept for a reservation of connector 0, it serves nobody else; until another one is free."""
    async with at_charge_point() as (script, charge_point):
        await script.says("ChangeAvailability", connectorId=2, type="Inoperative")
        assert await reserves(script, 0) == "Accepted"
        await script.hears_status(1, "Reserved")
        assert await charge_point.charging.present(1, "TAG_B") != "Accepted"
        await script.hears_no("Authorize", seconds=10)
        await script.says("ChangeAvailability", connectorId=2, type="Operative")
        await script.hears_status(1, "Available")


@simulated(seed=1)
async def test_the_last_free_connector_is_used_by_its_owner() -> None:
    """Core 5.13, 4.9 G2: Preparing, and nothing between; what is left after the stop is nobody's."""
    async with at_charge_point() as (script, charge_point):
        await script.says("ChangeAvailability", connectorId=2, type="Inoperative")
        await reserves(script, 0)
        await script.hears_status(1, "Reserved")
        await charge_point.charging.present(1, "TAG_A")
        await script.hears("Authorize")
        await script.hears_status(1, "Preparing")
        charge_point.charging.plug_in(1)
        assert (await script.hears("StartTransaction"))["reservationId"] == 7
        await script.hears_status(1, "Charging")
        charge_point.charging.unplug(1)
        await script.hears_status(1, "Finishing")
        await script.hears_status(1, "Available")


@simulated(seed=1)
async def test_the_last_free_connector_is_shown_free_at_the_end() -> None:
    """Core 5.13, 4.9 G1: a reservation of connector 0 expires, and survives a reset until then."""
    async with at_charge_point() as (script, charge_point):
        charge_point.charging.plug_in(2)
        await reserves(script, 0)
        await script.hears_status(1, "Reserved")
        await script.says("Reset", type="Hard")
        await script.hears("BootNotification")
        await script.hears_status(1, "Reserved")
        await script.hears_status(1, "Available", seconds=601)


@simulated(seed=1)
async def test_the_last_free_connector_is_withdrawn() -> None:
    """Core 5.2, 5.13, 4.9 G8: Unavailable, and nothing between; the reservation of connector 0 is over."""
    async with at_charge_point() as (script, charge_point):
        charge_point.charging.plug_in(2)
        await reserves(script, 0)
        await script.hears_status(1, "Reserved")
        await script.says("ChangeAvailability", connectorId=0, type="Inoperative")
        await script.hears_status(1, "Unavailable")
        assert await cancels(script) == "Rejected"


@simulated(seed=1)
async def test_no_connector_can_be_used() -> None:
    """Core 5.13: one is Unavailable and the other Faulted; nobody occupies any."""
    async with at_charge_point() as (script, charge_point):
        await script.says("ChangeAvailability", connectorId=1, type="Inoperative")
        charge_point.charging.fault(2)
        assert await reserves(script, 0) == "Faulted"
        charge_point.charging.clear_fault(2)
        charge_point.charging.plug_in(2)
        assert await reserves(script, 0) == "Occupied"


@simulated(seed=1)
async def test_it_outlives_a_reset() -> None:
    """Core 5.14: persistent states; it expires all the same."""
    async with at_charge_point() as (script, _):
        await reserves(script)
        await script.hears_status(1, "Reserved")
        await script.says("Reset", type="Hard")
        await script.hears("BootNotification")
        await script.hears_status(1, "Reserved")
        await script.hears_status(1, "Available", seconds=601)
