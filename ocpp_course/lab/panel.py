"""`FaultPanel`: buttons that make a live central system misbehave, for the mouse and for Python alike."""

from __future__ import annotations

import asyncio
import html
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import ipywidgets as W

from ocpp_lab.central_system import CentralSystem
from ocpp_lab.faults import Fault
from ocpp_lab.messages import ACTIONS
from ocpp_lab.session import Session

from .clicked import Clicked, find

ANY = "any call"
TOGGLES = (
    "ignore", "delay", "CallError", "answer twice", "wrong id", "wrong payload", "garbage", "stop reading", "refuse",
)  # fmt: skip
BUTTONS = ("close 1001", "abort")
REFRESH = 0.25
"""Seconds between two looks at what the status line tells."""


class FaultPanel:
    """The faults of one central system, live. ``identity`` limits them to one charge point.

    A toggle puts a rule into ``central_system.faults`` and takes it out again; the drop-down says for which action.
    *stop reading* acts on the open connections, for the seconds of the slider (0: no end) or until it is released.
    *close 1001* and *abort* happen once. ``interval`` (s) is what the next BootNotification is answered with.

    Without a mouse: ``panel.toggle("ignore")``, ``panel.press("close 1001")``, ``panel.set(action="Authorize")``,
    then ``await panel.settle()``. The widgets do the work either way. Call ``close()`` at the end.
    """

    def __init__(self, central_system: CentralSystem, identity: str | None = None) -> None:
        self.central_system = central_system
        self.identity = identity
        self.rules: dict[str, Fault] = {}
        """The rule in force for each toggle that is on."""
        self.pressed: Counter[str] = Counter()
        self._clicked = Clicked()
        self._loop = asyncio.get_running_loop()
        self._resume: asyncio.TimerHandle | None = None
        self._build()
        self._observe()
        self._tick()

    # -- operated from Python

    def toggle(self, label: str, on: bool = True) -> None:
        """Switch a fault on or off, as a click does."""
        find(self.toggles, label).value = on

    def press(self, label: str) -> None:
        """Press *close 1001* or *abort*. What it starts is over after ``await settle()``."""
        find(self.buttons, label).click()

    def set(self, *, action: str | None = None, seconds: float | None = None, interval: int | None = None) -> None:
        """Move the drop-down or a slider. ``action`` is an action of OCPP or ``"any call"``."""
        if action is not None:
            self.action.value = action
        if seconds is not None:
            self.seconds.value = seconds
        if interval is not None:
            self.interval.value = interval

    def clear(self) -> None:
        """Switch everything off."""
        for toggle in self.toggles.values():
            toggle.value = False

    async def settle(self) -> None:
        """Wait until what was pressed is done, and raise what it raised."""
        await self._clicked.settle()

    def close(self) -> None:
        """Switch everything off and look at the central system no more."""
        self.clear()
        self._timer.cancel()
        for widget in (*self.toggles.values(), *self.buttons.values(), self.action, self.seconds, self.interval):
            widget.disabled = True
        self.status.value = _paragraph("closed; run the notebook from the top to use the panel again")

    @property
    def text(self) -> str:
        """The status line: every fault that is on, who is connected, what was applied so far."""
        on = [self._say(label) for label, toggle in self.toggles.items() if toggle.value]
        parts = [
            "on: " + (", ".join(on) or "no fault"),
            "connected: " + (", ".join(self.central_system.sessions) or "nobody"),
            "applied: " + _counted(self.central_system.faults.applied),
            "pressed: " + _counted(self.pressed),
        ]
        return " · ".join(parts)

    def _say(self, label: str) -> str:
        rule = self.rules.get(label)
        if rule is None or label == "refuse":
            return label
        length = f" by {rule.options['seconds']:g} s" if label == "delay" else ""
        return f"{label} {rule.action or ANY}{length}"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """The widgets; as text, the status line, which is short and the same in every run."""
        bundle: dict[str, Any] = self.box._repr_mimebundle_(**options)
        return bundle | {"text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"FaultPanel: {self.text}"

    # -- the widgets

    def _build(self) -> None:
        self.toggles = {label: W.ToggleButton(description=label, layout=_width(118)) for label in TOGGLES}
        self.buttons = {label: W.Button(description=label, layout=_width(118)) for label in BUTTONS}
        policy = self.central_system.policy
        sent_here = sorted(name for name, action in ACTIONS.items() if action.sender != "CentralSystem")
        self.action = W.Dropdown(options=[ANY, *sent_here], description="action", layout=_width(268), style=_LABEL)
        # From 0 to a power of two in steps of one: the browser's slider calculates with floats and sends back what it
        # got, and a value that it changes by 1e-16 would arrive late and undo what Python has set meanwhile.
        self.seconds = W.FloatSlider(
            1.0, min=0, max=8, step=0.25, readout_format=".2f", description="seconds", layout=_width(230), style=_LABEL
        )
        self.interval = W.IntSlider(
            min(max(policy.interval, 1), 600), min=1, max=600, description="interval", layout=_width(230), style=_LABEL
        )
        self.status = W.HTML(_paragraph(self.text))
        wrap = W.Layout(flex_flow="row wrap")
        self.box = W.VBox(
            [
                W.HBox([self.action, self.seconds, self.interval], layout=wrap),
                W.HBox(
                    [
                        W.Label("while on", layout=_width(64)),
                        W.HBox([*self.toggles.values()], layout=W.Layout(flex_flow="row wrap", width="620px")),
                    ],
                    layout=wrap,
                ),
                W.HBox([W.Label("once", layout=_width(64)), *self.buttons.values()], layout=wrap),
                self.status,
            ],
            layout=W.Layout(max_width="760px", border="1px solid #bdbdbd", padding="6px"),
        )

    def _observe(self) -> None:
        for label, toggle in self.toggles.items():
            toggle.observe(self._switched(label), "value")
        self.buttons["close 1001"].on_click(lambda button: self._each(button, lambda session: session.close(1001)))
        self.buttons["abort"].on_click(lambda button: self._each(button, _abort))
        self.action.observe(lambda change: self._retarget(), "value")
        self.seconds.observe(lambda change: self._retime(), "value")
        self.interval.observe(lambda change: self._set_interval(change.new), "value")

    def _switched(self, label: str) -> Callable[[Any], None]:
        def switched(change: Any) -> None:
            if label == "stop reading":
                self._stop_reading() if change.new else self._resume_reading()
            elif change.new:
                self.rules[label] = self._add(label)
            else:
                self.central_system.faults.remove(self.rules.pop(label))
            self._refresh()

        return switched

    # -- what they do

    def _add(self, label: str) -> Fault:
        faults, who = self.central_system.faults, self.identity
        match label:
            case "refuse":
                return faults.refuse(identity=who)
            case "delay":
                return faults.delay(self._wanted(), seconds=self.seconds.value, identity=who)
            case "CallError":
                return faults.call_error(self._wanted(), identity=who)
        method = getattr(faults, label.replace(" ", "_"))
        rule: Fault = method(self._wanted(), identity=who)
        return rule

    def _wanted(self) -> str | None:
        return None if self.action.value == ANY else str(self.action.value)

    def _retarget(self) -> None:
        for label, rule in self.rules.items():
            if label != "refuse":
                rule.action = self._wanted()
        self._refresh()

    def _retime(self) -> None:
        if "delay" in self.rules:
            self.rules["delay"].options["seconds"] = self.seconds.value
        self._refresh()

    def _set_interval(self, seconds: int) -> None:
        self.central_system.policy.interval = seconds

    def _stop_reading(self) -> None:
        for session in self._sessions():
            session.transport.pipe.stop_reading()  # type: ignore[attr-defined]
        if self.seconds.value:
            self._resume = self._loop.call_later(self.seconds.value, self.toggle, "stop reading", False)

    def _resume_reading(self) -> None:
        if self._resume:
            self._resume.cancel()
        for session in self._sessions():
            session.transport.pipe.resume_reading()  # type: ignore[attr-defined]

    def _sessions(self) -> list[Session]:
        sessions = self.central_system.sessions
        return [session for who, session in sessions.items() if self.identity in (None, who)]

    def _each(self, button: Any, work: Callable[[Session], Coroutine[Any, Any, None]]) -> None:
        self.pressed[button.description] += 1
        for session in self._sessions():
            self._clicked.begin(work(session), "fault panel")
        self._refresh()

    # -- the status line

    def _tick(self) -> None:
        self._refresh()
        self._timer = self._loop.call_later(REFRESH, self._tick)

    def _refresh(self) -> None:
        # Only a change is sent to the browser.
        self.status.value = _paragraph(self.text)


_LABEL = {"description_width": "60px"}


def _width(pixels: int) -> W.Layout:
    return W.Layout(width=f"{pixels}px")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{what} {count}×" for what, count in counts.items()) or "nothing"


def _paragraph(text: str) -> str:
    """A live region: a screen reader says what changed, also where a toggle button does not tell its state."""
    return f'<p role="status" style="margin:0;line-height:1.5;font-family:monospace">{html.escape(text)}</p>'


async def _abort(session: Session) -> None:
    session.transport.pipe.abort()  # type: ignore[attr-defined]
