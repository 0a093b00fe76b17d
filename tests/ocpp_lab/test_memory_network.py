"""A network in memory does to a protocol what TCP does: bytes in order, bounded buffers, a half-close, a reset.

What stands above it is tested over it too: `pytest --memory-network` (in `make soak`). Most tests here are made with
sockets as well, and say the same.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab.memory_network import MemoryNetwork
from tests.integration.wire import until

NO_LINGERING = struct.pack("ii", 1, 0)


class Heard(asyncio.Protocol):
    """Everything that one end is told, in order; bytes together."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.transport: Any = None
        self.stays = False  # after the peer's last byte
        self.failing = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.events.append("made")

    def data_received(self, data: bytes) -> None:
        if self.failing:
            raise RuntimeError("a bug")
        if isinstance(self.events[-1], bytes):
            self.events[-1] += data
        else:
            self.events.append(data)

    def eof_received(self) -> bool:
        self.events.append("eof")
        return self.stays

    def pause_writing(self) -> None:
        self.events.append("pause")

    def resume_writing(self) -> None:
        self.events.append("resume")

    def connection_lost(self, error: Exception | None) -> None:
        self.events.append(type(error).__name__ if error else "lost")

    def said(self, *events: Any) -> Callable[[], bool]:
        return lambda: self.events == list(events)


@asynccontextmanager
async def both(memory: bool) -> AsyncIterator[tuple[Heard, Heard]]:
    """Both ends of one connection: who dialled, and who was."""
    loop = asyncio.get_running_loop()
    if memory:
        MemoryNetwork(loop).install()
    far = Heard()
    server = await loop.create_server(lambda: far, "127.0.0.1", 0)
    _, near = await loop.create_connection(Heard, "127.0.0.1", server.sockets[0].getsockname()[1])
    await until(far.said("made"))
    yield near, far
    for end in (near, far):
        if not end.transport.is_closing():
            end.transport.abort()
    server.close()
    await server.wait_closed()


either = pytest.mark.parametrize("memory", [True, False], ids=["memory", "sockets"])


@either
async def test_bytes_arrive_in_order(memory: bool) -> None:
    async with both(memory) as (near, far):
        for number in range(100):
            near.transport.write(bytes([number]) * 5000)
        near.transport.writelines([b"the", b" end"])
        await until(lambda: isinstance(far.events[-1], bytes) and far.events[-1].endswith(b"the end"))
        [told] = [event for event in far.events if isinstance(event, bytes)]
        assert told == b"".join(bytes([number]) * 5000 for number in range(100)) + b"the end"


@either
async def test_a_peer_that_does_not_read_makes_the_writer_wait(memory: bool) -> None:
    async with both(memory) as (near, far):
        far.transport.pause_reading()
        near.transport.write(b"x" * 20_000_000)
        assert near.events == ["made", "pause"]
        await asyncio.sleep(0)
        assert near.transport.get_write_buffer_size() > 1_000_000
        assert far.events == ["made"]
        far.transport.resume_reading()
        await until(near.said("made", "pause", "resume"))
        await until(lambda: len(far.events) > 1 and len(far.events[1]) == 20_000_000)


@either
async def test_close_sends_what_is_left(memory: bool) -> None:
    async with both(memory) as (near, far):
        near.transport.write(b"x" * 5_000_000)
        near.transport.close()
        assert near.transport.is_closing()
        await until(far.said("made", b"x" * 5_000_000, "eof", "lost"))
        await until(lambda: near.events[-1] == "lost")


@either
async def test_half_a_close(memory: bool) -> None:
    """One end has said all and still listens."""
    async with both(memory) as (near, far):
        far.stays = True
        near.transport.write(b"question")
        near.transport.write_eof()
        await until(far.said("made", b"question", "eof"))
        far.transport.write(b"answer")
        far.transport.close()
        await until(near.said("made", b"answer", "eof", "lost"))
        with pytest.raises(RuntimeError):
            near.transport.write(b"more")


