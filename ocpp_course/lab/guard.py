"""`Guard`: keeps a notebook's event loop honest: Interrupt works, a long wait is named, a blocked loop is freed.

The kernel and everything in the notebook share one event loop. Three things go wrong there, and each has its remedy;
what a cell is told then is a line (`one_line`):

- The kernel hears *Interrupt* only when the loop turns. A ticker turns it five times a second.
- A cell that waits for ever looks like one that works. After a while the guard prints where it waits.
- An endless loop in a background task hangs the kernel for good. A thread notices and raises `LoopBlocked` in it;
  where there are no threads, the other two remedies work.
"""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import logging
import sys
import threading
import time
import traceback
from contextlib import suppress
from types import FrameType
from typing import Any

from ocpp_lab import browser_tab

from .one_line import install, is_cell, place

TICK = 0.2
"""Seconds between two turns that the guard gives the loop."""

BLOCKED = 1.0
"""Seconds without a turn, after which a loop counts as blocked."""

LONG = 5.0
"""Seconds that what a cell calls may take, or a sleep. A drawing on a busy machine is slow; an endless loop comes back
to a line of the cell."""

KERNEL = ("ipykernel", "jupyter_client", "zmq", "tornado", "IPython", "pyodide", "pyodide_kernel")
"""Packages whose tasks are the kernel's own."""


class LoopBlocked(Exception):
    """Raised inside a task that did not give the event loop its turn: it needs an ``await``."""


class Guard:
    """``guard = Guard()`` in the first code cell, ``await guard.stop()`` in the last.

    ``after`` (s, settable): a cell that waits longer prints where, then again after twice the time, and so on.
    ``blocked`` lists the functions that held the loop, with their lines.
    """

    def __init__(self, *, after: float = 5.0) -> None:
        self.after = after
        self.blocked: list[str] = []
        self._loop = asyncio.get_running_loop()
        self._cell: asyncio.Task[Any] | None = None
        self._context: contextvars.Context | None = None
        self._since = self._beat = time.monotonic()
        self._worked = time.process_time()
        self._told = 0
        self._stopped = threading.Event()
        self._thread_id = threading.get_ident()
        _keep_logs_out()
        self._shell = _shell()
        if self._shell:
            install(self._shell)
            self._shell.events.register("pre_run_cell", self._cell_starts)
            self._shell.events.register("post_run_cell", self._cell_ends)
        self._ticker = asyncio.create_task(self._tick(), name="guard")
        with suppress(RuntimeError):  # a browser's Python has no threads: an endless loop needs a restart there
            threading.Thread(target=self._watch, name="guard", daemon=True).start()

    def __repr__(self) -> str:
        ends = "an endless loop needs Restart kernel" if browser_tab.IN_A_TAB else "Interrupt works"
        return f"Guard: a cell that waits longer than {self.after:g} s says where; {ends}"

    async def stop(self) -> list[str]:
        """End the guard, and return the names of the tasks that are still there: none, if all was closed."""
        self._stopped.set()
        self._ticker.cancel()
        await asyncio.wait([self._ticker])
        if self._shell and self._cell_starts in self._shell.events.callbacks["pre_run_cell"]:
            self._shell.events.unregister("pre_run_cell", self._cell_starts)
            self._shell.events.unregister("post_run_cell", self._cell_ends)
        return await tasks_left()

    # -- in the loop

    async def _tick(self) -> None:
        while True:
            self._beat, self._worked = time.monotonic(), time.process_time()
            due = self.after * 2**self._told
            if self._cell and self._cell.done():
                self._cell_ends(None)  # the kernel of a browser tab does not say so
            if self._cell and self._context is not None and self._beat - self._since >= due:
                # In the cell's own context: only then does the line appear under the cell that waits.
                self._context.run(print, f"waiting {due:g} s in {waits_in(self._cell)}", flush=True)
                self._told += 1
            await asyncio.sleep(TICK)

    def _cell_starts(self, info: object) -> None:
        self._cell, self._context = asyncio.current_task(), contextvars.copy_context()
        self._since, self._told = time.monotonic(), 0

    def _cell_ends(self, result: object) -> None:
        self._cell = self._context = None

    # -- in the thread

    def _watch(self) -> None:
        while not self._stopped.wait(TICK):
            silent, worked = time.monotonic() - self._beat, time.process_time() - self._worked
            # A machine that is busy elsewhere must not be mistaken for a loop: what counts is that this process works.
            computes = silent > BLOCKED and worked > BLOCKED / 2
            if (computes or silent > LONG) and self._free(computes, silent):
                self._beat = time.monotonic() + BLOCKED  # time to recover before it is looked at again
                self._worked = time.process_time()

    def _free(self, computes: bool, silent: float) -> bool:
        """Name whoever holds the loop. If it is a task of the notebook that computes, and not the cell: raise in it.

        False if it is too early to say.
        """
        task = asyncio.current_task(self._loop)
        running = sys._current_frames().get(self._thread_id)
        frame = _notebook_frame(running)
        if frame is not running and silent <= LONG:
            return False
        if frame is None or task is None or task is self._cell:
            return True  # a cell that computes can be interrupted, and library code must not be torn apart
        self.blocked.append(f"{place(frame)} held the loop for more than {BLOCKED:g} s")
        if asyncio.current_task(self._loop) is not task:
            return True  # it ended while we looked: raised now, it would hit the kernel
        if computes:  # what sleeps would hear of it only when it wakes up
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread_id), ctypes.py_object(LoopBlocked))
        return True


async def tasks_left() -> list[str]:
    """The names of the tasks in this loop that are neither the kernel's own nor the caller's, after a few turns."""
    for _ in range(10):  # tasks that have just been cancelled need a turn to end
        await asyncio.sleep(0)
    mine = {asyncio.current_task()}
    return sorted(task.get_name() for task in asyncio.all_tasks() - mine if not _is_kernels(task))


def waits_in(task: asyncio.Task[Any]) -> str:
    """Where in the notebook a task waits: the innermost function of a cell, and its line there."""
    found = "the kernel"
    awaited: Any = task.get_coro()
    while awaited is not None:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "ag_frame", None)
        if frame is not None and is_cell(frame.f_code.co_filename):
            found = place(frame)
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "ag_await", None)
    return found


def _notebook_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame, if the code of a cell runs itself or calls something right now."""
    return next((f for f, _ in traceback.walk_stack(frame) if is_cell(f.f_code.co_filename)), None) if frame else None


def _is_kernels(task: asyncio.Task[Any]) -> bool:
    code = getattr(task.get_coro(), "cr_code", None) or getattr(task.get_coro(), "gi_code", None)
    folders = code.co_filename.replace("\\", "/").split("/") if code else []
    return any(package in folders for package in KERNEL)


def _shell() -> Any:
    """The IPython shell of this kernel; None outside a notebook."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _keep_logs_out() -> None:
    """Warnings of the stack are part of what is shown on purpose; without a handler they would land on any cell."""
    for name in ("ocpp_lab", "websockets", "asyncio"):
        logger = logging.getLogger(name)
        if not logger.handlers:
            logger.addHandler(logging.NullHandler())
