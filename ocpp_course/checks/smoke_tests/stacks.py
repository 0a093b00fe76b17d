"""`Stack`: which central system and charge point a `Bench` starts, and the right ones, in several guises.

Everything here is the package's own stack with one thing changed. A test cannot tell it by its name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

from ocpp_lab.central_system import CentralSystem
from ocpp_lab.charge_point import ChargePoint
from ocpp_lab.errors import CallTimeout, ConnectionLost, NotConnected
from ocpp_lab.frames import Call, CallError, CallResult
from ocpp_lab.heartbeat import Heartbeat

Reply = CallResult | CallError | None
FAST, SLOW = 0.002, 0.2
"""Seconds for a round trip."""
LATE = 0.15
"""Seconds that a busy stack may be late with a CallTimeout."""
LATE_BEAT = 0.12
"""And with a Heartbeat. Packets do not take equally long, so a gap may be up to 0.05 s more, or less."""
LATE_END = 0.4
"""And with the error of a call whose connection was closed: a second is allowed."""
EXACT = 0.0
"""The round trip of a stack that is exact: what takes 10 s takes 10 s, to the last digit."""
STRANGE = {"CentralSystem": "BrokenBackend", "ChargePoint": "BrokenStation"}
"""Names under which right stacks are tried too: no name tells whether a stack is broken."""


def told(text: str) -> str:
    """A message with the usual names in it: a learner who meant no harm need not read the strange ones."""
    for usual_name, strange in STRANGE.items():
        text = text.replace(strange, usual_name)
    return text


def disguised[T: type](kind: T, original: type, name: str = "", module: str = "") -> T:
    """The class under the name of another."""
    kind.__name__ = kind.__qualname__ = name or original.__name__
    kind.__module__ = module or original.__module__
    kind.__doc__ = original.__doc__
    return kind


class Probed(ChargePoint):
    """With probes of its own, and a ``timeout`` that counts for what a test calls, not for the boot."""

    def __init__(self, url: str, identity: str, *, timeout: float = 30.0, spoil: Any = None, **options: Any) -> None:
        super().__init__(url, identity, timeout=max(timeout, 5.0), **options)
        self.patience = timeout
        self._spoil = spoil

    async def call(self, request: Any, *, timeout: float | None = None, triggered: bool = False) -> Any:
        patience = self.patience if timeout is None else timeout
        return await super().call(request, timeout=patience, triggered=triggered)

    async def send(self, text: str) -> None:
        """A text as it is, below the session."""
        if self.uplink is None:
            raise NotConnected("there is no connection to send on")
        await self.uplink.transport.send(text)

    async def answer(self, call: Call) -> Reply:
        reply = await super().answer(call)
        return self._spoil(reply) if self._spoil else reply

    def _probe(self, name: str) -> int:
        return getattr(self.uplink.transport, name) if self.uplink else 0

    writes_in_flight = property(lambda self: self._probe("writes_in_flight"))
    max_writes_in_flight = property(lambda self: self._probe("max_writes_in_flight"))
    transport = property(lambda self: self.uplink.transport if self.uplink else None)
    queue_depth = property(lambda self: self._probe("queue_depth"))
    max_queue_depth = property(lambda self: self._probe("max_queue_depth"))
    pending = property(lambda self: len(self.uplink.session.pending) if self.uplink else 0)


class Busy(Probed):
    """It tells of a timeout a little late, and of a close too."""

    async def call(self, request: Any, **options: Any) -> Any:
        try:
            return await super().call(request, **options)
        except CallTimeout:
            await asyncio.sleep(LATE)
            raise
        except (ConnectionLost, NotConnected):
            await asyncio.sleep(LATE_END)
            raise


class BusyHeartbeat(Heartbeat):
    """It beats a little late."""

    async def beat(self) -> Any:
        await asyncio.sleep(LATE_BEAT)
        return await super().beat()


def busy() -> dict[str, Any]:
    """The pieces of a busy stack."""
    return {"heartbeat": disguised(type("Beats", (BusyHeartbeat,), {}), Heartbeat)}


@dataclass
class Stack:
    """``latency`` is that of a round trip (s). ``pieces`` are given to the charge point, ``spoil`` changes answers."""

    latency: float = FAST
    uneven: bool = False
    """No two packets take equally long."""
    charge_point: type = Probed
    statuses: bool = True
    strange_names: bool = False
    plain: bool = False
    """The package's own class and no subclass of it."""
    require_boot: bool = True
    pieces: dict[str, Any] = field(default_factory=dict)
    spoil: Callable[[], Callable[[Reply], Reply]] | None = None

    def make_central_system(self, **options: Any) -> CentralSystem:
        kind: Any = type("Backend", (CentralSystem,), {})
        if self.strange_names:
            disguised(kind, CentralSystem, STRANGE[CentralSystem.__name__], "broken_stack")
        else:
            disguised(kind, CentralSystem)
        system: CentralSystem = (CentralSystem if self.plain else kind)(
            require_boot=self.require_boot, ids=uuids("central system"), **options
        )
        if self.spoil:
            inner, spoil = system.router, self.spoil
            system.routers = lambda identity: _Spoilt(inner, spoil())
        return system

    def make_charge_point(self, url: str, identity: str, **options: Any) -> ChargePoint:
        kind: Any = ChargePoint if self.plain else type("Station", (self.charge_point,), {})
        if self.strange_names:
            disguised(kind, ChargePoint, STRANGE[ChargePoint.__name__], "broken_stack")
        elif not self.plain:
            disguised(kind, ChargePoint)
        if self.spoil:
            options["spoil"] = self.spoil()
        made: ChargePoint = kind(url, identity, **options, **({"ids": uuids(identity)} | self.pieces))
        if not self.statuses:
            made.statuses.run = asyncio.Event().wait  # type: ignore[method-assign,assignment]
        return made


