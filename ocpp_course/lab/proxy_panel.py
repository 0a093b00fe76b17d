"""`ProxyPanel`: buttons that make a live network misbehave, for the mouse and for Python alike."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import ipywidgets as W

from ocpp_lab.chaos_proxy import ChaosProxy

from .clicked import find
from .panel import _LABEL, REFRESH, _counted, _paragraph, _width

BUTTONS = ("cut", "reset")
TOGGLES = ("half-open", "refuse")
DIRECTIONS = ("both", "to_central_system", "to_charge_point")


class ProxyPanel:
    """The faults of one `ChaosProxy`, live.

    *cut* (FIN) and *reset* (RST) hang up once. *half-open* swallows bytes while it is on, in the direction of the
    drop-down; *refuse* turns new connections away. The sliders are latency (s) in each direction, and bandwidth in
    bytes/s, where 0 means: as fast as it goes.

    Without a mouse: ``panel.press("cut")``, ``panel.toggle("half-open")``, ``panel.set(latency=0.5)``,
    ``panel.clear()``. The widgets do the work either way, and follow what a script does to the proxy. Call ``close()``
    at the end.
    """

    def __init__(self, proxy: ChaosProxy) -> None:
        self.proxy = proxy
        self.pressed: Counter[str] = Counter()
        self._loop = asyncio.get_running_loop()
        self._following = False  # the widgets are being set after the proxy, not the other way round
        self._build()
        self._observe()
        self._tick()

    # -- operated from Python

    def press(self, label: str) -> None:
        """Press *cut* or *reset*."""
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
        """Make the network good, and look at the proxy no more."""
        self.clear()
        self._timer.cancel()
        for widget in (*self.buttons.values(), *self.toggles.values(), self.direction, self.latency, self.bandwidth):
            widget.disabled = True
        self.status.value = _paragraph("closed; run the notebook from the top to use the panel again")

    @property
    def text(self) -> str:
        """The status line: what is on, how many connections there are, what was swallowed and pressed so far."""
        proxy = self.proxy
        on = [f"half-open {_said(proxy)}"] if proxy.dark else []
        on += ["refuse"] if proxy.refusing else []
        on += [f"latency {proxy.latency:g} s"] if proxy.latency else []
        on += [f"bandwidth {proxy.bandwidth:g} bytes/s"] if proxy.bandwidth else []
        parts = [
            "on: " + (", ".join(on) or "no fault"),
            f"connections: {proxy.open_connections}",
            f"refused: {proxy.refused}",
            f"swallowed: {proxy.bytes_swallowed.total()} bytes",
            "pressed: " + _counted(self.pressed),
        ]
        return " · ".join(parts)

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The widgets; as text, the status line."""
        bundle: dict[str, Any] = self.box._repr_mimebundle_(**options)
        return bundle | {"text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"ProxyPanel: {self.text}"

    # -- the widgets

    def _build(self) -> None:
        self.buttons = {label: W.Button(description=label, layout=_width(118)) for label in BUTTONS}
        self.toggles = {label: W.ToggleButton(description=label, layout=_width(118)) for label in TOGGLES}
        self.direction = W.Dropdown(options=DIRECTIONS, description="direction", layout=_width(268), style=_LABEL)
        # From 0 in steps of a power of two, for the reason given in `FaultPanel`.
        self.latency = W.FloatSlider(
            0.0, min=0, max=4, step=0.125, readout_format=".3f", description="latency", layout=_width(330), style=_LABEL
        )
        self.bandwidth = W.IntSlider(
            0, min=0, max=16_384, step=64, description="bytes/s", layout=_width(330), style=_LABEL
        )
        self.status = W.HTML()
        wrap = W.Layout(flex_flow="row wrap")
        once, on = W.Label("once", layout=_width(64)), W.Label("while on", layout=_width(64))
        self.box = W.VBox(
            [
                W.HBox([on, *self.toggles.values(), self.direction], layout=wrap),
                W.HBox([once, *self.buttons.values()], layout=wrap),
                W.HBox([self.latency, self.bandwidth], layout=wrap),
                self.status,
            ],
            layout=W.Layout(max_width="760px", border="1px solid #bdbdbd", padding="6px"),
        )
        self._follow()

    def _observe(self) -> None:
        for button in self.buttons.values():
            button.on_click(self._hang_up)
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
        self.status.value = _paragraph(self.text)


def _said(proxy: ChaosProxy) -> str:
    """The directions that are dark, as the drop-down names them."""
    return "both" if len(proxy.dark) == 2 else next(iter(proxy.dark))
