"""Core, the charging session: what a driver does and what is told of it (core 3.6, 4.1, 4.8, 4.9, 4.10)."""

from __future__ import annotations

from tests.compliance.script import at_charge_point
from tests.pair import simulated


@simulated(seed=1)
async def test_cable_first() -> None:
    """Core 4.9 A2, 4.1, 4.8: the cable makes Preparing, the tag is authorised, then the transaction starts."""
    async with at_charge_point() as (script, charge_point):
        charge_point.charging.plug_in(1)
        await script.hears_status(1, "Preparing")
        await charge_point.charging.present(1, "TAG_A")
        assert (await script.hears("Authorize"))["idTag"] == "TAG_A"
        start = await script.hears("StartTransaction")
        assert (start["connectorId"], start["idTag"], start["meterStart"]) == (1, "TAG_A", 0)
        await script.hears_status(1, "Charging")


@simulated(seed=1)
async def test_the_own_tag_stops() -> None:
    """Core 3.4, 4.10: without a question; Finishing until the cable is pulled, then Available."""
    async with at_charge_point() as (script, charge_point):
        transaction = await script.starts(charge_point)
        await charge_point.charging.present(1, "tag_a")
        stop = await script.hears("StopTransaction")
        assert (stop["transactionId"], stop.get("reason", "Local"), stop["idTag"]) == (transaction, "Local", "tag_a")
        await script.hears_status(1, "Finishing")
        charge_point.charging.unplug(1)
        await script.hears_status(1, "Available")
