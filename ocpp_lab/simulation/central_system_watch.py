"""`CentralSystemWatch`: tells at once when the central system sent a frame that it should not have sent."""

from __future__ import annotations

from typing import Any

from ..central_system import CentralSystem
from ..frames import Call, CallError, CallResult
from ..messages import TRANSACTION_ACTIONS
from ..trace import Event
from .ends import Ends
from .invariants import ONE_IN_FLIGHT, Invariants
from .mischief import Mischief
from .misfit import EVERY_FRAME, misfit
from .witness import Witness

KEPT = "what was answered is in the ledger"
NO_FAILURE = "a ledger that fails is no failure of a message"


class CentralSystemWatch:
    """``hear`` every event of its trace; `begin` when a life of it begins."""

    def __init__(self, invariants: Invariants) -> None:
        self.invariants = invariants
        self.strange_replies = 0
        """Replies that do not fit their declaration, over all lives; faults may do that on purpose."""
        self._central_system: CentralSystem | None = None  # the newest life, from `begin`; None before the first
        self._path = ""  # of its ledger
        self._dead = False  # from a power cut to the next `begin`
        self._witness: Witness | None = None  # reads that; opened when it is asked first, closed by `end`
        self.mischief: Mischief | None = None
        """What goes wrong on purpose, if a scenario says so; then what goes wrong without is told."""
        self.answered: list[tuple[str, str, Any, Any]] = []
        """Transaction messages that had a CallResult: identity, action, payload, and that of the answer."""
        self.ends: dict[str, Ends] = {}
        """The calls of the charge points that have no end yet, by identity."""
        self._asked: dict[str, dict[str, Call]] = {}  # the charge points' calls, by identity and unique id
        # Its own call that awaits an answer, by identity: the unique id, and when it left (loop time, s).
        self._in_flight: dict[str, tuple[str, float]] = {}

    def begin(self, central_system: CentralSystem, path: str) -> None:
        """A life begins; ``path`` is the file of its ledger."""
        self.end()
        self._central_system, self._path, self._dead = central_system, path, False

    def end(self) -> None:
        """Nobody looks into that file any more."""
        if self._witness:
            self._witness.close()
            self._witness = None

    def hear(self, event: Event) -> None:
        """One event of the central system's trace. What a process writes that has no power any more goes nowhere."""
        if self._dead:
            return
        ends = self.ends.setdefault(event.identity, Ends())
        match event.mark, event.frame:
            case "<", Call() as call:
                self._asked.setdefault(event.identity, {})[call.unique_id] = call
                ends.came(call, event.at)
            case ">", Call() as call:
                self._call_left(call, event)
            case ">", CallResult() | CallError() as reply:
                ends.went(reply)
                if asked := self._asked.get(event.identity, {}).get(reply.unique_id):
                    self._answer_left(asked, reply, event)
            case (("<" | "!"), CallResult() | CallError() as reply):
                if self._in_flight.get(event.identity, ("", 0.0))[0] == reply.unique_id:
                    del self._in_flight[event.identity]
            case "=", _ if event.text == "power cut":
                self._dead = True
                self._in_flight.clear()
                self.ends.clear()
            case "=", _ if event.text.startswith(("connected", "disconnected")):
                self._in_flight.pop(event.identity, None)
                ends.clear()

    def _answer_left(self, asked: Call, reply: CallResult | CallError, event: Event) -> None:
        transactional = asked.action in TRANSACTION_ACTIONS
        if isinstance(reply, CallResult):
            if misfit(asked.action, "response", reply.payload):
                self._strange_reply(event)
            elif transactional:
                self.answered.append((event.identity, asked.action, asked.payload, reply.payload))
                self._look_at_the_message(asked, reply, event)
            elif asked.action == "BootNotification":
                self._look_at_the_registration(reply, event)
        elif transactional and self.mischief and reply.code != "SecurityError":
            on_purpose = (event.identity, asked.unique_id) in self.mischief.spoilt
            self.invariants.expect(on_purpose, NO_FAILURE, f"{asked.action} got {reply.code}", event.identity)

    def _look_at_the_registration(self, reply: CallResult, event: Event) -> None:
        """Written first, then told: or a restart would not know it."""
        if self.mischief is None:
            return
        payload: Any = reply.payload
        written = self._on_disk().registration(event.identity)
        told = payload["status"]
        self.invariants.expect(written == told, KEPT, f"{told} was told, and {written} is written", event.identity)

    def _look_at_the_message(self, asked: Call, reply: CallResult, event: Event) -> None:
        """It is on the disk when its answer leaves, and not a moment later."""
        if self.mischief is not None:
            kept = self._on_disk().kept(event.identity, asked.action, asked.payload, reply.payload)
            why = f"{asked.action} {asked.unique_id} was answered and is not on the disk"
            self.invariants.expect(kept, KEPT, why, event.identity)

    def _on_disk(self) -> Witness:
        self._witness = self._witness or Witness(self._path)
        return self._witness

    def _call_left(self, call: Call, event: Event) -> None:
        if event.identity in self._in_flight and event.at < self._time_is_up(event.identity):
            self.invariants.broken(ONE_IN_FLIGHT, f"{call.action} left too early", event.identity)
        self._in_flight[event.identity] = call.unique_id, event.at
        self.invariants.expect(not misfit(call.action, "request", call.payload), EVERY_FRAME, event.text)

    def _time_is_up(self, identity: str) -> float:
        """When the newest call to this charge point is over even without an answer (loop time, s).

        If its caller has gone away, nobody says so.
        """
        timeout = self._central_system.timeout if self._central_system else float("inf")
        return self._in_flight[identity][1] + timeout - 1e-6

    def _strange_reply(self, event: Event) -> None:
        self.strange_replies += 1
        applied = self._central_system.faults.applied if self._central_system else {}
        on_purpose = applied.get("wrong payload", 0)
        self.invariants.expect(self.strange_replies <= on_purpose, EVERY_FRAME, event.text, event.identity)
