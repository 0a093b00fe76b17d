"""`Closing`: one button that closes a notebook's work, and counts what is left. *Run all* presses nothing."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable

from . import controls
from .guard import Guard
from .shown import Part, Shown

LABEL = "close everything"
VERBS = ("close", "stop", "cleanup", "cancel")
"""How things end, in the order in which they are looked for; a function is called."""


class Closing(Shown):
    """``lab.Closing(guard, panel, charge_point, lambda: two.stop(), central_system)`` as a notebook's last line.

    A click closes them in this order, the guard at the end. ``await closing.close()`` does the same, and returns the
    names of the tasks that are left: none. What cannot be closed is named, and the rest is closed all the same. Pressed
    again, it only counts.
    """

    def __init__(self, guard: Guard, *things: object) -> None:
        self.guard = guard
        self.things = things
        self.closed = False
        self.trouble = ""
        """What could not be closed, and why."""
        self._lane = asyncio.Lock()
        self._works: set[asyncio.Task[list[str]]] = set()
        tip = "Closes panels, charge points and servers. Or shut the kernel down: that ends them too."
        self.button = controls.button(LABEL, tip, name="all off")
        self.button.on_click(lambda button: self._begin())
        self.status = controls.status()
        self._row = controls.row("at last", [self.button]).add_class("ol-first")
        self.box = controls.card(self._row, self.status)
        self._tell("All is still alive: press what you like above. The end of the kernel ends it too.")

    async def close(self) -> list[str]:
        """Close everything; the names of the tasks that are left."""
        async with self._lane:
            if not self.closed:
                self.trouble = "; ".join([said for thing in self.things if (said := await _end(thing))])
            self.closed = True
            left = await self.guard.stop()
        count = "none. Run the notebook from the top to begin anew."
        if left:
            count = f"{len(left)}: {', '.join(left)}. Was a cell run twice? Restart the kernel to be rid of them."
        self._tell(f"Closed. Tasks left: {count}")
        return left

    def press(self) -> None:
        """Press the button."""
        self.button.click()

    def parts(self) -> list[Part]:
        return [controls.drawn(self._row), controls.said(self._text)]

    def __repr__(self) -> str:
        return f"Closing: {self._text}"

    def _begin(self) -> None:
        # Of the loop, not of the guard: a task of ours would be among those that it counts, but for its own caller.
        work = asyncio.create_task(self.close(), name="closing")
        self._works.add(work)
        work.add_done_callback(self._works.discard)

    def _tell(self, text: str) -> None:
        self._text = text
        controls.tell(self.status, text, trouble=self.trouble)


async def _end(thing: object) -> str:
    """End one thing; what went wrong, or nothing."""
    try:
        verb: Callable[[], object] | None = thing if callable(thing) else None
        verb = verb or next((getattr(thing, name) for name in VERBS if hasattr(thing, name)), None)
        if verb is None:
            return f"{thing!r} has none of {', '.join(VERBS)}"
        if inspect.isawaitable(made := verb()):
            await made
    except Exception as error:
        return f"{type(thing).__name__}: {error!r}"
    return ""