class _Spoilt:
    def __init__(self, router: Any, spoil: Callable[[Reply], Reply]) -> None:
        self.router, self.spoil = router, spoil

    async def answer(self, call: Call) -> Reply:
        return self.spoil(await self.router.answer(call))


def uuids(seed: str) -> Iterator[str]:
    """UUIDs, the same in every run."""
    rng = Random(seed)
    while True:
        yield str(UUID(int=rng.getrandbits(128), version=4))


def short_ids() -> Iterator[str]:
    number = 0
    while True:
        yield f"m{(number := number + 1)}"


# -- right ones: each adds one thing that a test must put up with


def exact() -> Stack:
    return Stack(latency=EXACT, statuses=False)


def plain() -> Stack:
    return Stack(latency=EXACT, statuses=False, plain=True)


def terse() -> Stack:
    """Its errors have no description and no details."""

    def spoil(reply: Reply) -> Reply:
        return CallError(reply.unique_id, reply.code) if isinstance(reply, CallError) else reply

    return Stack(latency=EXACT, statuses=False, spoil=lambda: spoil)


def wordy() -> Stack:
    """Its errors have a description that nobody expects."""

    def spoil(reply: Reply) -> Reply:
        if isinstance(reply, CallError):
            return CallError(reply.unique_id, reply.code, "no such thing here", reply.details)
        return reply

    return Stack(latency=EXACT, statuses=False, spoil=lambda: spoil)


def detailed() -> Stack:
    """Its errors have details."""

    def spoil(reply: Reply) -> Reply:
        if isinstance(reply, CallError):
            return CallError(reply.unique_id, reply.code, reply.description, {"vendor": "Lab"})
        return reply

    return Stack(latency=EXACT, statuses=False, spoil=lambda: spoil)


def renamed() -> Stack:
    return Stack(latency=EXACT, statuses=False, strange_names=True)


def usual() -> Stack:
    return Stack(latency=EXACT)


def with_short_ids() -> Stack:
    return Stack(latency=EXACT, statuses=False, pieces={"ids": short_ids()})


def quick() -> Stack:
    """What takes 10 s takes a thousandth more, or less."""
    return Stack(statuses=False)


def late() -> Stack:
    return Stack(statuses=False, charge_point=Busy, pieces=busy())


def slow() -> Stack:
    return Stack(latency=SLOW, statuses=False)


def uneven() -> Stack:
    return Stack(latency=SLOW, uneven=True, charge_point=Busy, pieces={"ids": short_ids()} | busy())


def slow_but_right() -> Stack:
    return Stack(latency=SLOW, uneven=True, charge_point=Busy, pieces={"ids": short_ids()} | busy(), strange_names=True)
