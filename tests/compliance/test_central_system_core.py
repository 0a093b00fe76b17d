"""Core, the central system's side: what it answers and what it keeps (core 4, 5)."""

from __future__ import annotations

from tests.compliance.script import at_central_system, now_text
from tests.pair import simulated


@simulated(seed=1)
async def test_transaction_ids_are_positive_and_different() -> None:
    """Core errata 3.54."""
    async with at_central_system() as (script, _):
        ids = [
            (await script.says("StartTransaction", connectorId=n, idTag="TAG_A", meterStart=0, timestamp=now_text()))[
                "transactionId"
            ]
            for n in (1, 2)
        ]
        assert len(set(ids)) == 2 and min(ids) > 0
