"""How a charge point ends: at once and completely in every state; and its bugs are not swallowed. On simulated time.

That no task and no timer is left, and that nothing raised unheard, `tests.simulated` checks after every test.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from ocpp_lab import (
    CONNECTION,
    CallFailed,
    CentralSystem,
    ChargePoint,
    Event,
    Heartbeat,
    NotConnected,
    PayloadError,
    Policy,
    StoreFailed,
    Trace,
    Transport,
)
from ocpp_lab import messages as m
from tests.fakes import NOON
from tests.pair import URL, central_system_alone, cut, on, pair, simulated
from tests.simulated import clock, quiet

START = m.StartTransactionRequest(connector_id=1, id_tag="TAG", meter_start=0, timestamp=NOON)


@asynccontextmanager
async def started(**options: Any) -> AsyncIterator[ChargePoint]:
    """A charge point that the test has to stop."""

    async def start() -> ChargePoint:
        return await ChargePoint(URL, "CP_1", **options).start()

    yield await on("cp", start())


# Every state ----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def silent_server() -> AsyncIterator[Any]:
    """Accepts the TCP connection and does not answer the handshake."""

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    server = await on("cs", asyncio.start_server(say_nothing, "cs", 9000))
    yield server
    server.close()
    await server.wait_closed()


@asynccontextmanager
async def nobody() -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def mute() -> AsyncIterator[CentralSystem]:
    """Never answers the boot."""
    async with central_system_alone() as central_system:
        central_system.faults.ignore("BootNotification")
        yield central_system


@asynccontextmanager
async def without_memory() -> AsyncIterator[CentralSystem]:
    """Accepts every boot, and then does not know whom it accepted."""
    async with central_system_alone() as central_system:
        central_system.faults.call_error("StatusNotification", code="SecurityError")
        yield central_system


def answering(status: m.RegistrationStatus) -> Any:
    return lambda: central_system_alone(policy=Policy(status, 50))


SCENES: dict[str, Callable[[], Any]] = {
    "connecting": silent_server,
    "booting": mute,
    "pending": answering("Pending"),
    "rejected": answering("Rejected"),
    "online": answering("Accepted"),
    "forgotten": without_memory,
    "failed": answering("Accepted"),
    "waiting": nobody,
}
WITH: dict[str, dict[str, Any]] = {"failed": {"session": lambda *args, **options: fail()}}
"""What a scene needs of the charge point."""


def test_every_state_has_its_scene() -> None:
    """Three more states there are: before the start, after the end, and while it closes a connection itself."""
    assert {*SCENES, "disconnected", "closing", "stopped"} == set(CONNECTION)


@simulated
@pytest.mark.parametrize("state", SCENES)
async def test_stop_in_every_state(state: str) -> None:
    """Stopping waits for no peer, no interval and no back-off; twice is fine; what comes after it is refused."""
    slow: dict[str, Any] = {"delays": lambda: itertools.repeat(1000.0)}
    async with SCENES[state](), started(**slow, **WITH.get(state, {})) as charge_point:
        await charge_point.wait_for(state)
        await asyncio.sleep(3)
        assert charge_point.state == state
        began = clock()
        await on("cp", charge_point.stop())
        assert clock() == began
        assert charge_point.state == "stopped"
        await charge_point.stop()
        with pytest.raises(NotConnected):
            await charge_point.call(m.HeartbeatRequest())
        with pytest.raises(NotConnected, match="has ended and will not be online"):
            await charge_point.wait_for("online")
        with pytest.raises(RuntimeError, match="a new start is a new ChargePoint"):
            await charge_point.start()


@simulated
@pytest.mark.parametrize("state", SCENES)
async def test_stop_at_once_and_by_two(state: str) -> None:
    """Before anything has happened, and by two callers at a time."""
    async with SCENES[state](), started() as charge_point:
        await asyncio.gather(on("cp", charge_point.stop()), on("cp", charge_point.stop()))
        assert charge_point.state == "stopped"
        assert clock() == 0


@simulated
async def test_stop_before_the_start() -> None:
    """The state disconnected: there is nothing to end."""
    charge_point = ChargePoint(URL, "CP_1")
    await charge_point.stop()
    assert charge_point.state == "stopped"


@simulated
@pytest.mark.parametrize("state", ["booting", "pending", "rejected", "online", "forgotten"])
async def test_stop_on_a_dead_line(state: str) -> None:
    """The peer answers no close frame: the connection is cut after a few seconds."""
    async with SCENES[state](), started(ping_interval=None) as charge_point:
        await charge_point.wait_for(state)
        await quiet()
        cut()
        began = clock()
        await on("cp", charge_point.stop())
        assert clock() - began <= 10


@simulated
async def test_stop_with_calls_under_way() -> None:
    """Own calls end with an error, the peer's are cancelled, and what was triggered dies with the line."""
    async with pair(server={"timeout": 1000.0}, connectors=9) as (central_system, charge_point):
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        never = asyncio.Event()

        async def wait(request: m.ClearCacheRequest) -> Any:
            await never.wait()

        charge_point.router.add(m.ClearCacheRequest, wait, replace=True)
        central_system.faults.ignore()
        session = central_system["CP_1"]
        own = asyncio.create_task(charge_point.call(m.HeartbeatRequest(), timeout=500))
        peers = asyncio.create_task(session.call(m.ClearCacheRequest()))
        await asyncio.sleep(1)
        trigger = asyncio.create_task(session.call(m.TriggerMessageRequest(requested_message="StatusNotification")))
        await asyncio.sleep(1)
        await on("cp", charge_point.stop())
        results = await asyncio.gather(own, peers, trigger, return_exceptions=True)
        assert {type(result).__name__ for result in results} <= {"ConnectionLost", "NotConnected"}


