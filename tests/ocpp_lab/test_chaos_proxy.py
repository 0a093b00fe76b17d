"""The proxy between both ends, with plain sockets at them: what arrives, what does not, and how a connection ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest

from ocpp_lab import ChaosProxy
from ocpp_lab.chaos_proxy.link import reset

DEADLINE = 5.0
ENDS = ["to_central_system", "to_charge_point"]


class End:
    """One plain end of a proxied connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, text: bytes) -> None:
        self.writer.write(text)
        await self.writer.drain()

    async def hear(self, size: int) -> bytes:
        async with asyncio.timeout(DEADLINE):
            return await self.reader.readexactly(size)

    async def end(self) -> str:
        """How the line ended, seen from here; what came before is thrown away."""
        try:
            async with asyncio.timeout(DEADLINE):
                await self.reader.read()
            return "FIN"
        except ConnectionResetError:
            return "RST"

    def hears_nothing(self) -> bool:
        return not self.reader.at_eof() and not self.reader._buffer and self.reader.exception() is None  # type: ignore[attr-defined]

    def close(self) -> None:
        self.writer.close()


class Bench:
    """A proxy, a plain server behind it, and as many plain clients as a test dials."""

    def __init__(self, proxy: ChaosProxy, arrivals: asyncio.Queue[End]) -> None:
        self.proxy = proxy
        self.arrivals = arrivals
        self.ends: list[End] = []

    async def dial(self) -> tuple[End, End]:
        """Both ends of a new connection."""
        client = await self.knock()
        async with asyncio.timeout(DEADLINE):
            self.ends.append(await self.arrivals.get())
        return client, self.ends[-1]

    async def knock(self) -> End:
        port = int(self.proxy.url.rpartition(":")[2])
        self.ends.append(End(*await asyncio.open_connection("127.0.0.1", port)))
        return self.ends[-1]


@asynccontextmanager
async def bench(**options: Any) -> AsyncIterator[Bench]:
    arrivals: asyncio.Queue[End] = asyncio.Queue()

    def arrive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrivals.put_nowait(End(reader, writer))

    async with await asyncio.start_server(arrive, "127.0.0.1", 0) as server:
        async with ChaosProxy("127.0.0.1", server.sockets[0].getsockname()[1], **options) as proxy:
            there = Bench(proxy, arrivals)
            try:
                yield there
            finally:
                for end in there.ends:
                    end.close()


def flow(there: Bench) -> Any:
    """The way up of the first connection, None while the proxy still dials."""
    return next((link.flows[0] for link in there.proxy._links), None)


async def until(condition: Any) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 (there is no event for it)
            await asyncio.sleep(0.001)


async def test_bytes_go_through_unchanged_and_are_counted() -> None:
    """What is carried is counted by direction; several connections do not mix."""
    async with bench() as there:
        for n in range(3):
            client, server = await there.dial()
            await client.say(b"%d up" % n)
            assert await server.hear(4) == b"%d up" % n
            await server.say(b"%d down" % n)
            assert await client.hear(6) == b"%d down" % n
        assert there.proxy.connections == there.proxy.open_connections == 3
        assert there.proxy.bytes_carried == {"to_central_system": 12, "to_charge_point": 18}
        assert not there.proxy.bytes_swallowed


async def test_a_half_close_is_carried_after_the_last_byte() -> None:
    """TCP lets one end finish and still listen; the last bytes come before the FIN."""
    async with bench(latency=0.02) as there:
        client, server = await there.dial()
        await client.say(b"the last words")
        client.writer.write_eof()
        assert await server.reader.read() == b"the last words"
        await server.say(b"heard")
        assert await client.hear(5) == b"heard"
        server.close()
        assert await client.end() == "FIN"
        await until(lambda: there.proxy.open_connections == 0)


async def test_a_reset_of_one_end_is_carried_to_the_other() -> None:
    async with bench() as there:
        client, server = await there.dial()
        await client.say(b"x")
        await server.hear(1)
        reset(client.writer)
        assert await server.end() == "RST"
        await until(lambda: there.proxy.open_connections == 0)


