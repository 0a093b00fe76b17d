"""One peer invents identities, connectors and frames without end: memory grows up to the caps, and then it is flat."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from ocpp_lab import CentralSystem
from ocpp_lab import messages as m
from ocpp_lab.central_system import answers, registrar
from ocpp_lab.session import make_current

CAP = 500


class Somebody:
    """A session as far as a handler looks at it."""

    def __init__(self, identity: str) -> None:
        self.identity = identity


def long_status(connector: int) -> m.StatusNotificationRequest:
    """As long as one can be."""
    words = {"info": "i" * 50, "vendor_id": f"{connector:0255}", "vendor_error_code": f"{connector:050}"}
    return m.StatusNotificationRequest(connector_id=connector, error_code="NoError", status="Available", **words)


async def new_identity(central_system: CentralSystem, number: int) -> None:
    identity = f"{number:0255}"
    make_current(Somebody(identity))
    central_system._registrar.keep(identity, "Accepted")
    await central_system.answers.on_status(long_status(1))
    central_system.trace.note(identity, "<", f"{number:01000}")
    central_system.doorbell.ring("HTTP 404", f"refused {number}", identity)


async def new_connector(central_system: CentralSystem, number: int) -> None:
    make_current(Somebody("CP_1"))
    await central_system.answers.on_status(long_status(number))


@pytest.mark.parametrize("invent", [new_identity, new_connector])
async def test_memory_is_flat_after_the_cap(
    invent: Callable[[CentralSystem, int], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the third and the eighth thousand nothing is added, but for what a dict makes room for."""
    monkeypatch.setattr(registrar, "MOST_STRANGERS", CAP)
    monkeypatch.setattr(answers, "MOST_STATUSES", CAP)
    monkeypatch.setattr(answers, "MOST_CONNECTORS", CAP)
    central_system = CentralSystem()
    central_system.trace.max_bytes = 500_000
    tracemalloc.start()
    try:
        for number in range(8_000):
            await invent(central_system, number)
            if number == 3_000:
                full = tracemalloc.get_traced_memory()[0]
        assert tracemalloc.get_traced_memory()[0] - full < 100_000  # unbounded, five thousand take 3 to 9 MB
    finally:
        tracemalloc.stop()
    assert len(central_system.answers.statuses) == CAP