@simulated
@pytest.mark.parametrize("order", [m.ResetRequest(type="Hard"), None])
async def test_stop_while_it_closes_the_connection_itself(order: Any) -> None:
    """A reset or a new key has just begun to close the connection."""
    order = order or m.ChangeConfigurationRequest(key="AuthorizationKey", value="ff" * 16)
    async with pair() as (central_system, charge_point):
        await charge_point.wait_for("online")
        await asyncio.sleep(1)
        assert (await central_system["CP_1"].call(order)).status == "Accepted"
        await on("cp", charge_point.stop())
        assert charge_point.state == "stopped"


@simulated
async def test_a_waiter_is_told_of_the_end() -> None:
    """Who waits for a state that will not come is not left waiting."""
    async with started() as charge_point:
        waiter = asyncio.create_task(charge_point.wait_for("online"))
        await asyncio.sleep(1)
        await on("cp", charge_point.stop())
        with pytest.raises(NotConnected, match="has ended and will not be online"):
            await waiter
        with pytest.raises(ValueError, match="expected one of the states"):
            await charge_point.wait_for("onlnie")


@simulated
async def test_the_end_is_a_state_like_any_other() -> None:
    """Who waits for it gets it, also of one that was never started: no task beside the table is asked."""
    async with started() as charge_point:
        waiter = asyncio.create_task(charge_point.wait_for("stopped"))
        await asyncio.sleep(1)
        await on("cp", charge_point.stop())
        assert await waiter == "stopped"
    never = ChargePoint(URL, "CP_2")
    waiter = asyncio.create_task(never.wait_for("online"))
    await asyncio.sleep(1)
    await never.stop()
    with pytest.raises(NotConnected, match="has ended and will not be online"):
        await waiter


@simulated
async def test_a_life_that_was_ended_by_others_is_over() -> None:
    """The state tells it at once, whoever killed it; its file is closed by `stop`, as ever."""
    async with central_system_alone(), started() as charge_point:
        await charge_point.wait_for("online")
        waiter = asyncio.create_task(charge_point.wait_for("booting"))
        [life] = [task for task in asyncio.all_tasks() if task.get_name() == "CP_1 life"]
        life.cancel()
        with pytest.raises(NotConnected, match="has ended and will not be booting"):
            await waiter
        assert charge_point.state == "stopped"
        charge_point.submit(START)
        await on("cp", charge_point.stop())
        with pytest.raises(StoreFailed, match="closed"):
            charge_point.submit(START)


@simulated
async def test_a_bug_that_ends_a_life_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """No state says that somebody is at home, and the log has the traceback."""

    async def fails() -> None:
        await asyncio.sleep(1)
        raise RuntimeError("a bug above the connection")

    charge_point = ChargePoint(URL, "CP_1")
    charge_point.life.run = fails  # type: ignore[method-assign, assignment]
    await charge_point.start()
    with pytest.raises(NotConnected, match="has ended and will not be online"):
        await charge_point.wait_for("online")
    assert charge_point.state == "stopped"
    assert "a bug ended its life" in caplog.text and "a bug above the connection" in caplog.text
    await charge_point.stop()


# Bugs -----------------------------------------------------------------------------------------------------------------


@simulated
async def test_a_bug_in_a_handler(caplog: pytest.LogCaptureFixture) -> None:
    """J-spec 4.2.3: InternalError for the peer, the traceback for our log, and life goes on."""
    caplog.set_level(logging.ERROR, logger="ocpp_lab")
    async with pair() as (central_system, charge_point):

        async def divide(request: m.ClearCacheRequest) -> m.ClearCacheResponse:
            raise ZeroDivisionError("of ours")

        charge_point.router.add(m.ClearCacheRequest, divide, replace=True)
        await charge_point.wait_for("online")
        with pytest.raises(CallFailed) as refused:
            await central_system["CP_1"].call(m.ClearCacheRequest())
        assert str(refused.value) == "InternalError"
        assert "ZeroDivisionError: of ours" in caplog.text
        assert (await central_system["CP_1"].call(m.UnlockConnectorRequest(connector_id=1))).status == "Unlocked"


class Bug(Exception):
    pass


def fail(*args: Any, **options: Any) -> Any:
    raise Bug("of ours")


