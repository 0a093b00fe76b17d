"""`World`: one simulated world: a central system, charge points, the network between them, and who uses them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from ..central_system import CentralSystem
from ..charge_point import ChargePoint
from .disk import Disk
from .ground import Ground
from .invariants import Invariants
from .loop import Loop
from .site import CentralSystemSite, ChargePointSite, Site
from .story import ladder_text
from .violation import Violation

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
"""When the world begins."""
FOR_EVER = 1e9
"""Seconds that a packet takes on a link that is silent."""
REST = 30.0
"""Seconds after the end, in which whatever was left behind would show itself."""


class World:
    """Made by `simulate`. ``seed`` decides the order of simultaneous events, every latency, and what `rng` draws.

    It composes the parts: machines stand on its ``ground``, watches tell its ``invariants``. No part knows the world.
    """

    def __init__(self, loop: Loop, seed: int) -> None:
        self.loop = loop
        self.net = loop.net
        self.seed = seed
        self.disk = Disk()
        """The machines' files; `Run` takes it away in the end."""
        self.invariants = Invariants(loop.time)
        """What must hold, and what did not; every watch tells it."""
        self.ground = Ground(net=self.net, disk=self.disk, invariants=self.invariants, now=self.now, rng=self.rng)
        """What every machine is built on."""
        self.sites: dict[str, ChargePointSite] = {}
        """The charge points' machines, by identity; `start_charge_point` adds one."""
        self._central_system_site: CentralSystemSite | None = None  # None until `start_central_system`
        self._users: list[asyncio.Task[Any]] = []  # what `begin` began; `end` cancels them

    # -- time and chance

    @property
    def time(self) -> float:
        """Seconds since the beginning."""
        return self.loop.time()

    def now(self) -> datetime:
        """The date in this world."""
        return NOON + timedelta(seconds=self.loop.time())

    def rng(self, name: str) -> Random:
        """A stream of chance of its own: what one draws does not change what another gets."""
        return Random(f"{self.seed}:{name}")

    # -- who lives here

    async def start_central_system(self, **options: Any) -> CentralSystem:
        """Build the central system's machine and switch it on; ``options`` as in `CentralSystemSite`."""
        self._central_system_site = CentralSystemSite(self.ground, **options)
        return await self._central_system_site.start()

    async def start_charge_point(self, identity: str, **options: Any) -> ChargePoint:
        """Build a charge point's machine and switch it on; ``options`` as in `ChargePointSite`."""
        self.sites[identity] = ChargePointSite(self.ground, identity, **options)
        return await self.sites[identity].start()

    @property
    def central_system_site(self) -> CentralSystemSite:
        """The central system's machine, which `start_central_system` built; RuntimeError before."""
        if self._central_system_site is None:
            raise RuntimeError("expected a world with a central system; `start_central_system` builds one")
        return self._central_system_site

    @property
    def machines(self) -> list[Site]:
        """All there are: the central system's, if there is one, and the charge points'."""
        return [*([self._central_system_site] if self._central_system_site else []), *self.sites.values()]

    @property
    def central_system(self) -> CentralSystem:
        """Its newest life."""
        return self.central_system_site.central_system

    def charge_point(self, identity: str) -> ChargePoint:
        """Its newest life."""
        return self.sites[identity].charge_point

    def begin(self, work: Coroutine[Any, Any, object], name: str) -> asyncio.Task[Any]:
        """Let somebody act in the background until the world ends: a driver, the weather."""
        task = asyncio.create_task(work, name=name)
        self._users.append(task)
        return task

    # -- what the network does

    def cut(self, *identities: str) -> None:
        """Nothing gets through between these charge points (all, if none is named) and the central system."""
        self.net.partition(["cs"], list(identities or self.sites))
        self._note("the network is cut", identities)

    def heal(self, *identities: str) -> None:
        """Everything gets through again to these charge points (all, if none is named), also what was held up."""
        if identities:
            _heal_some(self.net, identities)
        else:
            self.net.heal()
        self._note("the network is whole", identities)

    def silence(self, source: str, target: str) -> None:
        """What ``source`` sends does not reach ``target`` any more; the other direction works: a half-open link."""
        self.net.set_link(source, target, latency=(FOR_EVER, FOR_EVER))
        self._note(f"{source} is not heard by {target}", ())

    def set_latency(self, identity: str, lowest: float, highest: float) -> None:
        """Seconds that a packet takes, either way. Ends a silence for new connections."""
        self.net.set_link("cs", identity, latency=(lowest, highest))
        self.net.set_link(identity, "cs", latency=(lowest, highest))

    def _note(self, text: str, identities: tuple[str, ...]) -> None:
        for identity in identities or self.sites:
            self.sites[identity].note(text)

    # -- what must hold

    @property
    def violations(self) -> list[Violation]:
        """The invariants that broke so far; `simulate` raises the first one."""
        return self.invariants.violations

    def broken(self, invariant: str, message: str, identity: str = "") -> None:
        """An invariant does not hold. The first is what counts; what follows may be its consequence."""
        self.invariants.broken(invariant, message, identity)

    def expect(self, holds: object, invariant: str, message: str, identity: str = "") -> None:
        """An invariant is broken unless it ``holds``."""
        self.invariants.expect(holds, invariant, message, identity)

    def ladder(self, identity: str, *, around: float) -> str:
        """The frames between a charge point and the central system around an instant (s), as text."""
        central_system = self._central_system_site.trace if self._central_system_site else ()
        return ladder_text(self.sites[identity].trace, central_system, identity, around=around)

    # -- the end

    async def end(self) -> None:
        """Stop politely, take all power away, and see what is left: no task, no connection, no file."""
        for user in self._users:
            user.cancel()
        await asyncio.gather(*self._users, return_exceptions=True)
        for site in self.sites.values():
            await site.stop()
        await self._stop_central_system()
        await asyncio.sleep(REST)
        self._look_for_leftovers()

    async def _stop_central_system(self) -> None:
        site = self._central_system_site
        if site is None:
            return
        await site.stop()
        self.switch_off()
        site.bury()

    def switch_off(self) -> None:
        """Take all power away."""
        for machine in self.machines:
            machine.switch_off()

    def _look_for_leftovers(self) -> None:
        tasks = sorted(task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()})
        self.expect(not tasks, "nothing is left", f"tasks: {', '.join(map(str, tasks))}")
        streams = len(getattr(self.net, "_streams", ()))
        self.expect(not streams, "nothing is left", f"{streams} connections")
        files = self.disk.open_files()
        self.expect(not files, "nothing is left", f"open files: {', '.join(files)}")


def _heal_some(net: Any, identities: Collection[str]) -> None:
    """simloop heals all or nothing. What it holds back is sent once more, and held again where the cut still is."""
    net._cuts -= {frozenset(("cs", identity)) for identity in identities}
    held, net._held = net._held, []
    for packet in held:
        net._transmit(packet)
