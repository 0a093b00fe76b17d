"""`SeedSlider`: a scenario under the seed of a slider, drawn below it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import ipywidgets as W

from ocpp_lab import browser_tab

from . import controls
from .shown import Shown
from .style import Picture


class SeedSlider[T](Shown):
    """``SeedSlider(run, draw)``: each new seed calls ``run(seed)`` in a thread and shows ``draw(seed, result)``.

    A browser tab has no threads: there it stands still meanwhile.
    The first seed is run at once, in place. Without a mouse: ``slider.set(7)``, then ``await slider.settle()``. A seed
    that comes while another one runs waits; of several that wait, the newest is run. Call ``close()`` at the end.
    """

    def __init__(self, run: Callable[[int], T], draw: Callable[[int, T], Picture], *, seed: int = 0, most: int = 99):
        self.run = run
        self.draw = draw
        self.result: T = run(seed)
        self.seed = seed
        """The one that is shown."""
        self.slider = W.IntSlider(
            seed, min=0, max=most, description="seed", continuous_update=False, layout=W.Layout(width="420px")
        )
        self.status, self.drawing = controls.status(), W.HTML()
        self.box = controls.card(controls.row("try", [self.slider]).add_class("ol-first"), self.status, self.drawing)
        self._task: asyncio.Task[None] | None = None
        self._show(draw(seed, self.result))
        self.slider.observe(self._moved, "value")

    def set(self, seed: int) -> None:
        """Move the slider."""
        self.slider.value = seed

    async def settle(self) -> None:
        """Wait until the slider's seed is shown, and raise what its run raised."""
        if self._task:
            await self._task

    async def close(self) -> None:
        """No more seeds; the picture stays."""
        self.slider.disabled = True
        if self._task:
            await asyncio.wait([self._task])
        self.freeze()

    def _moved(self, change: Any) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._catch_up(), name="seed slider")

    async def _catch_up(self) -> None:
        while self.seed != (seed := int(self.slider.value)):
            controls.tell(self.status, f"seed {seed} runs …")
            try:
                result = self.run(seed) if browser_tab.IN_A_TAB else await asyncio.to_thread(self.run, seed)
                picture = self.draw(seed, result)
            except Exception as error:
                controls.tell(self.status, f"seed {seed} failed: {error!r}")
                raise
            self.seed, self.result = seed, result
            self._show(picture)

    def _show(self, picture: Picture) -> None:
        self._shown = picture
        self.drawing.value = picture._repr_html_()
        controls.tell(self.status, f"seed {self.seed}: {picture.alt}")

    def picture(self) -> str:
        return self._shown._repr_html_()

    def __repr__(self) -> str:
        return f"SeedSlider: seed {self.seed}"
