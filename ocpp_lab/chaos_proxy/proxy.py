"""`ChaosProxy`: a TCP proxy on loopback between charge point and central system, and everything a network does wrong.

It knows nothing of WebSocket: it carries bytes, late, slowly or not at all. Both ends run unmodified.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from random import Random
from types import TracebackType
from typing import Any, Literal, Self

from .link import DIRECTIONS, TAKEN_AT_ONCE, Conditions, Direction, Link, reset

log = logging.getLogger(__name__)

VERBS = ("cut", "reset", "half_open", "refuse", "heal")
SETTINGS = ("latency", "jitter", "bandwidth")

EVENTS = 1000  # what happened, the newest


class ChaosProxy:
    """``async with ChaosProxy(central_system.host, central_system.port) as proxy:`` then dial ``proxy.url``.

    ``latency`` (s) is added in each direction, plus up to ``jitter`` (s); bytes never overtake each other.
    ``bandwidth`` (bytes/s, None: as fast as it goes) is per connection and direction. All three may be set at any time.
    ``buffer`` (bytes, per connection and direction) is what may be on the way; then the sender feels it. ``scheme`` is
    what ``url`` begins with: ``wss`` goes through untouched. Same ``seed``, same jitter. ``heard(direction, data)`` is
    told of all that is given on: somebody listens. ``host`` and ``port`` may be changed: that is where the next
    connection goes.

    Verbs: `cut`, `reset`, `half_open`, `refuse`, `heal`, and `play` for a script of them. What a verb has begun is
    undone by `heal`; settings keep their value.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        latency: float = 0.0,
        jitter: float = 0.0,
        bandwidth: float | None = None,
        buffer: int = 65_536,
        scheme: Literal["ws", "wss"] = "ws",
        seed: int = 0,
        heard: Callable[[Direction, bytes], object] = lambda direction, data: None,
    ) -> None:
        self.host = host
        self.port = port
        self.latency = latency
        self.jitter = jitter
        self.bandwidth = bandwidth
        self.buffer = buffer
        self.scheme = scheme
        self.dark: frozenset[Direction] = frozenset()
        """The directions in which bytes are swallowed now; set by `half_open` and `heal`."""
        self.refusing = False
        """Whether new connections are reset now; set by `refuse` and `heal`."""
        self.connections = self.refused = self.unreachable = 0
        """Accepted; refused on purpose; accepted in vain, because the central system was not there."""
        self.bytes_carried: Counter[Direction] = Counter()
        """Given on by all connections so far; they count."""
        self.bytes_swallowed: Counter[Direction] = Counter()
        """Lost by all of them so far."""
        self.events: deque[tuple[float, str]] = deque(maxlen=EVENTS)
        """What was done to the connection: loop time (s) and verb."""
        self._random = Random(seed)  # decides the jitter
        self._conditions = Conditions(  # for all connections; they ask again for each piece
            delay=self.delay,
            bandwidth=lambda: self.bandwidth,
            buffer=lambda: self.buffer,
            dark=lambda: self.dark,
            carried=self.bytes_carried,
            swallowed=self.bytes_swallowed,
            heard=heard,
        )
        self._links: dict[Link, None] = {}  # the connections that are carried now, in the order of their dials
        self._server: asyncio.Server | None = None  # None until `start`
        self._life: asyncio.Task[None] | None = None  # None until `start`; `stop` cancels it
        self._group: asyncio.TaskGroup | None = None  # of `_life`, while it runs: the parent of links and scripts
        self._listens_on = 0  # the port, 0 until `start`

    # -- life

    async def start(self) -> Self:
        """Listen on a free port of 127.0.0.1. Raises RuntimeError if it was started before."""
        if self._life:
            raise RuntimeError("expected a proxy that was not started yet; a new start is a new ChaosProxy")
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=TAKEN_AT_ONCE)
        self._listens_on = self._server.sockets[0].getsockname()[1]
        self._life = asyncio.create_task(self._live(), name="chaos proxy")
        await asyncio.sleep(0)  # it opens its TaskGroup
        return self

    async def stop(self) -> None:
        """Reset what is open and listen no more; nothing of it is left on return."""
        if self._life and not self._life.done():
            self._life.cancel()
            await asyncio.wait([self._life])

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()
        if self._life and not self._life.cancelled() and (bug := self._life.exception()) and error is None:
            raise bug

    @property
    def url(self) -> str:
        """The endpoint that a charge point dials instead of the central system's."""
        return f"{self.scheme}://127.0.0.1:{self._listens_on}"

    @property
    def running(self) -> bool:
        """Between `start` and `stop`."""
        return self._life is not None and not self._life.done()

    @property
    def open_connections(self) -> int:
        """How many are carried now."""
        return len(self._links)

    async def _live(self) -> None:
        assert self._server
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                try:
                    await asyncio.get_running_loop().create_future()  # until `stop`
                finally:
                    self._group = None  # it takes no more links
        finally:
            self._server.close()
            await self._server.wait_closed()

    # -- verbs

    def cut(self) -> None:
        """Hang up politely: FIN to both ends of every connection. What was on the way is lost."""
        self._note("cut")
        for link in list(self._links):
            link.cut()

    def reset(self) -> None:
        """Hang up rudely: RST to both ends of every connection."""
        self._note("reset")
        for link in list(self._links):
            link.reset()

    def half_open(self, direction: Direction | Literal["both"] = "both", on: bool = True) -> None:
        """Swallow bytes in a direction, from now on, on open and on new connections. No end sees a close.

        A connection that lost a byte never comes back, not even by `heal`; the next one does. Raises ValueError for
        another direction.
        """
        if direction != "both" and direction not in DIRECTIONS:
            raise ValueError(f"expected one of both, {', '.join(DIRECTIONS)}, came {direction!r}")
        self._note(f"half_open {direction}" if on else f"half_open {direction} no more")
        wanted = frozenset(DIRECTIONS) if direction == "both" else frozenset([direction])
        self.dark = wanted if on else self.dark - wanted

    def refuse(self, on: bool = True) -> None:
        """Reset new connections as soon as they come; open ones live on. The port stays ours meanwhile."""
        self._note("refuse" if on else "refuse no more")
        self.refusing = on

    def heal(self) -> None:
        """End `half_open` and `refuse`."""
        self._note("heal")
        self.dark, self.refusing = frozenset(), False

    def play(self, steps: Sequence[tuple[Any, ...]]) -> asyncio.Task[None]:
        """Run a script: ``[(0.5, "cut"), (2.0, "half_open", "to_charge_point"), (3.0, "latency", 0.1)]``.

        A step's number is in seconds since the script began. Await the task for its end, or cancel it.
        Raises ValueError for a step that is none, and RuntimeError if the proxy does not run.
        """
        if self._group is None:
            raise RuntimeError("expected a proxy that runs: a script is a child of it")
        for step in steps:
            _check(step)
        return self._group.create_task(self._play(sorted(steps, key=lambda step: float(step[0]))), name="chaos script")

    async def _play(self, steps: list[tuple[Any, ...]]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        for seconds, what, *arguments in steps:
            await asyncio.sleep(began + seconds - loop.time())
            if what in SETTINGS:
                self._note(f"{what} {arguments[0]}")
                setattr(self, what, arguments[0])
            else:
                getattr(self, what)(*arguments)

    def _note(self, what: str) -> None:
        log.info("! chaos proxy: %s", what)
        self.events.append((asyncio.get_running_loop().time(), what))

    # -- carrying

    def delay(self) -> float:
        """How long (s) the next bytes are on the way."""
        return self.latency + (self._random.uniform(0, self.jitter) if self.jitter else 0.0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing or self._group is None:
            self.refused += 1
            reset(writer)
            return
        self.connections += 1
        link = self._group.create_task(self._carry(reader, writer), name=f"chaos link {self.connections}")
        # Here and not in a `finally` of the link: cancelled before it began, it would not get there, and the server
        # waits for each connection that it accepted. After a polite end it is no more than a formality.
        link.add_done_callback(lambda ended: reset(writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from the accept to its end."""
        try:
            upstream = await asyncio.open_connection(self.host, self.port, limit=TAKEN_AT_ONCE)
        except OSError:
            self.unreachable += 1
            return
        link = Link(self._conditions, (reader, writer), upstream)
        self._links[link] = None
        try:
            await link.carry()
        finally:
            del self._links[link]


def _check(step: tuple[Any, ...]) -> None:
    if len(step) < 2 or step[1] not in (*VERBS, *SETTINGS):
        raise ValueError(f"expected (seconds, one of {', '.join((*VERBS, *SETTINGS))}, …), came {step!r}")
    if step[1] in SETTINGS and len(step) != 3:
        raise ValueError(f"expected (seconds, {step[1]!r}, value), came {step!r}")
