"""Milestone 1 over real loopback: boot and beat, an unknown action, silence, a flood, a close."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest

from ocpp_lab import (
    Call,
    CallTimeout,
    CentralSystem,
    ChargePoint,
    ConnectionLost,
    Event,
    NotConnected,
    Policy,
    Trace,
    Transport,
    encode,
)
from ocpp_lab import messages as m
from tests.integration.wire import AT_ONCE, PlainServer, accept, facing, plain_client, until

A_THOUSAND = 1000


def actions(events: list[Event]) -> list[str]:
    return [event.frame.action for event in events if isinstance(event.frame, Call)]


async def test_boot_accepted_then_heartbeat() -> None:
    """Core 4.2, 4.6: an accepted charge point reports its connectors, then beats at the interval it was given."""
    async with CentralSystem(policy=Policy(interval=1)) as central_system:
        async with ChargePoint(central_system.url, "CP_1", connectors=2) as charge_point:
            await charge_point.wait_for("online")
            assert charge_point.registration == "Accepted"
            await until(lambda: charge_point.heartbeat and charge_point.heartbeat.answered, "a heartbeat is answered")
            assert charge_point.heartbeat is not None
            assert charge_point.heartbeat.interval == 1.0
            assert charge_point.heartbeat.clock_offset is not None
        heard = central_system.received
        assert actions(heard) == ["BootNotification", *["StatusNotification"] * 3, "Heartbeat"]
        assert central_system.last_boot_id is not None
        assert len(central_system.heartbeats) == 1
        assert sorted(central_system.answers.statuses) == [("CP_1", connector) for connector in (0, 1, 2)]


async def test_unknown_action_yields_not_implemented() -> None:
    """J-spec 4.2.3: an action that OCPP does not have gets NotImplemented, under the id of its call."""
    async with CentralSystem() as central_system, facing(central_system) as peer:
        reply = await peer.ask("the caller's own id", "MakeCoffee", {"sugar": True})
        assert reply[:3] == [4, "the caller's own id", "NotImplemented"]
        assert "MakeCoffee" in reply[3]
        assert reply[4] == {}
        await peer.is_served()


async def test_timeout_no_server_reply_local_timeout_error() -> None:
    """J-spec 4.1.1: silence ends a call too. The CallError "Timeout" is made here and never seen on the wire."""
    async with CentralSystem() as central_system:
        central_system.faults.ignore("Heartbeat")
        async with ChargePoint(central_system.url, "CP_1") as charge_point:
            await charge_point.wait_for("online")
            with pytest.raises(CallTimeout) as silence:
                await charge_point.call(m.HeartbeatRequest(), timeout=0.05)
            assert silence.value.call_error.code == "Timeout"
            assert silence.value.definite is False
            assert [event for event in charge_point.trace if event.mark == "!" and '"Timeout"' in event.text]
            assert not [event for event in central_system.received if '"Timeout"' in event.text]
            central_system.faults.clear()
            await charge_point.call(m.HeartbeatRequest())  # the line is free again


def small_frames() -> list[str]:
    payloads = [m.DataTransferRequest(vendor_id="flood", data=str(n)) for n in range(A_THOUSAND)]
    return [encode(Call(f"flood-{n}", "DataTransfer", payload)) for n, payload in enumerate(payloads)]


def flood_ids(central_system: CentralSystem) -> list[str]:
    calls = [event.frame for event in central_system.received]
    return [call.unique_id for call in calls if isinstance(call, Call) and call.action == "DataTransfer"]


@pytest.mark.sockets("their exact buffers")
@pytest.mark.parametrize("limit", [A_THOUSAND, 50])
async def test_back_pressure_thousand_small_frames_serialized_writes(limit: int) -> None:
    """A reader that stops costs the writer time, not memory: frames queue up to the limit, then their senders wait.

    One write is in flight at any time, and once the reader goes on all frames arrive, in order.
    """
    make_transport = partial(Transport, limit=limit)
    async with CentralSystem(receive_buffer=4096) as central_system:
        async with ChargePoint(central_system.url, "CP_1", send_buffer=4096, transport=make_transport) as charge_point:
            await until(lambda: len(central_system.answers.statuses) == 2, "the charge point has said all it wants to")
            assert charge_point.session is not None
            transport = charge_point.session.transport
            reader: Any = central_system["CP_1"].transport.pipe
            reader.stop_reading()

            async with asyncio.TaskGroup() as senders:
                for frame in small_frames():
                    senders.create_task(transport.send(frame))
                await until(lambda: transport.queue_depth == transport.max_queue_depth > min(limit, 500) - 1)
                stalled = transport.frames_sent
                assert transport.max_queue_depth <= limit
                assert transport.writes_in_flight == 1
                assert not flood_ids(central_system)
                assert stalled < A_THOUSAND / 2
                reader.resume_reading()
            await until(lambda: len(flood_ids(central_system)) == A_THOUSAND)

            assert flood_ids(central_system) == [f"flood-{n}" for n in range(A_THOUSAND)]
            assert transport.max_writes_in_flight == 1
            assert transport.queue_depth == transport.writes_in_flight == 0
            answers = central_system["CP_1"].counts
            await until(lambda: answers["answered"] >= A_THOUSAND)  # and every one was answered


async def outcome(call: Any) -> Any:
    try:
        return await call
    except (ConnectionLost, NotConnected) as error:
        return error


async def test_close_flow_server_close_resolves_pendings() -> None:
    """A close ends every call of both ends at once: indefinite what is on the wire, definite what waited to leave."""
    async with CentralSystem() as central_system:
        central_system.faults.ignore("DataTransfer")
        async with ChargePoint(central_system.url, "CP_1", delays=AT_ONCE) as charge_point:
            never = asyncio.Event()

            async def never_answer(request: m.GetLocalListVersionRequest) -> m.GetLocalListVersionResponse:
                await never.wait()
                raise AssertionError("nobody sets this event")

            charge_point.router.add(m.GetLocalListVersionRequest, never_answer, replace=True)
            await until(lambda: len(central_system.answers.statuses) == 2)
            session = central_system["CP_1"]
            async with asyncio.TaskGroup() as group:
                upwards = [
                    group.create_task(outcome(charge_point.call(m.DataTransferRequest(vendor_id=f"up {n}"))))
                    for n in range(5)
                ]
                downwards = [group.create_task(outcome(session.call(m.GetLocalListVersionRequest()))) for _ in range(5)]
                await until(lambda: "DataTransfer" in actions(central_system.received))
                await until(lambda: any("GetLocalListVersion" in event.text for event in charge_point.trace))
                await session.close(1001, "maintenance")

            for calls in ([task.result() for task in upwards], [task.result() for task in downwards]):
                in_flight, *queued = calls
                assert isinstance(in_flight, ConnectionLost)
                assert in_flight.code == 1001
                assert in_flight.call_error.code == "ConnectionClosed"
                assert in_flight.definite is False
                assert [type(error) for error in queued] == [NotConnected] * 4  # they never left: definite
            await until(lambda: central_system.sessions.get("CP_1") not in (None, session))  # it comes back by itself


async def test_server_stop_resolves_pendings() -> None:
    """The same when the whole central system stops, with a peer that answers nothing."""
    async with CentralSystem() as central_system:
        async with plain_client(central_system.url) as websocket:
            session = await central_system.connected("CP_1")
            pending = asyncio.create_task(outcome(session.call(m.ClearCacheRequest())))
            assert "ClearCache" in str(await websocket.recv())
            await central_system.stop()
            lost = await pending
            assert isinstance(lost, ConnectionLost)
            assert lost.call_error.code == "ConnectionClosed"
            await websocket.wait_closed()
            assert websocket.close_code == 1001
        assert "CP_1" not in central_system


async def test_nothing_is_left_after_both_ends_stopped() -> None:
    """A clean end: the state is stopped, nobody is connected, and (the harness looks) no task is left."""
    trace = Trace()
    async with CentralSystem(trace=trace) as central_system:
        async with ChargePoint(central_system.url, "CP_1", trace=trace) as charge_point:
            await charge_point.wait_for("online")
        assert charge_point.state == "stopped"
        await until(lambda: "CP_1" not in central_system, "the central system saw it leave")


async def test_close_is_not_held_up_by_unread_frames() -> None:
    """RFC 6455 7.1.2: the closing handshake is completed though a burst of frames came that nobody reads any more."""
    async with PlainServer().listening() as server:
        async with ChargePoint(server.url, "CP_1", delays=AT_ONCE) as charge_point:
            peer = await server.meets(charge_point)
            await accept(peer)
            pipe: Any = peer.session.transport.pipe
            pipe.stop_reading()
            for n in range(A_THOUSAND):
                await peer.say(3, f"burst {n}", {})
        assert pipe.close_code == 1000  # 1006, had it given up waiting for the peer's close frame
