"""`Wire`: charge point, connection and central system, live: frames fly as they happen, faults stand where they act."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from html import escape

import ipywidgets as W

from ocpp_lab.central_system import CentralSystem
from ocpp_lab.chaos_proxy import ChaosProxy
from ocpp_lab.charge_point import ChargePoint
from ocpp_lab.trace import Event, Trace

from . import controls
from .flights import Flight, Flights, Hold, Mark
from .palette import SIGNS
from .scene import AT_REST, HEIGHT, Scene, inner, svg
from .sheet import sheet
from .shown import Part, Shown

TICK = 0.1
"""Seconds between two looks, and at least between two drawings."""
SLOTS = 12
"""A frame flies for less than a second, so a slot is empty again when its turn comes."""
MOST = 40
"""Frames drawn in one tick; more nobody sees, but they are counted."""


class Wire(Shown):
    """``lab.Wire(charge_point, central_system, proxy)``; ``proxy`` may be left out. Read-only: it changes nothing.

    It listens to both traces and to the faults, so it knows what became of each frame. Drawn at most ten times a
    second, and only if something changed; ``drawn`` and ``spent`` (s) are what that cost this event loop. How long a
    frame flies is drawn, not measured. ``charge_point`` may be a function that returns the one that lives now.
    """

    def __init__(
        self,
        charge_point: ChargePoint | Callable[[], ChargePoint],
        central_system: CentralSystem,
        proxy: ChaosProxy | None = None,
    ) -> None:
        self._living = charge_point if callable(charge_point) else lambda: charge_point
        self.central_system = central_system
        self.proxy = proxy
        self.flights = Flights(self._living().identity)
        self.drawn = 0
        self.spent = 0.0
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._ends = [
            central_system.trace.subscribe(self._timed(self.flights.central_system)),
            central_system.faults.subscribe(self.flights.fault),
        ]
        self._trace: Trace | None = None
        self._unlisten: Callable[[], None] = lambda: None
        self._listen()
        self._seen = self.look()
        self._scene = W.HTML(svg(self._seen))
        self._slots = [W.HTML().add_class("ol-slot") for _ in range(SLOTS)]
        style = W.HTML(sheet("wire"), layout=W.Layout(display="none"))
        self.box = controls.card(W.Box([style, self._scene, *self._slots]).add_class("ol-live"))
        self._timer = self._loop.call_later(TICK, self._tick)

    def close(self) -> None:
        """Listen and draw no more; a picture stays."""
        self._timer.cancel()
        for end in self._ends:
            end()
        self._unlisten()
        self.freeze()

    def look(self) -> Scene:
        """How everything stands now."""
        charge_point, proxy = self._living(), self.proxy
        uplink, state = charge_point.uplink, charge_point.state
        connected = uplink is not None and state not in AT_REST and state != "connecting"
        return Scene(
            charge_point.identity,
            state,
            connected,
            uplink.transport.queue_depth if uplink else 0,
            0 if state == "stopped" else len(charge_point.outbox),
            self._faults(),
            frozenset(map(str, proxy.dark)) if proxy else frozenset(),
            dict(self.flights.counts),
            "" if connected else "dials" if state == "connecting" else "no connection",
        )

    def parts(self) -> list[Part]:
        return [Part(HEIGHT, inner(self.look()))]

    @property
    def alt(self) -> str:
        """Without numbers: they are another picture's, a moment later."""
        seen = self.look()
        return f"Wire: {seen.identity} is {seen.state}; on: {', '.join(seen.faults) or 'no fault'}"

    def __repr__(self) -> str:
        return self.alt

    # -- listening

    def _listen(self) -> None:
        """A charge point that was started again may have another trace."""
        trace = self._living().trace
        if trace is not self._trace:
            self._unlisten()
            self._trace, self._unlisten = trace, trace.subscribe(self._timed(self.flights.charge_point))

    def _timed(self, hear: Callable[[Event], None]) -> Callable[[Event], None]:
        """Listening is a part of what watching costs."""

        def heard(event: Event) -> None:
            began = time.perf_counter()
            hear(event)
            self.spent += time.perf_counter() - began

        return heard

    def _faults(self) -> dict[str, str]:
        on: dict[str, str] = {}
        for rule in self.central_system.faults.rules:
            if not rule.fits(rule.action, self.flights.identity):
                continue  # used up, or for somebody else
            seconds = f"{rule.options['seconds']:g} s" if rule.kind == "delay" else ""
            on.setdefault(rule.kind, " · ".join(filter(None, (seconds, f"{rule.hits}×" if rule.hits else ""))))
        session = self.central_system.sessions.get(self.flights.identity)
        if session and getattr(getattr(session.transport, "pipe", None), "not_reading", False):
            on.setdefault("stop reading", "")
        if proxy := self.proxy:
            if proxy.dark:
                on["half-open"] = "" if len(proxy.dark) == 2 else next(iter(proxy.dark)).replace("_", " ")
            if proxy.latency:
                on["latency"] = f"{proxy.latency:g} s"
            if proxy.bandwidth:
                on["bandwidth"] = f"{proxy.bandwidth:g} bytes/s"
            if proxy.refusing:
                on["refuse"] = ""
        return on

    # -- drawing

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK, self._tick)
        began = time.perf_counter()
        self._listen()
        new, now = self.flights.take()[-MOST:], self.look()
        if new:
            slot = self._slots[self.drawn % SLOTS]
            slot.value = f'<div data-n="{self.drawn}">{_flown(new)}</div>'
        if changed := now != self._seen:
            self._seen = now
            self._scene.value = svg(replace(now, cost=self.cost))
        self.drawn += bool(new or changed)
        self.spent += time.perf_counter() - began

    @property
    def cost(self) -> str:
        """What watching takes of this event loop's time, in words."""
        since = self._loop.time() - self._began
        return f"watching costs {100 * self.spent / since:.1f} % of the loop" if self.drawn else ""


def _flown(new: Iterable[Flight | Mark | Hold]) -> str:
    """Elements that move by themselves, once."""
    first = min(each.at for each in new)
    return "".join(_element(each, each.at - first) for each in new)


def _element(each: Flight | Mark | Hold, at: float) -> str:
    match each:
        case Flight():
            look = f'class="ol-f {each.kind} {each.fate}" style="--at:{at:.2f}"'
            return f'<div class="ol-t {each.way}"><span {look}>{escape(each.label[:40])}</span></div>'
        case Mark():
            return f'<div class="ol-m {each.kind}" style="--at:{at:.2f}">{SIGNS[each.kind]} {escape(each.words)}</div>'
        case Hold():
            ring = '<circle class="{}" cx="12" cy="12" r="9"/>'
            return (
                f'<svg class="ol-hold" viewBox="0 0 24 24" aria-hidden="true" '
                f'style="--for:{each.seconds:g};--at:{at + 0.4:.2f}">'
                f"{ring.format('s-rule')}{ring.format('s-fault ring')}</svg>"
            )
