"""`CheckLoop`: the simulated loop under a check: callbacks in the order of asyncio, and nothing left behind unseen."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from typing import Any

from simloop import SimLoop
from simloop._policy import ScriptedPolicy

from ocpp_lab.simulation.loop import NoRecord

MOST_STEPS = 40_000
"""Steps of the loop in one check: code that hardly lets time pass must fail, not hang. No right answer takes 10,000."""
MOST_AT_ONCE = 20_000
"""Steps at one instant. No right answer takes 8,000: it reads 1,000 texts that are there at once."""


class TooManySteps(BaseException):
    """The code under the check goes on for ever and hardly waits."""


class CheckLoop(SimLoop):
    """Time is simulated; simultaneous events run in the order in which they were scheduled.

    asyncio promises that order, so an answer may rely on it. (In the simulation of whole worlds it is drawn.)
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed)
        self._policy = ScriptedPolicy([])  # an empty script goes on in the order of scheduling
        self._recorder = NoRecord()  # type: ignore[assignment]
        self.steps = 0
        self._at_once = 0
        self._instant = -1.0
        self.most_steps = MOST_STEPS
        self.exhausted = False
        """It took more steps than a check may."""
        self.on_stall: Callable[[], None] = lambda: None
        """Called when nothing is left to run and the check is not over."""
        self.unheard: list[str] = []
        """What was raised where nobody listens."""
        self._timers_made: list[asyncio.TimerHandle] = []
        self.set_exception_handler(self._hear)

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.Handle:
        self.steps += 1
        self._at_once = self._at_once + 1 if self.time() == self._instant else 0
        self._instant = self.time()
        if self.steps > self.most_steps or self._at_once > MOST_AT_ONCE:
            self.exhausted = True
            raise TooManySteps
        return super().call_soon(callback, *args, context=context)

    def run_forever(self) -> None:
        super().run_forever()
        if not self._ready and not self._timers:
            self.on_stall()

    def call_later(self, delay: float, callback: Any, *args: Any, **options: Any) -> asyncio.TimerHandle:  # type: ignore[override]
        return self._remember(super().call_later(delay, callback, *args, **options))

    def call_at(self, when: float, callback: Any, *args: Any, **options: Any) -> asyncio.TimerHandle:  # type: ignore[override]
        return self._remember(super().call_at(when, callback, *args, **options))

    def _remember(self, timer: asyncio.TimerHandle) -> asyncio.TimerHandle:
        self._timers_made.append(timer)
        return timer

    def left(self) -> list[str]:
        """Tasks that still run and timers that still wait, by the name of their function; not the caller's own."""
        others = asyncio.all_tasks(self) - {asyncio.current_task()}
        timers = [timer for timer in self._timers_made if not timer.cancelled() and timer.when() > self.time()]
        names = [f"a task of {_name(task.get_coro())}" for task in others]
        return sorted(names + [f"a timer for {_name(getattr(timer, '_callback', timer))}" for timer in timers])

    def clear(self) -> None:
        """Cancel what is left, or it would complain when it is collected, in the middle of something else."""
        self.most_steps, self._at_once = self.steps + MOST_STEPS // 4, 0
        for _ in range(3):  # a task may refuse the first time
            left = asyncio.all_tasks(self)
            for task in left:
                task.cancel()
            if left:
                self.run_until_complete(asyncio.wait(left, timeout=3600))
        self._timers_made.clear()
        gc.collect()

    def _hear(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.unheard.append(f"{type(context.get('exception')).__name__}: {context.get('exception')}")


def _name(thing: Any) -> str:
    return getattr(thing, "__qualname__", type(thing).__qualname__).replace("<locals>.", "")
