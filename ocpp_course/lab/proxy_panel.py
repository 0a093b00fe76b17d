"""`ProxyPanel`: buttons that make a live network misbehave, for the mouse and for Python alike."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from ocpp_lab.chaos_proxy import ChaosProxy

from . import controls
from .clicked import find
from .panel import REFRESH, _counted
from .shown import Part, Shown

ONCE = {
    "cut": "Ends every connection politely, with a FIN to both ends.",
    "reset": "Ends every connection rudely, with a RST to both ends.",
}
WHILE_ON = {
    "half-open": "Bytes vanish on the way, in the direction of the drop-down; no end sees a close.",
    "refuse": "New connections are reset as soon as they come; open ones live on.",
}
NOT_RUNNING = "This proxy does not run. Run the cell that starts it, then the one that makes this panel."
BUTTONS, TOGGLES = tuple(ONCE), tuple(WHILE_ON)
DIRECTIONS = ("both", "to_central_system", "to_charge_point")


class ProxyPanel(Shown):
    """The faults of one `ChaosProxy`, live.

    *cut* (FIN) and *reset* (RST) hang up once. *half-open* swallows bytes while it is on, in the direction of the
    drop-down; *refuse* turns new connections away. The sliders are latency (s) in each direction, and bandwidth in
    bytes/s, where 0 means: as fast as it goes.

    Without a mouse: ``panel.press("cut")``, ``panel.toggle("half-open")``, ``panel.set(latency=0.5)``,
    ``panel.clear()``. The widgets do the work either way, and follow what a script does to the proxy. ``close()`` makes
    the network good and leaves a picture.
    """

    def __init__(self, proxy: ChaosProxy) -> None:
        self.proxy = proxy
        self.pressed: Counter[str] = Counter()
        self._refused = proxy.refused  # when *refuse* was switched on
        self._loop = asyncio.get_running_loop()
        self._following = False  # the widgets are being set after the proxy, not the other way round
        self._build()
        self._observe()
        self._tick()

    # -- operated from Python

    def press(self, label: str) -> None:
        """Press *cut*, *reset* or *all off*."""
        find(self.buttons, label).click()

    def toggle(self, label: str, on: bool = True) -> None:
        """Switch *half-open* or *refuse* on or off, as a click does."""
        self._follow()  # a script may have changed something since the last look
        find(self.toggles, label).value = on

    def set(
        self, *, direction: str | None = None, latency: float | None = None, bandwidth: float | None = None
    ) -> None:
        """Move the drop-down or a slider. ``bandwidth`` 0 lifts the limit."""
        self._follow()
        if direction is not None:
            self.direction.value = direction
        if latency is not None:
            self.latency.value = latency
        if bandwidth is not None:
            self.bandwidth.value = bandwidth

    def clear(self) -> None:
        """A good network: both toggles off, no latency, no limit."""
        for label in TOGGLES:
            self.toggle(label, False)
        self.set(latency=0.0, bandwidth=0)

    def close(self) -> None:
        """Make the network good, and look at the proxy no more; a picture stays."""
        self.clear()
        self._timer.cancel()
        for widget in (*self.buttons.values(), *self.toggles.values(), self.direction, self.latency, self.bandwidth):
            widget.disabled = True
        controls.tell(self.status, "Closed. Run the cell that made this panel to use it again.")
        self.freeze()

    @property
    def text(self) -> str:
        """The status line: what is on, how many connections there are, what was swallowed and pressed so far."""
        proxy = self.proxy
        parts = [
            f"on: {self._on}",
            f"connections: {proxy.open_connections}",
            f"refused: {proxy.refused}",
            f"swallowed: {proxy.bytes_swallowed.total()} bytes",
            "pressed: " + _counted(self.pressed),
        ]
        return " · ".join(parts)

    @property
    def alt(self) -> str:
        """Without the counts, which depend on when somebody looks."""
        return f"ProxyPanel: on: {self._on}"

    @property
    def _on(self) -> str:
        proxy = self.proxy
        on = [f"half-open {_said(proxy)}"] if proxy.dark else []
        on += ["refuse"] if proxy.refusing else []
        on += [f"latency {proxy.latency:g} s"] if proxy.latency else []
        on += [f"bandwidth {proxy.bandwidth:g} bytes/s"] if proxy.bandwidth else []
        return ", ".join(on) or "no fault"

    def parts(self) -> list[Part]:
        return [*map(controls.drawn, self._rows), controls.said(self.text)]

    def __repr__(self) -> str:
        return f"ProxyPanel: {self.text}"

    # -- the widgets

    def _build(self) -> None:
        self.buttons = {label: controls.button(label, tip) for label, tip in ONCE.items()}
        self.buttons["all off"] = controls.button("all off", "A good network again.")
        self.toggles = {label: controls.toggle(label, tip) for label, tip in WHILE_ON.items()}
        self.direction = controls.choice("direction", DIRECTIONS, 236)
        self.latency = controls.slider("latency (s)", 0.0, most=4, step=0.125, digits=".3f")
        self.latency.tooltip = "Seconds that everything is on the way, in each direction."
        self.bandwidth = controls.whole("bytes/s", 0, least=0, most=16_384, step=64)
        self.bandwidth.tooltip = "Bytes in a second, in each direction. 0: as fast as it goes."
        self.status = controls.status()
        toggles = self.toggles
        self._rows = [
            controls.row("network", [toggles["half-open"], self.direction, toggles["refuse"]]),
            controls.row("", [self.latency, self.bandwidth]),
            controls.row("once", self.buttons.values()),
        ]
        self._rows[0].add_class("ol-first")
        self.box = controls.card(*self._rows, self.status)
        self._follow()

    def _observe(self) -> None:
        for label in BUTTONS:
            self.buttons[label].on_click(self._hang_up)
        self.buttons["all off"].on_click(lambda button: self.clear())
        for widget in (*self.toggles.values(), self.direction, self.latency, self.bandwidth):
            widget.observe(self._moved, "value")

    # -- what they do

    def _hang_up(self, button: Any) -> None:
        self.pressed[button.description] += 1
        getattr(self.proxy, button.description)()
        self._refresh()

    def _moved(self, change: Any) -> None:
        if self._following:
            return
        proxy, widget = self.proxy, change.owner
        if widget is self.latency:
            proxy.latency = self.latency.value
        elif widget is self.bandwidth:
            proxy.bandwidth = float(self.bandwidth.value) or None
        elif widget is self.toggles["refuse"]:
            self._refused = proxy.refused
            proxy.refuse(change.new)
        elif self.toggles["half-open"].value:
            proxy.half_open(self.direction.value)
        elif widget is self.toggles["half-open"]:
            proxy.half_open(on=False)
        self._refresh()

    def _follow(self) -> None:
        """Show what is in force, whoever began it."""
        proxy, self._following = self.proxy, True
        try:
            self.toggles["half-open"].value = bool(proxy.dark)
            self.toggles["refuse"].value = proxy.refusing
            if proxy.dark:
                self.direction.value = _said(proxy)
            self.latency.value = proxy.latency
            self.bandwidth.value = round(proxy.bandwidth or 0)
        finally:
            self._following = False

    # -- the status line

    def _tick(self) -> None:
        self._follow()
        self._refresh()
        self._timer = self._loop.call_later(REFRESH, self._tick)

    def _refresh(self) -> None:
        on = self.proxy.refusing
        controls.count(self.toggles["refuse"], "refuse", self.proxy.refused - self._refused if on else 0)
        controls.mark(self.latency, "acts", bool(self.proxy.latency))
        controls.mark(self.bandwidth, "acts", bool(self.proxy.bandwidth))
        controls.tell(self.status, self.text, trouble="" if self.proxy.running else NOT_RUNNING)


def _said(proxy: ChaosProxy) -> str:
    """The directions that are dark, as the drop-down names them."""
    return "both" if len(proxy.dark) == 2 else next(iter(proxy.dark))