@pytest.mark.parametrize(("verb", "seen"), [("cut", "FIN"), ("reset", "RST")])
async def test_both_ends_see_how_it_was_ended(verb: str, seen: str) -> None:
    """cut: FIN both ways. reset: RST both ways. The next connection is good."""
    async with bench() as there:
        client, server = await there.dial()
        await client.say(b"unread")  # a close with unread bytes would turn a FIN into an RST
        await server.say(b"unread")
        await until(lambda: there.proxy.bytes_carried.total() == 12)
        getattr(there.proxy, verb)()
        assert [await client.end(), await server.end()] == [seen, seen]
        client.close()
        server.close()
        await until(lambda: there.proxy.open_connections == 0)
        client, server = await there.dial()
        await client.say(b"again")
        assert await server.hear(5) == b"again"


async def test_a_cut_loses_what_is_on_the_way() -> None:
    async with bench(latency=30.0) as there:
        client, server = await there.dial()
        await client.say(b"too late")
        await until(lambda: (up := flow(there)) and up._held)
        there.proxy.cut()
        assert await server.reader.read() == b""
        assert await client.end() == "FIN"


async def test_somebody_listens() -> None:
    """All that is given on, by direction; and nothing of what is swallowed."""
    heard: list[tuple[str, bytes]] = []
    async with bench(heard=lambda direction, data: heard.append((direction, data))) as there:
        charge_point, central_system = await there.dial()
        await charge_point.say(b"secret")
        assert await central_system.hear(6) == b"secret"
        await central_system.say(b"yes")
        assert await charge_point.hear(3) == b"yes"
        there.proxy.half_open("to_central_system")
        await charge_point.say(b"lost")
        await central_system.say(b"!")
        await charge_point.hear(1)
    assert heard == [("to_central_system", b"secret"), ("to_charge_point", b"yes"), ("to_charge_point", b"!")]


async def test_the_next_connection_goes_elsewhere() -> None:
    """Its target may be changed: who dials next is led to another server."""
    async with bench() as there, bench() as other:
        there.proxy.port = other.proxy.port
        charge_point = await there.knock()
        async with asyncio.timeout(DEADLINE):
            elsewhere = await other.arrivals.get()
        await charge_point.say(b"secret")
        assert await elsewhere.hear(6) == b"secret"
        elsewhere.close()


@pytest.mark.parametrize("direction", [*ENDS, "both"])
async def test_half_open_swallows_and_shows_no_close(direction: Any) -> None:
    """A black hole: the writer notices nothing, the reader hears nothing, the other direction lives on."""
    async with bench() as there:
        client, server = await there.dial()
        there.proxy.half_open(direction)
        ways = {"to_central_system": (client, server), "to_charge_point": (server, client)}
        for way, (sender, receiver) in ways.items():
            await sender.say(b"hello")
            if direction in (way, "both"):
                await until(lambda way=way: there.proxy.bytes_swallowed[way] == 5)
                assert receiver.hears_nothing()
            else:
                assert await receiver.hear(5) == b"hello"


async def test_half_open_swallows_the_end_too() -> None:
    """The far end never learns that its peer is gone, until it goes itself."""
    async with bench() as there:
        client, server = await there.dial()
        there.proxy.half_open()
        client.close()
        await until(lambda: (up := flow(there)) and up.dead)
        assert server.hears_nothing()
        assert there.proxy.open_connections == 1
        server.close()
        await until(lambda: there.proxy.open_connections == 0)


async def test_a_connection_that_lost_bytes_never_comes_back_but_the_next_one_is_good() -> None:
    """Bytes in the middle of a stream are missing for ever: to go on after them would be garbage, not a healed line."""
    async with bench() as there:
        lost, lost_server = await there.dial()
        idle, idle_server = await there.dial()
        there.proxy.half_open()
        await lost.say(b"swallowed")
        await until(lambda: there.proxy.bytes_swallowed.total() == 9)
        there.proxy.heal()
        await lost.say(b"still dark")
        await until(lambda: there.proxy.bytes_swallowed.total() == 19)
        assert lost_server.hears_nothing()
        await idle.say(b"I said nothing meanwhile")
        assert await idle_server.hear(24) == b"I said nothing meanwhile"
        client, server = await there.dial()
        await client.say(b"new")
        assert await server.hear(3) == b"new"


