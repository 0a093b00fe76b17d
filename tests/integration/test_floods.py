"""Too much, too large, not even text: what a peer can do to a socket, and that nobody else notices."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from ocpp_lab import CentralSystem, ChargePoint, ConnectionLost, Session
from ocpp_lab import messages as m
from ocpp_lab.central_system import MAX_SIZE
from tests.integration.wire import (
    AT_ONCE,
    DEADLINE,
    ENDS,
    PlainServer,
    accept,
    facing,
    facing_central_system,
    plain_client,
    until,
)

NOT_UTF8 = b'[2,"id","Authorize",{"idTag":"\xff\xfe"}]'


async def closed_with(websocket: Any) -> int | None:
    """The close code, once the closing handshake is over."""
    async with asyncio.timeout(DEADLINE):
        await websocket.wait_closed()
    return websocket.close_code


async def test_invalid_utf8_is_closed_with_1007() -> None:
    """RFC 6455 8.1: text that is no UTF-8 ends the connection. Others are served, and the offender may come back."""
    async with CentralSystem() as central_system, facing(central_system, "good") as good:
        async with facing(central_system, "bad") as bad:
            await bad.websocket.send(NOT_UTF8, text=True)
            await good.is_served()
            assert await closed_with(bad.websocket) == 1007
            await until(lambda: "bad" not in central_system)
        async with facing(central_system, "bad", boots=False) as back:
            await back.is_served()
        await good.is_served()


def call_of(size: int) -> str:
    """A valid call that is so many bytes long."""
    head, tail = '[2,"id","DataTransfer",{"vendorId":"big","data":"', '"}]'
    return head + "x" * (size - len(head) - len(tail)) + tail


@pytest.mark.parametrize("options", [{}, {"max_size": 5_000}], ids=str)
async def test_too_large_is_closed_with_1009(options: dict[str, int]) -> None:
    """OCPP 1.6 has no limit for a frame; ours is 1 MiB unless set. RFC 6455 7.4.1 has the code."""
    limit = options.get("max_size", MAX_SIZE)
    assert MAX_SIZE == 1024 * 1024
    async with CentralSystem(**options) as central_system, facing(central_system, "good") as good:
        async with facing(central_system, "bad") as bad:
            await bad.raw(call_of(limit))
            assert (await bad.hear())[:2] == [3, "id"]
            await bad.raw(call_of(limit + 1))
            await good.is_served()
            assert await closed_with(bad.websocket) == 1009
            await until(lambda: "bad" not in central_system)
        await good.is_served()


@pytest.mark.parametrize(("data", "code"), [(NOT_UTF8, 1007), (call_of(5_001).encode(), 1009)])
async def test_charge_point_survives_such_a_central_system(data: bytes, code: int) -> None:
    """The charge point closes, dials again, and goes on without a boot (J-spec 5.4)."""
    async with PlainServer().listening() as server:
        async with ChargePoint(server.url, "CP_1", delays=AT_ONCE, max_size=5_000) as charge_point:
            peer = await server.meets(charge_point)
            await accept(peer)
            await peer.websocket.send(data, text=True)
            assert await closed_with(peer.websocket) == code
            again = await server.meets(charge_point)
            await again.is_served()


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("count", [20, 200])
async def test_pipelined_calls_are_all_answered(end: str, count: int) -> None:
    """A peer that ignores the one-in-flight rule (J-spec 4.1.1) gets all its answers, in order if none has to wait."""
    async with ENDS[end]() as peer:
        for n in range(count):
            await peer.say(2, f"call {n}", peer.valid, {})
        assert [(await peer.hear())[:2] for _ in range(count)] == [[3, f"call {n}"] for n in range(count)]


async def test_pipelined_calls_with_a_slow_handler() -> None:
    """Handlers wait side by side, 64 at most; what is above waits on the line, and in the end all are answered."""
    go_on, begun = asyncio.Event(), 0

    async def slowly(request: m.DataTransferRequest) -> m.DataTransferResponse:
        nonlocal begun
        begun += 1
        await go_on.wait()
        return m.DataTransferResponse(status="Accepted")

    async with facing_central_system() as peer:
        peer.ours.router.add(m.DataTransferRequest, slowly, replace=True)
        for n in range(100):
            await peer.say(2, f"call {n}", "DataTransfer", {"vendorId": "slow"})
        await until(lambda: begun == peer.session.max_handlers == 64)
        assert peer.session.transport.frames_received <= 1 + 64 + 1  # the boot, those in hand, and the one that waits
        go_on.set()
        answered = {(await peer.hear())[1] for _ in range(100)}
        assert answered == {f"call {n}" for n in range(100)}
        assert begun == 100


def flood(websocket: ClientConnection, count: int) -> None:
    """So many calls in one write: the other end finds them all when it looks."""
    for n in range(count):
        websocket.protocol.send_text(HEARTBEAT.encode() % n)
    websocket.transport.write(b"".join(websocket.protocol.data_to_send()))


async def test_a_good_peer_waits_for_few_frames_of_those_that_flood() -> None:
    """What a peer has sent ahead is answered one call a turn of the loop, so nobody waits until all of it is."""
    async with AsyncExitStack() as stack:
        central_system = await stack.enter_async_context(CentralSystem())
        bad = [await stack.enter_async_context(facing(central_system, f"bad_{n}")) for n in range(5)]
        good = await stack.enter_async_context(facing(central_system, "good"))
        central_system.trace.events.clear()
        for peer in bad:
            flood(peer.websocket, 200)  # some 8 KB
        await good.is_served()
        answered = [event.identity for event in central_system.trace if event.mark == ">"]
        assert answered.index("good") <= 5 * 5  # a few turns; without them, at least the 200 of one peer
        for peer in bad:
            assert [(await peer.hear())[1] for _ in range(200)] == [str(n) for n in range(200)]


# A peer that sends and never reads ------------------------------------------------------------------------------------

ENOUGH = 30_000
"""Frames after which a server that still takes them has no bound."""

HEARTBEAT = '[2,"%d","Heartbeat",{}]'
NEVER_READ: dict[str, str] = {
    "calls": HEARTBEAT,
    "calls with an id too long": '[2,"' + "i" * 2_000 + '%d","Heartbeat",{}]',
    "calls with an id beyond all measure": '[2,"' + "i" * 200_000 + '%d","Heartbeat",{}]',
    "calls that are no calls": '[2,"%d"]',
    "calls of actions that nobody knows": '[2,"%d","' + "MakeCoffee" * 10 + '",{}]',
    "calls with one id": '[2,"always the same","Slow",{"n":%d}]',
}


def resident() -> int:
    """Bytes of memory that this process holds now."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("no /proc here to measure memory with")
    return int(statm.read_text().split()[1]) * 4096


