"""`TraceViewer`: drop a log on it, and see what it tells. What is dropped goes to the kernel and nowhere else."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as W

from ocpp_course.explain.ink import clean

from . import controls
from .explain import Explained, explain
from .live_output import LiveOutput
from .report import fragment
from .sheet import sheet
from .shown import NOTE, Shown
from .vector import script

HERE = "Nothing leaves this machine"
IN_A_TAB = "Nothing leaves this browser: the Python that reads it runs in this tab"
ZONE = (
    '<div class="ol drop"><p><b>Drop a log here</b>, or press the button.</p><p>{where}. SteVe, Home Assistant, evcc,'
    " MicroOcpp, EVerest, mobilityhouse/ocpp, or anything else with OCPP frames in it.</p></div>"
)


class TraceViewer(Shown):
    """A place to drop a file, and below it what the file tells. Without a mouse: ``viewer.open("night.log")``, or
    ``viewer.read(name, text)``.

    ``explained`` has the newest. Begins with ``log``, a file or a text, so that there is something to see.
    """

    def __init__(self, log: str | Path | None = None, name: str = "") -> None:
        from ocpp_lab import browser_tab

        self.explained: Explained | None = None
        """What is shown; None before the first."""
        self.upload = W.FileUpload(description="open a log", multiple=False, layout=W.Layout(width="150px"))
        self.status = controls.status()
        where = IN_A_TAB if browser_tab.IN_A_TAB else HERE
        self._zone = LiveOutput()
        self._zone.show(
            f"{sheet('drop')}{ZONE.format(where=where)}<script>{script('drop')}</script>", "Drop a log here."
        )
        self._shown = LiveOutput()
        card = controls.card(
            self._zone.widget, controls.row("file", [self.upload]).add_class("ol-first"), self.status
        ).add_class("ol-drop")
        self.box = W.VBox([card, self._shown.widget])
        self.upload.observe(self._dropped, "value")
        controls.tell(self.status, "No log yet.")
        if log is not None:
            self._show(explain(log, name=name))

    def open(self, path: str | Path) -> Explained:
        """Show a file. Raises OSError if it cannot be read."""
        return self._show(explain(Path(path)))

    def read(self, name: str, data: bytes | str) -> Explained:
        """Show what a file of this name holds."""
        text = data if isinstance(data, str) else data.decode(errors="replace")
        return self._show(explain(text.splitlines(keepends=True), name=name))

    def _dropped(self, change: Any) -> None:
        for each in change["new"]:
            self.read(each["name"], bytes(each["content"]))

    def _show(self, explained: Explained) -> Explained:
        self.explained = explained
        self._shown.show(fragment([explained.digest]), repr(explained))
        controls.tell(self.status, self._told())
        return explained

    def _told(self) -> str:
        if self.explained is None:
            return "No log yet."
        told = self.explained.digest
        return f"{clean(Path(told.source).name)}: {told.frames:,} frames, {len(told.findings)} findings"

    def picture(self) -> str:
        """What is shown, without scripts that wait for a kernel."""
        return fragment([self.explained.digest]) if self.explained else f"<p>{escape(self._told())}</p>"

    def __repr__(self) -> str:
        return repr(self.explained) if self.explained else self._told()

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = self.box._repr_mimebundle_(**options)
        return bundle | {"text/html": self.picture() + NOTE, "text/plain": repr(self)}
