"""`PowerPanel`: a charge point in a process of its own, a button that switches it on, and one that is kill -9."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import ipywidgets as W

from .clicked import Clicked, find
from .panel import REFRESH, _counted, _paragraph, _width

BUTTONS = ("power on", "kill -9")
CHILD = Path(__file__).with_name("victim.py")


class PowerPanel:
    """``PowerPanel(url, path)``: the process charges, one transaction after the other, and keeps its file.

    *kill -9* ends it in the middle of whatever it does; no line of its code runs after that. *power on* starts another
    one from the same file. ``said`` has every line that a process printed, which it does once a thing is durable.

    Without a mouse: ``panel.press("power on")``, then ``await panel.settle()``. At the end ``await panel.close()``.
    """

    def __init__(self, url: str, path: str | Path, identity: str = "CP_9") -> None:
        self.url, self.path, self.identity = url, Path(path), identity
        self.lives = 0
        self.said: list[tuple[str, str]] = []
        """What happened and the tag it happened to, in order."""
        self.exit_codes: list[int] = []
        self._process: asyncio.subprocess.Process | None = None
        self._clicked = Clicked()
        self._loop = asyncio.get_running_loop()
        self.buttons = {label: W.Button(description=label, layout=_width(118)) for label in BUTTONS}
        self.status = W.HTML()
        layout = W.Layout(max_width="760px", border="1px solid #bdbdbd", padding="6px")
        self.box = W.VBox([W.HBox([*self.buttons.values()]), self.status], layout=layout)
        self.buttons["power on"].on_click(
            lambda button: self._clicked.begin(self._switch_on(), "power panel: power on")
        )
        self.buttons["kill -9"].on_click(lambda button: self._clicked.begin(self._kill(), "power panel: kill"))
        self._tick()

    # -- operated from Python

    def press(self, label: str) -> None:
        """Press *power on* or *kill -9*; what it starts is over after ``await settle()``."""
        find(self.buttons, label).click()

    async def settle(self) -> None:
        """Wait until what was pressed is done, and raise what it raised."""
        await self._clicked.settle()
        self._refresh()

    async def close(self) -> None:
        """No process is left, and the buttons do nothing more."""
        await self.settle()
        await self._kill()
        self._timer.cancel()
        for button in self.buttons.values():
            button.disabled = True
        self.status.value = _paragraph("closed; run the notebook from the top to use the panel again")

    # -- what is known of it

    @property
    def on(self) -> bool:
        return self._process is not None

    def waiting(self) -> int:
        """Transaction messages in its file that no answer has struck out."""
        return self._count("SELECT count(*) FROM outbox")

    def running(self) -> int:
        """Transactions that its file knows as begun and not as ended."""
        return self._count("SELECT count(*) FROM transactions")

    @property
    def text(self) -> str:
        """The status line."""
        happened = Counter(what for what, _ in self.said)
        parts = [
            f"power: {'on' if self.on else 'off'}",
            f"lives: {self.lives}",
            f"said: {_counted(happened)}",
            f"messages in its file: {self.waiting()}",
            f"transactions open: {self.running()}",
        ]
        return " · ".join(parts)

    def _count(self, sql: str) -> int:
        if self.path.exists():
            with suppress(sqlite3.Error), closing(sqlite3.connect(self.path, timeout=0.05)) as db:
                return int(db.execute(sql).fetchone()[0])
        return 0

    # -- what the buttons do

    async def _switch_on(self) -> None:
        if self._process:
            return
        self.lives += 1
        # -P: beside the script lie modules of ours, which must not stand in the way of those they are named like.
        command = (sys.executable, "-P", str(CHILD), self.url, self.identity, str(self.path), str(self.lives))
        self._process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        self._listener = asyncio.create_task(self._listen(self._process), name="power panel: listener")

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        """To the end: what it said before it died counts, though we read it later."""
        assert process.stdout
        async for line in process.stdout:
            what, tag = line.decode().split()
            self.said.append((what, tag))
        self.exit_codes.append(await process.wait())
        self._process = None

    async def _kill(self) -> None:
        if self._process:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._listener

    # -- the widgets

    def _tick(self) -> None:
        self._refresh()
        self._timer = self._loop.call_later(REFRESH, self._tick)

    def _refresh(self) -> None:
        self.status.value = _paragraph(self.text)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The widgets; as text, the status line."""
        bundle: dict[str, Any] = self.box._repr_mimebundle_(**options)
        return bundle | {"text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"PowerPanel: {self.text}"