class BadHeartbeat(Heartbeat):
    async def run(self) -> None:
        await asyncio.sleep(5)
        fail()


def bad_listener(event: Event) -> None:
    if "→ online" in event.text:
        fail()


BUGS: dict[str, Callable[[], dict[str, Any]]] = {
    "transport": lambda: {"transport": fail},
    "pending": lambda: {"pending": fail},
    "session": lambda: {"session": fail},
    "heartbeat": lambda: {"heartbeat": fail},
    "running heartbeat": lambda: {"heartbeat": BadHeartbeat},
    "now": lambda: {"now": fail},
    "ids": lambda: {"ids": iter(())},
}


@simulated
@pytest.mark.parametrize("options", BUGS.values(), ids=BUGS)
async def test_a_bug_in_a_piece(options: Callable[[], dict[str, Any]], caplog: pytest.LogCaptureFixture) -> None:
    """DESIGN.md, decision 13: told with its traceback, counted, shown as *failed*, dialled again with back-off."""
    caplog.set_level(logging.ERROR, logger="ocpp_lab")
    async with pair(delays=backing_off, **options()) as (_, charge_point):
        assert await charge_point.wait_for("failed") == "failed"
        assert charge_point.life.failures == 1
        assert "test_charge_point_ends.py" in caplog.text or "StopIteration" in caplog.text
        assert charge_point.session is None
        with pytest.raises(NotConnected, match="is failed"):
            await charge_point.call(m.HeartbeatRequest())
        began = clock()
        await asyncio.sleep(100)
        assert charge_point.uptime.dials["connected"] == charge_point.life.failures <= 8
        assert clock() - began == 100
        assert charge_point.state in ("failed", "online", "booting", "connecting")


def backing_off() -> Iterator[float]:
    """1, 2, 4, … seconds."""
    return (2.0**n for n in itertools.count())


@simulated
async def test_a_bug_that_passes() -> None:
    """What failed once and works the next time leaves a charge point that is online."""
    bugs = iter([fail])

    def transport(pipe: Any) -> Transport:
        next(bugs, lambda: None)()
        return Transport(pipe)

    async with pair(transport=transport) as (_, charge_point):
        await charge_point.wait_for("failed")
        await charge_point.wait_for("online")
        assert charge_point.life.failures == 1


@simulated
async def test_a_bug_in_the_delays(caplog: pytest.LogCaptureFixture) -> None:
    """They are drawn when the connection is lost. Nobody says how long to wait then: a minute."""
    bugs = iter([fail])

    def delays() -> Iterator[float]:
        next(bugs, lambda: None)()
        return itertools.repeat(1.0)

    async with pair(delays=delays) as (central_system, charge_point):
        await charge_point.wait_for("online")
        await on("cs", central_system["CP_1"].close(1001))
        await charge_point.wait_for("failed")
        began = clock()
        await charge_point.wait_for("online")
        assert clock() - began == pytest.approx(60, abs=1)
        assert charge_point.life.failures == 1 and "Bug: of ours" in caplog.text


@simulated
async def test_a_listener_that_fails(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever only watches ends no connection."""
    trace = Trace(listener=bad_listener)
    async with pair(trace=trace) as (_, charge_point):
        await charge_point.wait_for("online")
        await asyncio.sleep(1000)
        assert charge_point.state == "online" and charge_point.life.failures == 0
        assert trace.listener_failures == 1 and "Bug: of ours" in caplog.text


@simulated(seed=1)
async def test_the_block_s_own_error_wins() -> None:
    """An error in the block is what the reader of the traceback must see, not what happened beside it."""
    with pytest.raises(KeyError):
        async with central_system_alone():
            async with ChargePoint("ws://cs:9000", "CP_1", heartbeat=fail) as charge_point:
                await charge_point.wait_for("failed")
                raise KeyError


def test_arguments_are_checked() -> None:
    """What cannot work is refused where it is written."""

    async def make(*args: Any, **options: Any) -> None:
        ChargePoint(*args, **options)

    for args, options, says in (
        (("http://cs", "CP_1"), {}, "such as ws://"),
        (("ws://cs", "a:b"), {}, "without a colon"),
        (("ws://cs", ""), {}, "an identity"),
        (("ws://cs", "x" * 256), {}, "at most 255 characters, came one of 256"),
        (("ws://cs", "CP_1"), {"connectors": 0}, "at least 1 connector"),
        (("ws://cs", "CP_1"), {"ssl": True}, "expected a wss:// endpoint"),
    ):
        with pytest.raises(ValueError, match=says):
            asyncio.run(make(*args, **options))
    with pytest.raises(TypeError, match=r"expected options of a charge point \(password, .* came pasword"):
        asyncio.run(make("ws://cs", "CP_1", pasword="00" * 16))
    boot = m.BootNotificationRequest(charge_point_vendor="x" * 21, charge_point_model="One")
    with pytest.raises(PayloadError, match="chargePointVendor"):
        asyncio.run(make("ws://cs", "CP_1", boot=boot))
