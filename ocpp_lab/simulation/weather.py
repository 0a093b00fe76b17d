"""`Weather`: what happens to lines and machines, one event after the other, by chance."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import TYPE_CHECKING, Any

from .profile import Profile
from .site import Site

if TYPE_CHECKING:
    from .world import World

# A message that times out at a peer that lives has used up an attempt. So a cut lasts either shorter than any timeout
# or longer than the timeout of the message and of the Heartbeat that asks after it.
SHORT, LONG = (0.5, 10.0), (70.0, 150.0)


class Weather:
    """One event at a time; each ends by itself, and `calm` ends all."""

    def __init__(self, world: World, profile: Profile, rng: Random) -> None:
        self.world = world
        self.profile = profile
        self._rng = rng
        self._kinds: dict[str, Callable[[str], Awaitable[None]]] = {
            "cut": self._cut,
            "long cut": self._long_cut,
            "deaf": self._deaf,
            "mute": self._mute,
            "charge point crash": self._crash_charge_point,
            "central system crash": self._crash_central_system,
            "refuse": self._refuse,
            "stall": self._stall,
            "abort": self._abort,
        }
        kinds = [kind for kind in profile.weather if rng.random() < 0.7]  # each seed has a climate of its own
        self.climate = kinds or [rng.choice(profile.weather)]
        self.crashes: list[str] = []

    async def blow(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._rng.uniform(*self.profile.pause))
            kind = self._rng.choice(self.climate)
            await self._kinds[kind](self._rng.choice(list(self.world.sites)))

    async def calm(self) -> None:
        """The network is whole, every machine has power, the door is open."""
        self.world.heal()
        await self._power_on(self.world.central_system_site)
        for identity, site in self.world.sites.items():
            self.world.set_latency(identity, 0.01, 0.05)
            await self._power_on(site)
            for transport in self._transports(identity):
                transport.pipe.resume_reading()
        self.world.central_system.faults.clear()

    async def _power_on(self, site: Site) -> None:
        if not site.up:
            await site.start()  # type: ignore[attr-defined]

    async def _cut(self, identity: str) -> None:
        await self._cut_for(identity, self._rng.uniform(*SHORT))

    async def _long_cut(self, identity: str) -> None:
        await self._cut_for(identity, self._rng.uniform(*LONG))

    async def _cut_for(self, identity: str, seconds: float) -> None:
        self.world.cut(*([identity] if self._rng.random() < 0.6 else []))
        await asyncio.sleep(seconds)
        self.world.heal()

    async def _deaf(self, identity: str) -> None:
        await self._silence("cs", identity)

    async def _mute(self, identity: str) -> None:
        await self._silence(identity, "cs")

    async def _silence(self, source: str, target: str) -> None:
        """Packets of this time never arrive, nor does anything that follows on the same connection."""
        self.world.silence(source, target)
        await asyncio.sleep(self._rng.uniform(0.5, 60.0))
        self.world.set_latency(target if source == "cs" else source, 0.01, self._rng.uniform(0.01, 2.0))

    async def _crash_charge_point(self, identity: str) -> None:
        site = self.world.sites[identity]
        site.crash()
        self.crashes.append(identity)
        await asyncio.sleep(self._rng.choice([0.0, self._rng.uniform(0.5, 60.0)]))
        await site.start()

    async def _crash_central_system(self, identity: str) -> None:
        site = self.world.central_system_site
        site.crash()
        await asyncio.sleep(self._rng.choice([0.0, self._rng.uniform(0.5, 120.0)]))
        await site.start(forget=self._rng.choice(["nothing", "registrations"]))

    async def _refuse(self, identity: str) -> None:
        """The door is shut for a while, and whoever is inside is thrown out."""
        faults = self.world.central_system.faults
        fault = faults.refuse(status=self._rng.choice([401, 404, 500, 503]))
        await self._abort(identity)
        await asyncio.sleep(self._rng.uniform(1.0, 60.0))
        faults.remove(fault)

    async def _stall(self, identity: str) -> None:
        """One end stops reading for a while: a slow reader."""
        seconds = self._rng.uniform(*self._rng.choice([SHORT, LONG]))
        if transports := self._transports(identity):
            self._rng.choice(transports).pipe.stop_reading(seconds)

    async def _abort(self, identity: str) -> None:
        """The TCP connection is reset; bytes in flight are lost."""
        if transports := self._transports(identity):
            self._rng.choice(transports).pipe.abort()

    def _transports(self, identity: str) -> list[Any]:
        """Both ends of this charge point's line, as far as they live. One built in the exercises may hide its pipe."""
        line = self.world.charge_point(identity).line
        session = self.world.central_system.sessions.get(identity)
        ends = [line.transport if line else None, session.transport if session else None]
        return [end for end in ends if hasattr(end, "pipe")]
