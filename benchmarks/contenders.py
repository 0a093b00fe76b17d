"""Who runs. A contender is a module of this package; only its own two processes import it, and none of the others."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple, Protocol


class Caller(Protocol):
    """One connection that makes one round trip at a time. ``Caller.dial(port, number)`` connects as CP_<number>."""

    async def heartbeat(self) -> object: ...

    async def meter_values(self) -> object: ...

    async def close(self) -> None: ...


class Contender(NamedTuple):
    """``module`` has ``serve()``, which listens and returns the port, and a `Caller`. Both ends run on ``loop``."""

    title: str
    module: str
    loop: str = "asyncio"

    def load(self) -> Any:
        return import_module(f".{self.module}", __package__)


CONTENDERS = {
    "a": Contender("websockets, echo", "echo"),
    "b": Contender("websockets + json, no validation", "plain"),
    "b′": Contender("b with reader task and futures", "reader"),
    "b″": Contender("b reading as little at once as d", "small_reads"),
    "c": Contender("PyPI ocpp, default validation", "foreign"),
    "d": Contender("ours, typed and validated", "ours"),
    "e": Contender("ours on uvloop", "ours", "uvloop"),
    "f": Contender("ours, whole charge points", "charge_points"),
    "g": Contender("f with metrics", "watched"),
    "h": Contender("d without a budget", "unfair"),
}
ROUND_TRIPS = ("a", "b", "b′", "b″", "c", "d", "e")
METRICS = ("f", "g")
"""Without and with."""
FAIRNESS = ("h", "d")
"""Without and with."""
