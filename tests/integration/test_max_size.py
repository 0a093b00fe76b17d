"""A frame over the limit: both ends say so, with its size, the close code 1009 and the option that raises the limit."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from itertools import repeat
from typing import Any

import pytest
import trustme

from ocpp_lab import CentralSystem, ChargePoint, ConnectionLost
from ocpp_lab import messages as m
from ocpp_lab.charge_point import Connecting
from ocpp_lab.pipe import MAX_SIZE
from tests.integration.wire import AT_ONCE, until
from tests.program import listening, running

LIMIT = 5_000
SIZES = [6_000, 300_000, 8_000_000]
"""Bytes: in one segment; more than the buffers of both sockets; so much that the rest is still being sent when the
other end has closed already."""


soon = partial(repeat, 0.1)
"""Dial again, but not before the other end has seen the end of the old connection."""


def big(size: int) -> m.DataTransferRequest:
    return m.DataTransferRequest(vendor_id="big", data="x" * size)


@asynccontextmanager
async def both(here: dict[str, Any], there: dict[str, Any], *, tls: bool) -> AsyncIterator[Any]:
    """A central system and a charge point that is online; ``here`` and ``there`` are their options."""
    authority, trust = trustme.CA(), ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.configure_trust(trust)
    async with CentralSystem(ssl=context if tls else None, **here) as central_system:
        secured: dict[str, Any] = {"ssl": trust} if tls else {}
        async with ChargePoint(central_system.url, "CP_1", delays=soon, **secured, **there) as charge_point:
            await charge_point.wait_for("online")
            yield central_system, charge_point


def told(central_system: CentralSystem) -> str:
    return next(event.text for event in central_system.trace if event.text.startswith("disconnected"))


def size_in(lost: ConnectionLost, size: int) -> int:
    """The size that is told: that of the data, and a little for the frame around it."""
    framed = int(str(lost).split("frame with ")[1].split()[0])
    assert size < framed < size + 100
    return framed


def this_end(lost: str, size: int) -> bool:
    """The end that read it: it closed, why, and what raises its limit."""
    over = f"this end closed with 1009 'frame with {size} bytes exceeds limit of {LIMIT} bytes'"
    return f"{over}; raise it with --max-size (max_size=)" in lost


def other_end(lost: str, size: int) -> bool:
    """The end that sent it: it was closed, why, and whose limit that is."""
    over = f"the connection was closed with 1009 'frame with {size} bytes exceeds limit of {LIMIT} bytes'"
    return f"{over}; that limit is the other end's, ours is --max-size (max_size=)" in lost


over_either = pytest.mark.parametrize(
    "tls", [False, pytest.param(True, marks=pytest.mark.sockets("TLS"))], ids=["ws", "wss"]
)


@over_either
@pytest.mark.parametrize("size", SIZES)
async def test_a_frame_that_the_central_system_does_not_take(
    size: int, tls: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Seen: "lost without a close frame" at the end that had closed, at both ends without a word of the limit."""
    caplog.set_level(logging.INFO)
    async with both({"max_size": LIMIT}, {}, tls=tls) as (central_system, charge_point):
        with pytest.raises(ConnectionLost) as lost:
            await charge_point.call(big(size))
        assert lost.value.code == 1009
        framed = size_in(lost.value, size)
        assert other_end(str(lost.value), framed), lost.value
        await until(lambda: "disconnected" in str(list(central_system.trace)))
        assert this_end(told(central_system), framed)
        await until(lambda: charge_point.state == "online", "it comes back")
        assert charge_point.life.failures == 0
    assert "ConnectionLost: the connection was closed with 1009" in caplog.text


@over_either
@pytest.mark.parametrize("size", SIZES)
async def test_a_frame_that_the_charge_point_does_not_take(
    size: int, tls: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """The other way round: its log says it."""
    caplog.set_level(logging.INFO)
    async with both({}, {"max_size": LIMIT}, tls=tls) as (central_system, charge_point):
        with pytest.raises(ConnectionLost) as lost:
            await central_system["CP_1"].call(big(size))
        assert lost.value.code == 1009
        await until(lambda: "disconnected" in str(list(central_system.trace)))
        framed = size_in(lost.value, size)
        assert other_end(told(central_system), framed)
        await until(lambda: charge_point.state == "online", "it comes back")
        assert charge_point.life.failures == 0
    assert any(this_end(record.getMessage(), framed) for record in caplog.records), caplog.text
    assert "without a close frame" not in caplog.text


async def test_twelve_hours_of_readings_pass() -> None:
    """Seen: a StopTransaction of 363,000 bytes was closed with 1009, for ever. One limit for both ends, 1 MiB."""
    assert Connecting().max_size == MAX_SIZE == 1_048_576
    async with both({}, {}, tls=False) as (central_system, charge_point):
        await charge_point.call(big(1_000_000))
        await central_system["CP_1"].call(big(1_000_000))


async def test_another_violation_is_told_as_what_it_is() -> None:
    """RFC 6455 8.1: text that is no UTF-8. This end closed, and knows why."""
    async with CentralSystem() as central_system:
        async with ChargePoint(central_system.url, "CP_1", delays=AT_ONCE) as charge_point:
            await charge_point.wait_for("online")
            pipe: Any = charge_point.session.transport.pipe  # type: ignore[union-attr]
            await pipe.websocket.send(b"\xff", text=True)
            await until(lambda: "disconnected" in str(list(central_system.trace)))
            assert "this end closed with 1007 'invalid start byte at position 0'" in told(central_system)


@pytest.mark.sockets("another process")
async def test_the_command_line_says_it() -> None:
    """The option's name is what a person types next."""
    async with running("central-system", "--port", "0", "--max-size", "2000", "--no-require-boot") as central_system:
        url = await listening(central_system)
        async with ChargePoint(url, "CP_1", delays=AT_ONCE) as charge_point:
            await charge_point.wait_for("online")
            with pytest.raises(ConnectionLost):
                await charge_point.call(big(2_000))
            await central_system.until(r"= CP_1 +disconnected: this end closed with 1009 .*raise it with --max-size")
        assert await central_system.stop() == 0


@pytest.mark.sockets("another process")
async def test_the_command_line_of_the_charge_point_says_it() -> None:
    async with CentralSystem() as central_system:
        async with running("charge-point", central_system.url, "--max-size", "2000") as charge_point:
            await charge_point.until("→ online")
            with pytest.raises(ConnectionLost):
                await central_system["CP_1"].call(big(2_000))
            await charge_point.until(r"! not connected: ConnectionLost: this end closed with 1009 .*--max-size")
            assert await charge_point.stop() == 0
