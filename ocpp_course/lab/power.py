"""`PowerPanel`: a charge point in a process of its own, a button that switches it on, and one that is kill -9."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

from ocpp_lab import browser_tab

from . import controls
from .clicked import Clicked, find
from .inside import Inside
from .panel import REFRESH, _counted
from .shown import Part, Shown

TIPS = {
    "power on": "Starts a process, from the file that the last one left behind.",
    "kill -9": "Ends the process in the middle of whatever it does.",
}
BUTTONS = tuple(TIPS)
IN_A_TAB = "a browser tab has no processes: kill -9 is a power cut inside it"
CHILD = Path(__file__).with_name("victim.py")


class PowerPanel(Shown):
    """``PowerPanel(url, path)``: the process charges, one transaction after the other, and keeps its file.

    *kill -9* ends it in the middle of whatever it does; no line of its code runs after that. *power on* starts another
    one from the same file. ``said`` has every line that a process printed, which it does once a thing is durable.

    Without a mouse: ``panel.press("power on")``, then ``await panel.settle()``. At the end ``await panel.close()``.
    In a browser tab, which has no processes, it lives in this one, and *kill -9* is a power cut: see `inside`.
    """

    def __init__(self, url: str, path: str | Path, identity: str = "CP_9") -> None:
        self.url, self.path, self.identity = url, Path(path), identity
        self.lives = 0
        self.said: list[tuple[str, str]] = []
        """What happened and the tag it happened to, in order."""
        self.exit_codes: list[int] = []
        self._process: asyncio.subprocess.Process | Inside | None = None
        self._clicked = Clicked(self._done)
        self._loop = asyncio.get_running_loop()
        self.trouble = ""
        """What the last work that failed has raised; also in the status line."""
        names = {"power on": "plug", "kill -9": "reset"}
        self.buttons = {label: controls.button(label, tip, name=names[label]) for label, tip in TIPS.items()}
        self.status = controls.status()
        self._row = controls.row(identity, self.buttons.values()).add_class("ol-first")
        self.box = controls.card(self._row, self.status)
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
        """No process is left, and the buttons do nothing more; a picture stays."""
        await self.settle()
        await self._kill()
        self._timer.cancel()
        for button in self.buttons.values():
            button.disabled = True
        controls.tell(self.status, "Closed. Run the cell that made this panel to use it again.")
        self.freeze()

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
        return " · ".join([*parts, IN_A_TAB] if browser_tab.IN_A_TAB else parts)

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
        self._process = await self._begin()
        self._listener = asyncio.create_task(self._listen(self._process), name="power panel: listener")

    async def _begin(self) -> asyncio.subprocess.Process | Inside:
        if browser_tab.IN_A_TAB:
            return Inside(self.url, self.identity, self.path, self.lives)
        # -P: beside the script lie modules of ours, which must not stand in the way of those they are named like.
        command = (sys.executable, "-P", str(CHILD), self.url, self.identity, str(self.path), str(self.lives))
        return await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)

    async def _listen(self, process: asyncio.subprocess.Process | Inside) -> None:
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

    def _done(self, task: asyncio.Task[None]) -> None:
        failed = None if task.cancelled() else task.exception()
        self.trouble = f"failed: {failed!r}" if failed else ""
        self._refresh()

    def _refresh(self) -> None:
        controls.tell(self.status, self.text, trouble=self.trouble)

    def parts(self) -> list[Part]:
        return [controls.drawn(self._row), controls.said(self.text)]

    def __repr__(self) -> str:
        return f"PowerPanel: {self.text}"