async def test_half_open_holds_for_new_connections_too() -> None:
    async with bench() as there:
        there.proxy.half_open("to_charge_point")
        client, server = await there.dial()
        await client.say(b"anybody?")
        assert await server.hear(8) == b"anybody?"
        await server.say(b"yes")
        await until(lambda: there.proxy.bytes_swallowed["to_charge_point"] == 3)
        assert client.hears_nothing()


async def test_a_hole_is_closed_by_direction() -> None:
    """half_open sets the directions that are dark; ``on=False`` takes some away, and leaves `refuse` alone."""
    proxy = ChaosProxy("127.0.0.1", 1)
    proxy.refuse()
    proxy.half_open()
    proxy.half_open("to_charge_point", on=False)
    assert proxy.dark == {"to_central_system"}
    proxy.half_open("to_charge_point")
    assert proxy.dark == {"to_charge_point"}
    proxy.half_open(on=False)
    assert (proxy.dark, proxy.refusing) == (frozenset(), True)
    proxy.heal()
    assert not proxy.refusing


async def test_refuse_resets_new_connections_and_leaves_open_ones_alone() -> None:
    async with bench() as there:
        client, server = await there.dial()
        there.proxy.refuse()
        assert await (await there.knock()).end() == "RST"
        assert (there.proxy.refused, there.proxy.connections) == (1, 1)
        await client.say(b"still here")
        assert await server.hear(10) == b"still here"
        there.proxy.refuse(False)
        client, server = await there.dial()
        await client.say(b"let in")
        assert await server.hear(6) == b"let in"


async def test_nobody_behind_the_proxy_is_a_reset() -> None:
    """A central system that is down: the dial ends at once, and is counted apart from what was refused on purpose."""
    async with await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
    async with ChaosProxy("127.0.0.1", port) as proxy:
        there = Bench(proxy, asyncio.Queue())
        client = await there.knock()
        assert await client.end() == "RST"
        assert (proxy.unreachable, proxy.refused) == (1, 0)
        client.close()


async def test_order_is_kept_whatever_the_jitter() -> None:
    """TCP is a stream: bytes that were lucky wait for those that were not."""
    async with bench(latency=0.001, jitter=0.01, seed=1) as there:
        client, server = await there.dial()
        words = [b"%04d" % n for n in range(100)]
        for word in words:
            await client.say(word)
            await asyncio.sleep(0)
        assert await server.hear(400) == b"".join(words)


def test_same_seed_same_jitter() -> None:
    def delays(seed: int) -> Iterator[float]:
        proxy = ChaosProxy("127.0.0.1", 1, latency=1.0, jitter=2.0, seed=seed)
        return (proxy.delay() for _ in range(20))

    same, again, other = list(delays(1)), list(delays(1)), list(delays(2))
    assert same == again != other
    assert all(1.0 <= delay <= 3.0 for delay in same)


async def test_latency_is_added_in_each_direction() -> None:
    """Measured on the loop's clock as a lower bound, which no slow machine can break."""
    async with bench(latency=0.05) as there:
        client, server = await there.dial()
        time = asyncio.get_running_loop().time
        began = time()
        await client.say(b"ping")
        await server.say(await server.hear(4))
        await client.hear(4)
        assert time() - began >= 0.1 - 0.002  # the loop's timers may be early by their resolution


