"""Whatever a driver touches first, somebody else's central system books one transaction: the PyPI package ``ocpp``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from ocpp.routing import on
from ocpp.v16 import call, call_result

from ocpp_lab import ChargePoint
from tests.integration.foreign import foreign_central_system, theirs
from tests.integration.foreign_victim import INFO, Booking, entries
from tests.integration.wire import until


class Opening(Booking):
    """It knows every tag."""

    @on("Authorize")  # type: ignore[untyped-decorator]
    async def on_Authorize(self, **payload: Any) -> Any:
        return theirs(call_result, "Authorize", INFO)


@pytest.mark.parametrize("first", ["cable", "tag", "app"])
async def test_one_transaction(first: str, tmp_path: Path) -> None:
    """Core 4.9 A2, 4.8, 4.10, 5.11: cable, tag or RemoteStartTransaction first; then the other; then the own tag."""
    book = tmp_path / "book"
    kind = type("OfThisTest", (Opening,), {"book": book})
    async with foreign_central_system(kind) as (url, met), ChargePoint(url, "CP_1") as charge_point:
        await charge_point.wait_for("online")
        peer = await met

        async def identify() -> None:
            if first == "app":
                asked = theirs(call, "RemoteStartTransaction", {"idTag": "TAG_A", "connectorId": 1})
                assert (await peer.call(asked, suppress=False)).status == "Accepted"
            else:
                assert await charge_point.charging.present(1, "TAG_A") == "Accepted"

        if first == "cable":
            charge_point.charging.plug_in(1)
            await identify()
        else:
            await identify()
            charge_point.charging.plug_in(1)
        await until(lambda: len(entries(book)) == 1, "a start")
        await charge_point.charging.present(1, "TAG_A")
        await until(lambda: len(entries(book)) == 2, "a stop")
        charge_point.charging.unplug(1)
        await asyncio.sleep(0)
        start, stop = entries(book)
        assert (start["action"], start["payload"]["idTag"]) == ("StartTransaction", "TAG_A")
        assert (stop["action"], stop["payload"]["transactionId"]) == (
            "StopTransaction",
            start["answer"]["transactionId"],
        )
        assert charge_point.connectors[1].status == "Available"
