"""`Site`: a machine with its power switch: a host of the simulated network, its file, and what runs on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from ..central_system import CentralSystem, Ledger
from ..charge_point import ChargePoint
from ..outbox import Outbox
from ..pending import Pending
from ..store import Store
from ..tally import Tally
from ..trace import EVERYTHING, Event, Trace
from .bad_disk import BadDisk, Spell, shares
from .book import Book
from .central_system_watch import CentralSystemWatch
from .ground import Ground
from .machine_clock import MachineClock
from .watch import Watch

PORT = 9000
STOP_LIMIT = 30.0
"""Seconds: stopping never hangs, in any state."""


class Site:
    """What both kinds of machine have in common. ``name`` is its host's name in the network."""

    def __init__(self, ground: Ground, name: str, trace: Trace) -> None:
        self.ground = ground
        self.name = name
        self.trace = trace
        """The story of all its lives: whatever runs on it writes, and `note`."""
        self.host = ground.net.host(name)
        """Whose tasks and connections die with the power; `crash` and `switch_off` see to that."""
        self.path = ground.disk.path(name)
        """Its file. `crash` replaces it by a copy of what was on the disk at that instant."""
        self.bad_disk = BadDisk(asyncio.get_running_loop().time)
        """What that file lies on. A power cut does not mend it."""
        self.clock = MachineClock(ground.now)
        """What it takes for the date; it goes on without power."""
        self.outages: list[Spell] = []
        """When it had no power; each start after a crash adds one."""
        self._down_since = 0.0  # when the power went last
        self.up = False
        """Whether it has power: set by `start`, cleared by `crash` and `switch_off`. A polite end leaves it on."""
        self.starts = 0
        """How many lives began; `start` counts."""

    async def do[T](self, work: Coroutine[Any, Any, T]) -> T | None:
        """Run something on this machine; None if its power went meanwhile."""
        if not self.up:
            work.close()
            return None
        task = self.host.create_task(work)
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())  # whoever waited may be gone
        await asyncio.wait([task])
        return None if task.cancelled() else task.result()

    def crash(self) -> None:
        """The power goes: what is on the disk at this instant stays, everything else is gone, nobody is told.

        Raises RuntimeError if it has no power already.
        """
        if not self.up:
            raise RuntimeError(f"expected {self.name} to be up; it has no power already")
        self.path = self.ground.disk.snapshot(self.name, self.path)
        self.up, self._down_since = False, asyncio.get_running_loop().time()
        self.note("power cut")
        self.host.crash()

    def switch_off(self) -> None:
        """The world is over: what still runs here is killed. Fine if it has no power."""
        if self.up:
            self.up = False
            self.host.crash()

    def excuses(self, since: float, until: float) -> list[float]:
        """For how many seconds between these instants it could not write, spell by spell: no power, or a bad disk."""
        return shares(self.outages, since, until) + self.bad_disk.bad_between(since, until)

    def note(self, text: str) -> None:
        """Tell the story of this machine."""
        self.trace.note(self.name, "=", text)

    def ids(self) -> Any:
        """Unique ids that are the same in every run, and never the same after a restart."""
        start = self.starts
        number = 0
        while True:
            number += 1
            yield f"{self.name}/{start}/{number}"

    async def _power_on(self) -> None:
        if self.up:
            raise RuntimeError(f"expected {self.name} to be down; it is up")
        if self.starts:
            await asyncio.sleep(0.001)  # a dying task may still run in the instant of the crash
            self.bury()
            self.host.restart()
            self.outages.append((self._down_since, asyncio.get_running_loop().time()))
        self.starts += 1
        self.up = True

    def bury(self) -> None:
        """Close what the dead process had open. NotImplementedError here: each kind of machine has its own."""
        raise NotImplementedError

    def check_balance(self, tally: Tally) -> None:
        """Of a process that is over: every call that started has ended, once."""
        difference = tally.imbalance()
        self.ground.invariants.expect(not difference, "the metrics balance", f"{self.name}: {difference}", self.name)


class CentralSystemSite(Site):
    """The central system's machine. ``ledger`` makes one from a path, ``make`` is the class or a factory.

    Of a ledger of your own the simulation needs what a `Ledger` shows: also ``before``, ``rows``, ``readings``,
    ``orphans`` and ``close``.
    """

    def __init__(
        self,
        ground: Ground,
        *,
        make: Callable[..., CentralSystem] = CentralSystem,
        ledger: Callable[[str], Any] = Ledger,
        **options: Any,
    ) -> None:
        self.watch = CentralSystemWatch(ground.invariants)
        """Hears the trace, over all lives."""
        super().__init__(ground, "cs", Trace(limit=1_000_000, listener=self.watch.hear, max_bytes=EVERYTHING))
        self.make = make
        self.make_ledger = ledger
        self.options = options
        """What every life is made with, beyond what the machine gives it."""
        self.ledger: Any = None
        """The newest life's, open; made by `start`, closed by `bury`. None before the first."""
        self.central_system: CentralSystem
        """The newest life, made by `start`; until then there is no such attribute."""

    async def start(self, *, forget: str = "nothing") -> CentralSystem:
        """Switch it on. After a crash it may ``forget`` "registrations", or "everything": an empty memory.

        Raises ValueError for anything else, and RuntimeError if it is on.
        """
        if forget not in ("nothing", "registrations", "everything"):
            raise ValueError(f"expected to forget nothing, registrations or everything, came {forget!r}")
        await self._power_on()
        if forget == "everything":
            self.path = self.ground.disk.path(self.name)
        started = await self.do(self._start(forget))
        assert started is not None
        return started

    async def _start(self, forget: str) -> CentralSystem:
        self.ledger = self.make_ledger(self.path)
        self.bad_disk.put_under(self.ledger)
        self.central_system = self.make(
            host="127.0.0.1",  # which is this machine, whose name in the network is cs
            port=PORT,
            ledger=self.ledger,
            ids=self.ids(),
            trace=self.trace,
            now=self.clock.now,
            **self.options,
        )
        self.watch.begin(self.central_system, self.path)
        if forget != "nothing":
            self.central_system.registrations.clear()
        return await self.central_system.start()

    async def stop(self) -> None:
        """Politely. Its ledger stays open, to be read."""
        await self.do(self.central_system.stop())

    def bury(self) -> None:
        """Close the ledger of the dead process."""
        self.watch.end()
        if self.ledger is not None:
            self.ledger.close()
            self.check_balance(self.central_system.tally)


