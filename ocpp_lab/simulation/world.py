"""`World`: one simulated world: a central system, charge points, the network between them, and who uses them."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from ..central_system import CentralSystem
from ..charge_point import ChargePoint
from ..codec import decode_payload
from ..errors import PayloadError
from ..frames import Call, CallError, CallResult
from ..messages import ACTIONS
from ..trace import Event
from .disk import Disk
from .loop import Loop
from .site import CentralSystemSite, ChargePointSite
from .violation import Violation

NOON = datetime(2030, 6, 1, 12, tzinfo=UTC)
"""When the world begins."""
FOR_EVER = 1e9
"""Seconds that a packet takes on a link that is silent."""
REST = 30.0
"""Seconds after the end, in which whatever was left behind would show itself."""


class World:
    """Made by `simulate`. ``seed`` decides the order of simultaneous events, every latency, and what `rng` draws.

    ``violations`` are the invariants that broke so far; `simulate` raises the first one.
    """

    def __init__(self, loop: Loop, seed: int) -> None:
        self.loop = loop
        self.net = loop.net
        self.seed = seed
        self.disk = Disk()
        self.sites: dict[str, ChargePointSite] = {}
        """The charge points' machines, by identity."""
        self.central_system_site: CentralSystemSite
        self.violations: list[Violation] = []
        self.strange_replies = 0
        """Replies of the central system that do not fit their declaration; faults may do that on purpose."""
        self._users: list[asyncio.Task[Any]] = []
        self._asked: dict[str, dict[str, str]] = {}
        self._in_flight: dict[str, str] = {}  # the central system's own calls, by identity

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
        self.central_system_site = CentralSystemSite(self, **options)
        return await self.central_system_site.start()

    async def start_charge_point(self, identity: str, **options: Any) -> ChargePoint:
        """Build a charge point's machine and switch it on; ``options`` as in `ChargePointSite`."""
        self.sites[identity] = ChargePointSite(self, identity, **options)
        return await self.sites[identity].start()

    @property
    def central_system(self) -> CentralSystem:
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

    def heal(self) -> None:
        """Everything gets through again, also what was held up."""
        self.net.heal()
        self._note("the network is whole", ())

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

    def broken(self, invariant: str, message: str, identity: str = "") -> None:
        """An invariant does not hold. The first is what counts; what follows may be its consequence."""
        self.violations.append(Violation(invariant, message, identity=identity, at=self.time))

    def expect(self, holds: object, invariant: str, message: str, identity: str = "") -> None:
        if not holds:
            self.broken(invariant, message, identity)

    def heard_by_central_system(self, event: Event) -> None:
        """Listens to the central system's trace."""
        asked = self._asked.setdefault(event.identity, {})
        match event.mark, event.frame:
            case "<", Call() as call:
                asked[call.unique_id] = call.action
            case ">", Call() as call:
                if event.identity in self._in_flight:
                    self.broken("one own call in flight", f"{call.action} left too early", event.identity)
                self._in_flight[event.identity] = call.unique_id
                self.expect(_fits(call.action, "request", call.payload), "every frame is valid", event.text)
            case ">", CallResult() as result:
                action = asked.get(result.unique_id, "")
                if action and not _fits(action, "response", result.payload):
                    self._strange_reply(event)
            case (("<" | "!"), CallResult() | CallError() as reply):
                if self._in_flight.get(event.identity) == reply.unique_id:
                    del self._in_flight[event.identity]
            case "=", _ if event.text == "power cut":
                self._in_flight.clear()
            case "=", _ if event.text.startswith(("connected", "disconnected")):
                self._in_flight.pop(event.identity, None)

    def _strange_reply(self, event: Event) -> None:
        self.strange_replies += 1
        on_purpose = self.central_system.faults.applied.get("wrong payload", 0)
        self.expect(self.strange_replies <= on_purpose, "every frame is valid", event.text, event.identity)

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
        site = getattr(self, "central_system_site", None)
        if site is None:
            return
        await site.stop()
        for machine in (site, *self.sites.values()):
            if machine.up:
                machine.up = False
                machine.host.crash()
        site.bury()

    def _look_for_leftovers(self) -> None:
        tasks = sorted(task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()})
        self.expect(not tasks, "nothing is left", f"tasks: {', '.join(map(str, tasks))}")
        streams = len(getattr(self.net, "_streams", ()))
        self.expect(not streams, "nothing is left", f"{streams} connections")
        files = self.disk.open_files()
        self.expect(not files, "nothing is left", f"open files: {', '.join(files)}")


def _fits(action: str, kind: str, payload: Any) -> bool:
    try:
        decode_payload(getattr(ACTIONS[action], kind), payload)
    except PayloadError:
        return False
    return True
