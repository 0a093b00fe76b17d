"""`@simulated`: run an async test on simulated time, where an hour takes no time and a seed draws the order of events.

The clock moves only when nothing is left to run. A test that waits for what never comes fails at once, and so does one
that leaves a task or a timer behind, or in which something raised where nobody listens.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine, Iterable
from itertools import count
from pathlib import Path
from typing import Any

from simloop import SimLoop

from ocpp_lab.simulation.run import set_aside
from tests.house import scaled

type AsyncTest = Callable[..., Coroutine[Any, Any, None]]

_numbers = count()

MOST_TURNS = 2_000_000
"""Steps of the loop in one test: a loop that spins without letting time pass must fail, not hang."""


def simulated(
    test: AsyncTest | None = None, *, seed: int | None = None, seeds: int | None = None, limit: float = 1e6
) -> Any:
    """Run the test under each of ``seeds`` seeds (few in `make test`), or under one ``seed``; ``limit`` is in seconds.

    The limit is simulated time too. Orders of simultaneous events differ from seed to seed; no test may count on one.
    """
    if test is None:
        return functools.partial(simulated, seed=seed, seeds=seeds, limit=limit)
    chosen: Iterable[int] = range(seeds or scaled(2, 12)) if seed is None else [seed]

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        for each in chosen:
            try:
                run_simulated(test(*args, **kwargs), seed=each, limit=limit)
            except BaseException as error:
                error.add_note(f"run under seed {each}; again with @simulated(seed={each})")
                raise

    return run


def block(seconds: float) -> None:
    """The clock goes on and nobody is served meanwhile: a disk that takes its time, a handler that computes."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimLoop)
    loop._now += seconds


def run_simulated[T](scenario: Coroutine[Any, Any, T], *, seed: int, limit: float = 1e6) -> T:
    """Run one coroutine on a fresh simulated loop and return its result; AssertionError if it left anything behind."""
    with set_aside():  # simloop collects garbage after each run, to hear of exceptions that nobody retrieved
        return _run(scenario, seed, limit)


def _run[T](scenario: Coroutine[Any, Any, T], seed: int, limit: float) -> T:
    loop = _WatchedLoop(seed)
    try:
        result = loop.run_until_complete(_to_the_end(loop, scenario, limit))
    except BaseException as error:
        for line in loop.unheard:
            error.add_note(f"raised where nobody listens: {line}")
        raise
    finally:
        _clear(loop)
        loop.close()
    assert not loop.unheard, "raised where nobody listens:\n" + "\n".join(loop.unheard)
    return result


def _clear(loop: _WatchedLoop) -> None:
    """Cancel what a failed test left, or it would complain when it is collected, in the middle of another test."""
    left, loop.turns = asyncio.all_tasks(loop), 0
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=3600))


def fresh_path(folder: Path, name: str) -> str:
    """Of a file that nobody had before: a test runs once for each seed, and its folder stays the same."""
    return str(folder / f"{name}.{next(_numbers)}")


async def quiet() -> None:
    """Wait until everything that could run has run; no time passes (a microsecond)."""
    await asyncio.sleep(1e-6)


def clock() -> float:
    """Loop time in seconds, to the millisecond, so that it can be compared with ==."""
    return round(asyncio.get_running_loop().time(), 3)


class _WatchedLoop(SimLoop):
    """A `SimLoop` that remembers its timers, counts its steps, and writes down what was raised unheard.

    Past `MOST_TURNS` nothing is scheduled any more: the run ends as a deadlock, whose notes say why.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.unheard: list[str] = []
        self.timers: list[asyncio.TimerHandle] = []
        self.turns = 0
        self.set_exception_handler(self._hear)

    def call_soon(self, callback: Any, *args: Any, **options: Any) -> asyncio.Handle:
        self.turns += 1
        if self.turns > MOST_TURNS:
            raise RuntimeError(f"{MOST_TURNS} steps by {self.time():.3f} s: something runs for ever and hardly waits")
        return super().call_soon(callback, *args, **options)

    def call_later(self, delay: float, callback: Any, *args: Any, **options: Any) -> asyncio.TimerHandle:
        return self._remember(super().call_later(delay, callback, *args, **options))

    def call_at(self, when: float, callback: Any, *args: Any, **options: Any) -> asyncio.TimerHandle:
        return self._remember(super().call_at(when, callback, *args, **options))

    def _remember(self, timer: asyncio.TimerHandle) -> asyncio.TimerHandle:
        self.timers.append(timer)
        return timer

    def left(self) -> list[str]:
        """Tasks that still run and timers that still wait, but for the caller's own."""
        others = asyncio.all_tasks(self) - {asyncio.current_task()}
        timers = [timer for timer in self.timers if not timer.cancelled() and timer.when() > self.time()]
        return sorted(f"task {task.get_name()}" for task in others) + [f"timer {timer!r}" for timer in timers]

    def _hear(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.unheard.append(f"{context['message']}: {context.get('exception')!r}")


async def _to_the_end[T](loop: _WatchedLoop, scenario: Coroutine[Any, Any, T], limit: float) -> T:
    try:
        async with asyncio.timeout(limit) as patience:
            result = await scenario
    except TimeoutError:
        assert not patience.expired(), f"the test did not end within {limit:g} simulated seconds"
        raise
    await quiet()
    left = loop.left()
    assert not left, f"left at the end of the test: {', '.join(left)}; close or cancel what started it"
    return result