class ChargePointSite(Site):
    """A charge point's machine. ``outbox`` makes one from its store; ``configuration`` sets keys before it starts.

    ``now`` is its own clock; by default it tells the date of the world.
    """

    def __init__(
        self,
        ground: Ground,
        identity: str,
        *,
        make: Callable[..., ChargePoint] = ChargePoint,
        outbox: Callable[[Store], Any] = Outbox,
        pending: Callable[[], Any] = Pending,
        configuration: dict[str, object] | None = None,
        now: Callable[[], datetime] | None = None,
        **options: Any,
    ) -> None:
        self.book = Book()
        """What all lives wrote down for delivery."""
        self.watch = Watch(identity, self.book, ground.invariants, lambda: not self.bad_disk.bad)
        """Hears the trace, over all lives."""
        self.ears: list[Callable[[Event], object]] = [self.watch.hear]
        """Told every event of the trace; added to by whoever watches more."""
        self.on_life: list[Callable[[ChargePoint], object]] = []
        """Told every life before it starts; added to by whoever watches more."""
        super().__init__(ground, identity, Trace(limit=1_000_000, listener=self._hear, max_bytes=EVERYTHING))
        self.make = make
        self.make_outbox = outbox
        self.make_pending = pending
        self.clock = MachineClock(now or ground.now)
        self.configuration = configuration or {}
        """Keys as every life finds them, unless the central system changed them."""
        self.options = options
        """What every life is made with, beyond what the machine gives it."""
        self.faults: list[Spell] = []
        """When a connector was broken; `mended` adds one."""
        self._broken_since: dict[int, float] = {}  # by connector, of those that are broken now
        self.charge_point: ChargePoint
        """The newest life, made by `start`; until then there is no such attribute."""
        self.pendings: list[Any] = []
        """Of this life, one for each connection; `_pending` adds, `crash` forgets them."""

    async def start(self) -> ChargePoint:
        """Switch it on; after a crash it finds what the crash left. Raises RuntimeError if it is on."""
        await self._power_on()
        started = await self.do(self._start())
        assert started is not None
        return started

    async def _start(self) -> ChargePoint:
        store = Store(self.path, owner=self.name)
        self.bad_disk.put_under(store)
        charge_point = self.charge_point = self.make(
            f"ws://cs:{PORT}",
            self.name,
            path=store,
            outbox=self.make_outbox(store),
            pending=self._pending,
            ids=self.ids(),
            rng=self.ground.rng(f"{self.name} {self.starts}"),
            trace=self.trace,
            now=self.clock.now,
            **self.options,
        )
        for key, value in self.configuration.items():
            charge_point.configuration[key] = str(value)
        charge_point.configuration.restore()  # what the central system changed wins
        self._listen(charge_point)
        return await charge_point.start()

    def _listen(self, charge_point: ChargePoint) -> None:
        self.watch.begin(charge_point)
        self.book.open(charge_point, gave_up=self.watch.gave_up)
        for listen in self.on_life:
            listen(charge_point)

    def _hear(self, event: Event) -> None:
        for hear in self.ears:
            hear(event)

    def _pending(self) -> Any:
        """A new connection begins: no call of the one before may still be pending."""
        self.check_pending()
        self.pendings.append(self.make_pending())
        return self.pendings[-1]

    def check_pending(self) -> None:
        """A connection is over: no call of its may still be pending."""
        if self.pendings and (left := len(self.pendings[-1])):
            message = f"{left} calls outlived their connection"
            self.ground.invariants.broken("no call is left pending", message, self.name)

    def broken(self, connector: int) -> None:
        """Something is wrong with it, and its meter perhaps not read."""
        self._broken_since.setdefault(connector, asyncio.get_running_loop().time())

    def mended(self, connector: int) -> None:
        """Nothing is, any more."""
        if (since := self._broken_since.pop(connector, None)) is not None:
            self.faults.append((since, asyncio.get_running_loop().time()))

    def excuses(self, since: float, until: float) -> list[float]:
        """Those of every machine, and broken connectors."""
        return super().excuses(since, until) + shares(self.faults, since, until)

    def crash(self) -> None:
        """The power goes; see `Site.crash`. It takes the faults with it."""
        for connector in list(self._broken_since):
            self.mended(connector)
        self.book.close(self.charge_point)
        self.pendings.clear()
        super().crash()

    async def stop(self) -> None:
        """Politely; a violation if that takes for ever."""
        if not self.up:
            return
        try:
            async with asyncio.timeout(STOP_LIMIT):
                await self.do(self.charge_point.stop())
        except TimeoutError:
            message = f"not stopped after {STOP_LIMIT:g} s"
            self.ground.invariants.broken("stopping never hangs", message, self.name)
        self.book.close(self.charge_point)
        self.check_pending()
        self.bury()

    def bury(self) -> None:
        """Close what the dead process had open, and look at its accounts."""
        charge_point = self.charge_point
        charge_point.chores.end()
        self.check_balance(charge_point.tally)
        charge_point.outbox.close()
        charge_point.memory.close()
