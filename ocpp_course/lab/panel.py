"""`FaultPanel`: buttons that make a live central system misbehave, for the mouse and for Python alike."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from ocpp_lab.central_system import CentralSystem
from ocpp_lab.charge_point import ChargePoint
from ocpp_lab.faults import Fault
from ocpp_lab.messages import ACTIONS, HeartbeatRequest
from ocpp_lab.session import Session

from . import controls
from .calls import timed
from .clicked import Clicked, find
from .fault_words import ANSWERS, ANY, CONNECTION, ONCE, losing, who_acts
from .shown import Part, Shown

TIPS = ANSWERS | CONNECTION | ONCE
TOGGLES, BUTTONS = (*ANSWERS, *CONNECTION), tuple(ONCE)
HEARTBEAT = "send a Heartbeat"
NOT_LISTENING = "This central system does not listen. Run the cell that starts it, then the one that makes this panel."
REFRESH = 0.25
"""Seconds between two looks at what the status line tells."""


class FaultPanel(Shown):
    """The faults of one central system, live. ``identity`` limits them to one charge point.

    A toggle puts a rule into ``central_system.faults`` and takes it out again; the drop-down says for which action. It
    shows how often its rule acted; of two rules that fit a call the one acts that was on first, and the other one is
    hatched. *stop reading* acts on the open connections, for the seconds of the slider (0: no end) or until it is
    released. *close 1001* and *abort* happen once. ``interval`` (s) is what the next BootNotification is answered with.
    With a ``charge_point``, or a function that returns the one that lives now, there is *send a Heartbeat* too.

    Without a mouse: ``panel.toggle("ignore")``, ``panel.press("close 1001")``, ``panel.set(action="Authorize")``,
    then ``await panel.settle()``. The widgets do the work either way. ``close()`` switches all off; a picture stays.
    """

    def __init__(
        self,
        central_system: CentralSystem,
        identity: str | None = None,
        *,
        charge_point: ChargePoint | Callable[[], ChargePoint] | None = None,
    ) -> None:
        self.central_system = central_system
        self.identity = identity
        self.rules: dict[str, Fault] = {}
        """The rule in force for each toggle that is on."""
        self.pressed: Counter[str] = Counter()
        self.trouble = ""
        """What the last work that failed has raised; also in the status line."""
        self._charge_point = charge_point if callable(charge_point) or charge_point is None else lambda: charge_point
        self._clicked = Clicked(self._done)
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
        """Press *close 1001*, *abort* or *all off*. What it starts is over after ``await settle()``."""
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
        """Switch everything off and look at the central system no more; a picture stays."""
        self.clear()
        self._timer.cancel()
        for widget in (*self.toggles.values(), *self.buttons.values(), self.action, self.seconds, self.interval):
            widget.disabled = True
        controls.tell(self.status, "Closed. Run the cell that made this panel to use it again.")
        self.freeze()

    @property
    def text(self) -> str:
        """The status line: every fault that is on, who is connected, what was applied so far."""
        parts = [
            "on: " + self._on + who_acts(self.rules, self.central_system.faults.rules),
            "connected: " + (", ".join(self.central_system.sessions) or "nobody"),
            "applied: " + _counted(self.central_system.faults.applied),
            "pressed: " + _counted(self.pressed),
        ]
        return " · ".join(parts)

    @property
    def _on(self) -> str:
        return ", ".join(self._say(label) for label, toggle in self.toggles.items() if toggle.value) or "no fault"

    @property
    def alt(self) -> str:
        """Without the counts, which depend on when somebody looks."""
        return f"FaultPanel: on: {self._on}"

    def _say(self, label: str) -> str:
        rule = self.rules.get(label)
        if rule is None or label == "refuse":
            return label
        length = f" by {rule.options['seconds']:g} s" if label == "delay" else ""
        return f"{label} {rule.action or ANY}{length}"

    def parts(self) -> list[Part]:
        return [*map(controls.drawn, self._rows), controls.said(self.text)]

    def __repr__(self) -> str:
        return f"FaultPanel: {self.text}"

    # -- the widgets

    def _build(self) -> None:
        self.toggles = {label: controls.toggle(label, TIPS[label]) for label in TOGGLES}
        names = {"close 1001": "close", "abort": "reset"}
        self.buttons = {label: controls.button(label, TIPS[label], name=names[label]) for label in BUTTONS}
        self.buttons["all off"] = controls.button("all off", "An honest central system again.")
        if self._charge_point:
            tip = "The charge point asks: are you there?"
            self.buttons[HEARTBEAT] = controls.button(HEARTBEAT, tip, name="heartbeat", main=True)
        policy = self.central_system.policy
        sent_here = sorted(name for name, action in ACTIONS.items() if action.sender != "CentralSystem")
        self.action = controls.choice("action", [ANY, *sent_here], 252)
        self.seconds = controls.slider("seconds", 1.0, most=8, step=0.25, digits=".2f", width=310)
        self.interval = controls.whole("interval (s)", min(max(policy.interval, 1), 600), least=1, most=600)
        self.interval.tooltip = "Seconds between two Heartbeats: what the next BootNotification is answered with."
        self.status = controls.status()
        once = [self.buttons[label] for label in (HEARTBEAT, *BUTTONS, "all off") if label in self.buttons]
        toggles = self.toggles
        self._rows = [
            controls.row("answers", [self.action, self.seconds, *(toggles[label] for label in ANSWERS)]),
            controls.row("connection", [*(toggles[label] for label in CONNECTION), self.interval]),
            controls.row("once", once),
        ]
        self._rows[0].add_class("ol-first")
        self.box = controls.card(*self._rows, self.status)

    def _observe(self) -> None:
        for label, toggle in self.toggles.items():
            toggle.observe(self._safely(self._switched(label)), "value")
        self.buttons["close 1001"].on_click(lambda button: self._each(button, lambda session: session.close(1001)))
        self.buttons["abort"].on_click(lambda button: self._each(button, _abort))
        self.buttons["all off"].on_click(lambda button: self.clear())
        if self._charge_point:
            self.buttons[HEARTBEAT].on_click(lambda button: self._begin(button, self._beat()))
        self.action.observe(lambda change: self._retarget(), "value")
        self.seconds.observe(lambda change: self._retime(), "value")
        self.interval.observe(lambda change: self._set_interval(change.new), "value")

    def _safely(self, work: Callable[[Any], None]) -> Callable[[Any], None]:
        """What a click raises nobody catches but the kernel, who writes it into a log: say it on the panel too."""

        def safely(change: Any) -> None:
            self.trouble = ""
            try:
                work(change)
            except Exception as error:
                self.trouble = f"failed: {error!r}"
                raise
            finally:
                self._refresh()

        return safely

    def _switched(self, label: str) -> Callable[[Any], None]:
        def switched(change: Any) -> None:
            if label == "stop reading":
                self._stop_reading() if change.new else self._resume_reading()
            elif change.new:
                self.rules[label] = self._add(label)
            else:
                self.central_system.faults.remove(self.rules.pop(label))

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
        sessions = self._sessions()
        self._begin(button, *map(work, sessions))
        if not sessions:
            self.trouble = "nobody is connected: there is nothing to end"
            self._refresh()

    def _begin(self, button: Any, *works: Coroutine[Any, Any, None]) -> None:
        self.pressed[button.description] += 1
        self.trouble = ""
        for work in works:
            self._clicked.begin(work, "fault panel")
        self._refresh()

    async def _beat(self) -> None:
        assert self._charge_point
        ended = await timed(self._charge_point().call(HeartbeatRequest()))
        if ended.outcome != "result":
            self.trouble = f"Heartbeat: {ended.outcome}, {ended.detail}"

    def _done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self.trouble = f"failed: {error!r}"
        self._refresh()

    # -- the status line

    def _tick(self) -> None:
        self._refresh()
        self._timer = self._loop.call_later(REFRESH, self._tick)

    def _refresh(self) -> None:
        waiting = losing(self.rules, self.central_system.faults.rules)
        for label, toggle in self.toggles.items():
            controls.count(toggle, label, self.rules[label].hits if label in self.rules else 0)
            controls.mark(toggle, "waits", label in waiting)
        stopped = "" if self.central_system.listening else NOT_LISTENING
        controls.tell(self.status, self.text, trouble=self.trouble or stopped)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{what} {count}×" for what, count in counts.items()) or "nothing"


async def _abort(session: Session) -> None:
    session.transport.pipe.abort()  # type: ignore[attr-defined]