@either
async def test_abort_loses_what_is_left(memory: bool) -> None:
    async with both(memory) as (near, far):
        far.transport.pause_reading()
        near.transport.write(b"x" * 20_000_000)
        near.transport.abort()
        await until(lambda: near.events[-1] == "lost")
        far.transport.resume_reading()
        await until(lambda: far.events[-1] in ("lost", "ConnectionResetError"))
        assert len(far.events[1]) < 20_000_000


@either
async def test_a_reset_is_one(memory: bool) -> None:
    """SO_LINGER without time, then abort: what `ChaosProxy.reset` does."""
    async with both(memory) as (near, far):
        near.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGERING)
        near.transport.abort()
        await until(far.said("made", "ConnectionResetError"))


@either
async def test_whoever_writes_to_one_that_is_gone_is_reset(memory: bool) -> None:
    async with both(memory) as (near, far):
        near.stays = True
        far.transport.close()
        await until(near.said("made", "eof"))
        near.transport.write(b"hello?")
        await asyncio.sleep(0.01 if not memory else 0)
        if not near.transport.is_closing():
            near.transport.write(b"hello?")
        await until(lambda: near.events[-1] in ("ConnectionResetError", "BrokenPipeError"))


@either
async def test_a_protocol_that_fails_ends_its_connection_and_the_loop_hears_of_it(memory: bool) -> None:
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["exception"]))
    async with both(memory) as (near, far):
        far.failing = True
        near.transport.write(b"x")
        await until(lambda: far.events[-1] == "RuntimeError")
        assert [str(error) for error in told] == ["a bug"]


@either
async def test_at_most_so_many_bytes_at_a_time(memory: bool) -> None:
    """`Pipe` asks for little at once, so that a flood delays nobody for long."""
    sizes: list[int] = []
    async with both(memory) as (near, far):
        far.transport.max_size = 1000
        far.data_received = lambda data: sizes.append(len(data))  # type: ignore[method-assign]
        near.transport.write(b"x" * 100_000)
        await until(lambda: sum(sizes) == 100_000)
        assert max(sizes) <= 1000


@either
async def test_nobody_listens(memory: bool) -> None:
    loop = asyncio.get_running_loop()
    if memory:
        MemoryNetwork(loop).install()
    server = await loop.create_server(Heard, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(OSError):
        await loop.create_server(Heard, "127.0.0.1", port)
    server.close()
    await server.wait_closed()
    assert not server.is_serving()
    with pytest.raises(ConnectionRefusedError):
        await loop.create_connection(Heard, "127.0.0.1", port)


async def test_a_server_waits_for_its_connections_and_can_end_them() -> None:
    async with both(memory=True) as (near, far):
        server = next(iter(near.transport._loop.create_server.__self__._listening.values()))
        server.close()
        waiting = asyncio.ensure_future(server.wait_closed())
        await asyncio.sleep(0)
        assert not waiting.done()
        server.close_clients()
        await waiting
        assert far.events[-1] == "lost"


@pytest.mark.parametrize("option", ["ssl", "sock", "local_addr"])
async def test_what_only_a_socket_can_do_is_refused(option: str) -> None:
    net = MemoryNetwork(asyncio.get_running_loop())
    with pytest.raises(OSError, match=f"expected no {option}=: this network is in memory"):
        await net.create_server(Heard, "127.0.0.1", 0, **{option: True})
    with pytest.raises(OSError, match="in memory"):
        await net.create_connection(Heard, "127.0.0.1", 1, **{option: True})


async def test_another_host_is_out_of_reach() -> None:
    net = MemoryNetwork(asyncio.get_running_loop())
    server = await net.create_server(Heard, "127.0.0.1", 0)
    with pytest.raises(ConnectionRefusedError, match=r"nobody listens on example\.org:\d+; this network is in memory"):
        await net.create_connection(Heard, "example.org", server.sockets[0].getsockname()[1])
    server.close()


async def test_both_ends_of_the_stack_meet_in_memory() -> None:
    MemoryNetwork(asyncio.get_running_loop()).install()
    async with CentralSystem() as central_system, ChargePoint(central_system.url, "CP_1") as charge_point:
        await central_system.connected("CP_1")
        await until(lambda: charge_point.state == "online")
        assert central_system["CP_1"].transport.frames_received > 0
