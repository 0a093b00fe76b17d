"""`OwnSide`: what a machine suffers by itself: its disk, its clock; and a peer that lives and is no help."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from random import Random
from typing import Protocol

from .bad_disk import FULL, LOCKED
from .mischief import Mood
from .site import CentralSystemSite, ChargePointSite

CRASH_WAIT = 60.0
"""Seconds that a power cut waits for somebody to write."""
MOST_PENDING = 60
"""Seconds that a charge point which is not accepted is told to wait, at most."""
HOURS = 6 * 3600.0


class Machines(Protocol):
    """What it needs to know: whose disks and clocks there are."""

    @property
    def sites(self) -> Mapping[str, ChargePointSite]: ...

    @property
    def central_system_site(self) -> CentralSystemSite: ...


class OwnSide:
    """``kinds`` are events, each of which ends by itself; `calm` ends all."""

    def __init__(self, machines: Machines, rng: Random) -> None:
        self.machines = machines
        self._rng = rng
        self.kinds: dict[str, Callable[[str], Awaitable[None]]] = {
            "full disk": self._full_disk,
            "locked disk": self._locked_disk,
            "clock jump": self._clock_jump,
            "slow central system": self._slow,
            "late answers": self._late,
            "turned away": self._turned_away,
            "not accepted yet": self._not_accepted,
            "cut in a write": self._cut_in_a_write,
        }
        self._accepting: tuple[object, int] | None = None  # registration and interval of the policy, while it is not

    def calm(self) -> None:
        """Disks are good, everybody is accepted and answered in time. Clocks stay as they are."""
        for site in (self._central_system, *self.machines.sites.values()):
            site.bad_disk.heal()
            site.bad_disk.at_next_write(None)
        self._change_mood(None)
        self._accept()

    async def _full_disk(self, identity: str) -> None:
        """Sometimes the power goes, too, and the machine comes back to a disk that is still full."""
        site = self._either(identity)
        site.bad_disk.fail(FULL, spared=self._rng.choice([0, 0, self._rng.randrange(1, 6)]))
        await asyncio.sleep(self._rng.choice([self._rng.uniform(0.5, 10.0), self._rng.uniform(10.0, 90.0)]))
        if self._rng.random() < 0.2:
            site.crash()
            await asyncio.sleep(self._rng.uniform(0.0, 20.0))
            await site.start()
            await asyncio.sleep(self._rng.uniform(0.0, 20.0))
        site.bad_disk.heal()

    async def _locked_disk(self, identity: str) -> None:
        """Somebody else writes into our file: again and again, for short."""
        site = self._either(identity)
        for _ in range(self._rng.randrange(1, 6)):
            site.bad_disk.fail(LOCKED)
            await asyncio.sleep(self._rng.uniform(0.05, 3.0))
            site.bad_disk.heal()
            await asyncio.sleep(self._rng.uniform(0.05, 5.0))

    async def _clock_jump(self, identity: str) -> None:
        """By seconds, or by hours; or the power comes back and it is 1970."""
        site = self._either(identity)
        if site is not self._central_system and self._rng.random() < 0.3:
            site.crash()
            await asyncio.sleep(self._rng.uniform(0.0, 10.0))
            site.clock.forget()
            await site.start()
        else:
            most = self._rng.choice([0.5, 30.0, 3600.0, HOURS])
            site.clock.jump(self._rng.uniform(-most, most))
            site.note(f"the clock is set to {site.clock.now().isoformat(timespec='seconds')}")

    async def _slow(self, identity: str) -> None:
        await self._be("slow", self._rng.uniform(20.0, 120.0))

    async def _late(self, identity: str) -> None:
        await self._be("late", self._rng.uniform(30.0, 120.0))

    async def _turned_away(self, identity: str) -> None:
        await self._be("turned away", self._rng.uniform(2.0, 60.0))

    async def _not_accepted(self, identity: str) -> None:
        """The central system has forgotten everybody, and does not accept them for a while."""
        policy = self._central_system.central_system.policy
        self._accepting = policy.registration, policy.interval
        policy.registration = self._rng.choice(["Pending", "Rejected"])
        policy.interval = self._rng.randrange(10, MOST_PENDING)
        self._central_system.central_system.registrations.clear()
        await asyncio.sleep(self._rng.uniform(5.0, 30.0))
        if self._rng.random() < 0.7 and (session := self._central_system.central_system.sessions.get(identity)):
            session.transport.pipe.abort()  # type: ignore[attr-defined]
        await asyncio.sleep(self._rng.uniform(5.0, 60.0))
        self._accept()

    async def _cut_in_a_write(self, identity: str) -> None:
        """The central system's power goes while it writes: before the commit, after it, or between two answers; all
        that is ready to run in that instant runs in an order that the seed draws."""
        site = self._central_system
        writing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        site.bad_disk.at_next_write(partial(writing.set_result, None))
        await asyncio.wait([writing], timeout=CRASH_WAIT)
        site.bad_disk.at_next_write(None)
        if writing.done():
            site.crash()
            await asyncio.sleep(self._rng.choice([0.0, self._rng.uniform(0.5, 60.0)]))
            await site.start()

    def _accept(self) -> None:
        if self._accepting:
            policy = self._central_system.central_system.policy
            policy.registration, policy.interval = self._accepting  # type: ignore[assignment]
            self._accepting = None

    async def _be(self, mood: Mood, seconds: float) -> None:
        self._change_mood(mood)
        await asyncio.sleep(seconds)
        self._change_mood(None)

    def _change_mood(self, mood: Mood | None) -> None:
        faults = self._central_system.central_system.faults
        faults.mood = mood  # type: ignore[attr-defined]  # a `Mischief`, as every chaos has it

    def _either(self, identity: str) -> CentralSystemSite | ChargePointSite:
        return self.machines.sites[identity] if self._rng.random() < 0.5 else self._central_system

    @property
    def _central_system(self) -> CentralSystemSite:
        return self.machines.central_system_site
