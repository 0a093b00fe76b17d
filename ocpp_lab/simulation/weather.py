"""`Weather`: what happens to connections and machines, one event after the other, by chance."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any, Protocol

from .own_side import OwnSide
from .profile import Profile
from .site import CentralSystemSite, ChargePointSite

# A message that times out at a peer that lives has used up an attempt. So a cut lasts either shorter than any timeout
# or longer than the timeout of the message and of the Heartbeat that asks after it.
SHORT, LONG = (0.5, 10.0), (70.0, 150.0)


class Land(Protocol):
    """What the weather needs to know of the world under it: its machines, and the network between them."""

    @property
    def sites(self) -> Mapping[str, ChargePointSite]: ...

    @property
    def central_system_site(self) -> CentralSystemSite: ...

    def cut(self, *identities: str) -> None: ...

    def heal(self) -> None: ...

    def silence(self, source: str, target: str) -> None: ...

    def set_latency(self, identity: str, lowest: float, highest: float) -> None: ...


class Weather:
    """One event at a time; each ends by itself, and `calm` ends all."""

    def __init__(self, land: Land, profile: Profile, rng: Random) -> None:
        self.land = land
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
        self._own_side = OwnSide(land, rng)
        self._kinds |= self._own_side.kinds
        kinds = [kind for kind in profile.weather if rng.random() < 0.7]  # each seed has a climate of its own
        self.climate = kinds or [rng.choice(profile.weather)]
        """The kinds of event that happen under this seed."""

    async def blow(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(self._rng.uniform(*self.profile.pause))
            kind = self._rng.choice(self.climate)
            await self._kinds[kind](self._rng.choice(list(self.land.sites)))

    async def calm(self) -> None:
        """The network is whole, every machine has power, the door is open."""
        self.land.heal()
        self._own_side.calm()
        await self._power_on(self.land.central_system_site)
        for identity, site in self.land.sites.items():
            self.land.set_latency(identity, 0.01, 0.05)
            await self._power_on(site)
            for transport in self._transports(identity):
                transport.pipe.resume_reading()
        self.land.central_system_site.central_system.faults.clear()

    async def _power_on(self, site: CentralSystemSite | ChargePointSite) -> None:
        if not site.up:
            await site.start()

    async def _cut(self, identity: str) -> None:
        await self._cut_for(identity, self._rng.uniform(*SHORT))

    async def _long_cut(self, identity: str) -> None:
        await self._cut_for(identity, self._rng.uniform(*LONG))

    async def _cut_for(self, identity: str, seconds: float) -> None:
        self.land.cut(*([identity] if self._rng.random() < 0.6 else []))
        await asyncio.sleep(seconds)
        self.land.heal()

    async def _deaf(self, identity: str) -> None:
        await self._silence("cs", identity)

    async def _mute(self, identity: str) -> None:
        await self._silence(identity, "cs")

    async def _silence(self, source: str, target: str) -> None:
        """Packets of this time never arrive, nor does anything that follows on the same connection."""
        self.land.silence(source, target)
        await asyncio.sleep(self._rng.uniform(0.5, 60.0))
        self.land.set_latency(target if source == "cs" else source, 0.01, self._rng.uniform(0.01, 2.0))

    async def _crash_charge_point(self, identity: str) -> None:
        site = self.land.sites[identity]
        site.crash()
        await asyncio.sleep(self._rng.choice([0.0, self._rng.uniform(0.5, 60.0)]))
        await site.start()

    async def _crash_central_system(self, identity: str) -> None:
        site = self.land.central_system_site
        site.crash()
        await asyncio.sleep(self._rng.choice([0.0, self._rng.uniform(0.5, 120.0)]))
        await site.start(forget=self._rng.choice(["nothing", "registrations"]))

    async def _refuse(self, identity: str) -> None:
        """The door is shut for a while, and whoever is inside is thrown out."""
        faults = self.land.central_system_site.central_system.faults
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
        """Both ends of this connection, as far as they live."""
        uplink = self.land.sites[identity].charge_point.uplink
        session = self.land.central_system_site.central_system.sessions.get(identity)
        ends = [uplink.transport if uplink else None, session.transport if session else None]
        return [end for end in ends if end is not None]
