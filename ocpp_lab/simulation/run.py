"""`simulate`: one scenario in a world of its own, by seed, from wherever you are."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from .loop import Loop
from .world import World

type Scenario[T] = Callable[[World], Awaitable[T]]

THREADS = sys.platform != "emscripten"
"""A browser's Python has none."""


class Run[T]:
    """One run: its ``world``, and then its ``result`` or ``error``."""

    def __init__(self, scenario: Scenario[T], seed: int, *, record: bool = False) -> None:
        self.seed = seed
        self.error: BaseException | None = None
        """What the scenario raised, or the first invariant that broke; None if all is well."""
        self.result: T | None = None
        """What the scenario returned; None if it raised."""
        self.seconds = 0.0
        """Simulated, from the beginning to the end of the world."""
        self.loop = Loop(seed, record=record)
        self.world = World(self.loop, seed)
        try:
            self.result = self.loop.run_until_complete(self._play(scenario))
            self._hear_the_unheard()
        except BaseException as error:
            self.error = error
            self._clear()
            if not isinstance(error, Exception):
                raise
        finally:
            self.seconds = self.loop.time()
            self.loop.close()
            self.world.disk.remove()

    async def _play(self, scenario: Scenario[T]) -> T:
        try:
            result = await scenario(self.world)
        except Exception as error:
            if self.world.violations:
                raise self.world.violations[0] from error  # what came first explains the rest
            raise
        if not self.world.violations:
            await self.world.end()
        if self.world.violations:
            raise self.world.violations[0]
        return result

    def _hear_the_unheard(self) -> None:
        gc.collect()
        if self.loop.unheard:
            self.world.broken("nothing is raised where nobody listens", "; ".join(self.loop.unheard))
            raise self.world.violations[0]

    def _clear(self) -> None:
        """Cancel what a failed run left, or it would complain when it is collected, in the middle of something else."""
        with suppress(Exception):  # it failed already, and this is not why
            self.loop.run_until_complete(_end_all(self.world))


async def _end_all(world: World) -> None:
    world.switch_off()
    await asyncio.sleep(1)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=3600)
    for machine in world.machines:
        machine.bury()


def simulate[T](scenario: Scenario[T], seed: int = 0) -> T:
    """Run ``async def scenario(world)`` in a fresh world and return its result.

    Raises what the scenario raises, and `Violation` if an invariant broke or something was left behind; a note tells
    the seed. Where a loop is running already (a notebook), it runs in a helper thread, or in place without threads.
    """
    with set_aside():
        result, error = _elsewhere(lambda: _outcome(scenario, seed))
    if error is not None:
        error.add_note(f"under seed {seed}")
        raise error
    return result  # type: ignore[return-value]


def _outcome[T](scenario: Scenario[T], seed: int) -> tuple[T | None, BaseException | None]:
    run = Run(scenario, seed)
    return run.result, run.error


@contextmanager
def set_aside() -> Iterator[None]:
    """What was there before is none of the garbage of the runs in this block: so a collection takes 0.2 ms and not 200.

    A world is full of circles. What is left of them is collected in the end, or it would be kept as if it were old; so
    would the newest garbage of what ran before.
    """
    gc.collect(1)
    gc.freeze()
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()


def _elsewhere[R](work: Callable[[], R]) -> R:
    """The result of a function that needs a loop of its own."""
    try:
        running = asyncio.get_running_loop()
    except RuntimeError:
        return work()
    return _in_a_thread(work) if THREADS else in_place(work, running)


def _in_a_thread[R](work: Callable[[], R]) -> R:
    outcome: list[Any] = []

    def target() -> None:
        try:
            outcome.append((work(), None))
        except BaseException as error:
            outcome.append((None, error))

    thread = threading.Thread(target=target, name="simulation")
    thread.start()
    thread.join()
    result, error = outcome[0]
    if error is not None:
        raise error
    return result  # type: ignore[no-any-return]


def in_place[R](work: Callable[[], R], running: asyncio.AbstractEventLoop) -> R:
    """The result of a function that needs a loop of its own, while ``running`` is set aside and stands still."""
    task = asyncio.tasks._swap_current_task(running, None)  # type: ignore[attr-defined]
    asyncio._set_running_loop(None)
    try:
        return work()
    finally:
        asyncio._set_running_loop(running)
        asyncio.tasks._swap_current_task(running, task)  # type: ignore[attr-defined]
