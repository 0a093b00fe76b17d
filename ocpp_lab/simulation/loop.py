"""`Loop`: the seeded event loop under a simulation: virtual time, a simulated network, one run for one seed."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

from simloop import SimLoop

MOST_STEPS = 20_000_000
"""Steps of the loop in one run: a loop that spins without letting time pass must fail, not hang."""


class _Task(asyncio.Task[Any]):
    """A task whose hash is its number. asyncio keeps tasks in sets, and cancels them in the order of their hashes;
    the usual hash is an address in memory, which no seed decides."""

    def __init__(self, number: int, coro: Any, **options: Any) -> None:
        self._number = number
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self._number


class Loop(SimLoop):
    """A `SimLoop` that repeats itself exactly, counts its steps, and writes down what was raised unheard.

    ``on_trouble(text)`` is told of an exception that nobody retrieved. ``record`` keeps simloop's own trace of every
    step, which `trace_hash` needs and which costs memory.
    """

    def __init__(self, seed: int, *, record: bool = False) -> None:
        super().__init__(seed)
        self.unheard: list[str] = []
        """What was raised where nobody listens; the exception handler adds."""
        self.steps = 0
        """Callbacks that were scheduled so far, timers aside."""
        self._births = itertools.count()  # the number of each task, in the order of their births
        if not record:
            self._recorder = NoRecord()  # type: ignore[assignment]
        self.set_task_factory(self._bear)
        self.set_exception_handler(self._hear)

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.Handle:
        """As asyncio's; raises RuntimeError after `MOST_STEPS`: something then runs for ever."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise RuntimeError(f"{MOST_STEPS} steps by {self.time():.3f} s: something runs for ever and hardly waits")
        return super().call_soon(callback, *args, context=context)

    def _bear(self, loop: Any, coro: Any, **options: Any) -> asyncio.Task[Any]:
        return _Task(next(self._births), coro, loop=loop, **options)

    def _hear(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.unheard.append(f"{context['message']}: {context.get('exception')!r}")


class NoRecord:
    """In the place of simloop's recorder: an hour of a charge point is a million steps that nobody reads."""

    events = ()

    def record(self, *event: Any) -> None:
        """Keep nothing."""

    def __len__(self) -> int:
        return 0

    def hash(self) -> str:
        """Nothing was kept: RuntimeError."""
        raise RuntimeError("expected a loop with record=True; this one keeps no trace of its steps")