@asynccontextmanager
async def deaf_client(central_system: CentralSystem, identity: str) -> AsyncIterator[ClientConnection]:
    """It reads the answer to its boot and then no more; small buffers, so that both ends feel it soon."""
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", central_system.port))
        async with plain_client(central_system.url, identity, sock=line, max_queue=1, close_timeout=0.1) as websocket:
            yield websocket


def shrink_send_buffer(session: Session) -> None:
    """Or the operating system alone would take some 50,000 answers before anybody has to wait."""
    pipe: Any = session.transport.pipe
    pipe.websocket.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)


async def send_until_closed(websocket: ClientConnection, frame: Callable[[int], str]) -> int:
    """How many frames went out before the connection was cut."""
    for n in range(ENOUGH):
        try:
            await websocket.send(frame(n))
        except ConnectionClosed:
            return n
    return ENOUGH


@pytest.mark.sockets("a raw one, that is never read")
@pytest.mark.parametrize("row", NEVER_READ)
async def test_peer_that_sends_and_never_reads(row: str) -> None:
    """Answers queue up to a limit, then calls are no longer read; memory stays bounded, it is cut in the end."""
    frame = NEVER_READ[row]
    async with CentralSystem(timeout=0.3, require_boot=False, receive_buffer=4096) as central_system:
        async with facing(central_system, "good") as good, deaf_client(central_system, "deaf") as websocket:
            session = await central_system.connected("deaf")
            shrink_send_buffer(session)
            before, tasks, most = resident(), len(asyncio.all_tasks()), 0
            sending = asyncio.create_task(send_until_closed(websocket, lambda n: frame % n))
            while session.ended_at is None:
                most = max(most, len(asyncio.all_tasks()) - tasks)
                await good.is_served()
            assert await sending < ENOUGH
            assert session.counts["overloaded"] == 1
            assert session.transport.max_queue_depth <= session.transport.limit
            assert most <= session.max_handlers + 10
            assert resident() - before < 100_000_000  # without bounds, the longest ids take 250 MB
            await until(lambda: "deaf" not in central_system)
            await good.is_served()


