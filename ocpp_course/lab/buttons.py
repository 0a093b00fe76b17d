"""`Buttons`: a row of buttons for what a notebook itself can do: restart a machine, plug in a car."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from . import controls
from .clicked import Clicked, find
from .panel import _counted
from .shown import Part, Shown


class Buttons(Shown):
    """``Buttons({"restart": restart})`` runs ``await restart()`` at each click, one after the other.

    Without a mouse: ``buttons.press("restart")``, then ``await buttons.settle()``. ``await close()`` at the end.
    """

    def __init__(self, works: Mapping[str, Callable[[], Awaitable[object]]]) -> None:
        self.works = dict(works)
        self.pressed: Counter[str] = Counter()
        self.trouble = ""
        """What the last work that failed has raised; also in the status line."""
        self._lane = asyncio.Lock()
        self._begun = Clicked(self._done)
        self.buttons = {label: controls.button(label, "") for label in self.works}
        self.status = controls.status()
        for button in self.buttons.values():
            button.on_click(self._clicked)
        self._row = controls.row("do", self.buttons.values()).add_class("ol-first")
        self.box = controls.card(self._row, self.status)
        self._refresh()

    def press(self, label: str) -> None:
        """Press a button. What it starts is over after ``await settle()``."""
        find(self.buttons, label).click()

    async def settle(self) -> None:
        """Wait until what was pressed is done, and raise what it raised."""
        await self._begun.settle()

    async def close(self) -> None:
        """No more clicks; a picture stays. Returns when what was clicked is done: later nobody would end it."""
        for button in self.buttons.values():
            button.disabled = True
        await self._begun.ended()
        controls.tell(self.status, "Closed. Run the cell that made these buttons to use them again.")
        self.freeze()

    @property
    def text(self) -> str:
        """What was pressed so far."""
        return f"pressed: {_counted(self.pressed)}" + (f" · failed: {self.trouble}" if self.trouble else "")

    def _clicked(self, button: Any) -> None:
        self.pressed[button.description] += 1
        self.trouble = ""
        self._begun.begin(self._do(button.description), f"button {button.description}")
        self._refresh()

    async def _do(self, label: str) -> None:
        async with self._lane:
            await self.works[label]()

    def _done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self.trouble = repr(error)
        self._refresh()

    def _refresh(self) -> None:
        controls.tell(self.status, self.text)

    def parts(self) -> list[Part]:
        return [controls.drawn(self._row), controls.said(self.text)]

    def __repr__(self) -> str:
        return f"Buttons: {', '.join(self.works)} · {self.text}"