@pytest.mark.sockets("their buffers, which grow to megabytes")
async def test_bandwidth_makes_it_take_at_least_so_long_and_can_be_lifted() -> None:
    async with bench(bandwidth=20_000) as there:
        client, server = await there.dial()
        time = asyncio.get_running_loop().time
        began = time()
        await client.say(b"x" * 4000)
        await server.hear(4000)
        assert time() - began >= 0.2 - 0.01
        there.proxy.bandwidth = 20  # two days
        await client.say(b"y" * 4_000_000)
        await until(lambda: there.proxy.bytes_carried["to_central_system"] > 4000)
        there.proxy.bandwidth = None
        assert await server.hear(4_000_000) == b"y" * 4_000_000


async def test_what_is_on_the_way_is_bounded() -> None:
    """The sender feels a slow line as back-pressure; the proxy's memory does not."""
    async with bench(latency=30.0, buffer=10_000) as there:
        client, _ = await there.dial()
        client.writer.write(b"x" * 20_000_000)
        await until(lambda: (up := flow(there)) and up._held >= 10_000)
        up = flow(there)
        held = up._held
        for _ in range(100):
            await asyncio.sleep(0)
        assert up._held == held <= 10_000 + 16_384
        assert client.writer.transport.get_write_buffer_size() > 0
        client.writer.transport.abort()


async def test_a_script_is_played_in_the_order_of_its_times() -> None:
    async with bench() as there:
        client, server = await there.dial()
        script = there.proxy.play([(0.03, "heal"), (0.0, "latency", 0.001), (0.02, "refuse"), (0.01, "cut")])
        assert script.get_name() == "chaos script"
        await script
        assert [what for _, what in there.proxy.events] == ["latency 0.001", "cut", "refuse", "heal"]
        assert there.proxy.latency == 0.001
        assert not there.proxy.refusing
        assert [await client.end(), await server.end()] == ["FIN", "FIN"]


@pytest.mark.parametrize("step", [(0.0, "explode"), (0.0,), (0.0, "latency"), (1.0, "stop")])
async def test_a_script_with_an_unknown_step_is_refused_before_it_begins(step: tuple[Any, ...]) -> None:
    async with bench() as there:
        with pytest.raises(ValueError, match=r"^expected \(seconds, "):
            there.proxy.play([(0.0, "cut"), step])
        assert not there.proxy.events


async def test_an_unknown_direction_is_refused() -> None:
    async with bench() as there:
        with pytest.raises(ValueError, match="expected one of both, to_central_system, to_charge_point, came 'up'"):
            there.proxy.half_open("up")  # type: ignore[arg-type]


async def test_stopping_ends_whatever_goes_on() -> None:
    """Open, dark and slow connections, and a script: nothing of it is left (the harness looks for tasks)."""
    async with bench(bandwidth=1.0, latency=0.01) as there:
        for n in count():
            client, _ = await there.dial()
            await client.say(b"x" * 1000)
            if n == 2:
                break
            there.proxy.half_open()
        script = there.proxy.play([(3600.0, "cut")])
        await there.proxy.stop()
        assert script.cancelled()
        assert there.proxy.open_connections == 0
        with pytest.raises(ConnectionRefusedError):
            await there.knock()


async def test_a_proxy_starts_once() -> None:
    async with bench() as there:
        with pytest.raises(RuntimeError, match="a new start is a new ChaosProxy"):
            await there.proxy.start()


async def test_the_url_has_the_scheme_that_is_spoken_through_it() -> None:
    async with bench(scheme="wss") as there:
        assert there.proxy.url.startswith("wss://127.0.0.1:")


class _StoppedAtTheDoor(ChaosProxy):
    """Stopped in the very turn of the loop in which a connection is accepted: its link never gets to run."""

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._life
        self._life.cancel()
        super()._accept(reader, writer)


async def test_stopping_does_not_wait_for_a_connection_whose_link_never_ran() -> None:
    """A server waits for every connection that it accepted (Python 3.12): one that nobody closes is waited for, for
    ever."""
    proxy = await _StoppedAtTheDoor("127.0.0.1", 9).start()
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy._listens_on)
    async with asyncio.timeout(DEADLINE):
        await proxy.stop()
        with pytest.raises(ConnectionResetError):
            await reader.read()
    writer.close()
