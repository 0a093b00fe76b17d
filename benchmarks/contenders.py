"""Who runs: for each contender a server, a caller, and the event loop that both use."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from . import bare, foreign, ours


class Caller(Protocol):
    """One connection that makes one kind of round trip at a time."""

    async def heartbeat(self) -> object: ...

    async def meter_values(self) -> object: ...

    async def close(self) -> None: ...


class Contender(NamedTuple):
    """``serve()`` returns the port it listens on; ``dial(port, number)`` connects to it as CP_<number>."""

    title: str
    serve: Callable[[], Awaitable[int]]
    dial: Callable[[int, int], Awaitable[Caller]]
    loop: str = "asyncio"


CONTENDERS = {
    "a": Contender("websockets, echo", bare.serve_echo, bare.EchoCaller.dial),
    "b": Contender("websockets + json, no validation", bare.serve_json, bare.JsonCaller.dial),
    "b′": Contender("b with reader task and futures", bare.serve_json, bare.ReaderCaller.dial),
    "c": Contender("PyPI ocpp, default validation", foreign.serve, foreign.Caller.dial),
    "d": Contender("ours, typed and validated", ours.serve, ours.Caller.dial),
    "e": Contender("ours on uvloop", ours.serve, ours.Caller.dial, "uvloop"),
}