async def test_a_flood_while_a_call_of_ours_waits_for_its_answer() -> None:
    """The reader reads on for the reply, and holds 1 MiB of calls at most; then 1008 with the reason, and no memory."""

    async def slowly(request: m.DataTransferRequest) -> m.DataTransferResponse:
        await asyncio.get_running_loop().create_future()
        raise AssertionError("nobody wakes it")

    async with CentralSystem() as central_system, facing(central_system, "good") as good:
        central_system.router.add(m.DataTransferRequest, slowly, replace=True)
        async with facing(central_system, "bad") as bad:
            session = await central_system.connected("bad")
            asking = asyncio.create_task(session.call(m.GetConfigurationRequest()))
            assert (await bad.hear())[2] == "GetConfiguration"
            before = resident()
            flood = '[2,"%d","DataTransfer",{"vendorId":"bad","data":"' + "x" * 20_000 + '"}]'
            assert await send_until_closed(bad.websocket, lambda n: flood % n) < ENOUGH
            assert await closed_with(bad.websocket) == 1008
            assert bad.websocket.close_reason == "too many calls, 52 wait behind a call of ours"
            with pytest.raises(ConnectionLost):
                await asking
            assert session.transport.frames_received < 1_000
            assert resident() - before < 60_000_000  # 600 MB were to come
            await good.is_served()


async def test_big_frames_that_nobody_wants_do_not_fill_the_memory() -> None:
    """The trace is a ring: what a peer sends is forgotten after a while, however large it is."""
    orphan = '[3,"%d",{"junk":"' + "x" * 200_000 + '"}]'
    async with facing_central_system() as peer:
        before = resident()
        for n in range(600):
            await peer.raw(orphan % n)
        await peer.is_served()
        assert peer.session.pending.counts["orphan"] == 600
        assert resident() - before < 60_000_000  # 120 MB came in, and each is noted twice


@pytest.mark.soak
@pytest.mark.time_limit(180)
async def test_readings_of_a_megabyte_do_not_fill_the_memory() -> None:
    """Valid, answered, and new each time: a central system without a file keeps the newest of them."""
    reading = (
        '[2,"%d","MeterValues",{"connectorId":1,"meterValue":[{"timestamp":"2030-01-01T00:00:00Z",'
        '"sampledValue":[{"value":"%d' + "1" * 900_000 + '"}]}]}]'
    )
    async with facing_central_system() as peer:
        for n in range(40):  # whatever is made once is there
            await peer.raw(reading % (n, n))
            assert (await peer.hear())[0] == 3
        before = resident()
        for n in range(40, 200):
            await peer.raw(reading % (n, n))
            assert (await peer.hear())[0] == 3
        assert resident() - before < 50_000_000  # 144 MB came in, and were all kept
