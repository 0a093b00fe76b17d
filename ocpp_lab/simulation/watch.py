"""`Watch`: listens to one charge point's connection and tells at once when a frame should not have been sent.

It knows little but the trace: what left, what came, and when the connection or the power went.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ..charge_point import ChargePoint
from ..charge_point.registration import may_serve
from ..codec import to_object
from ..frames import Call, CallError, CallResult
from ..messages import ACTIONS, TRANSACTION_ACTIONS
from ..trace import Event
from .book import Book, MessageKey, Record, is_triggered, key_of
from .boots import Boots
from .ends import Ends
from .invariants import ONE_IN_FLIGHT, Invariants
from .misfit import EVERY_FRAME, misfit
from .real_ids import RealIds

DEEDS = {"RemoteStartTransaction": "StartTransaction", "RemoteStopTransaction": "StopTransaction"}
"""What is written down before this is Accepted, as long as no tag has to be asked for first; or the tag that waits for
a cable is."""


@dataclass
class _Copies:
    """What became of the copies of one transaction message."""

    fate: str = ""  # of the newest copy: "", "result", "error", "silence", "lost"
    fate_at: float = 0.0
    heard: int = 0  # frames received before the silence
    reported: int = 0  # failures that the peer reported
    uncounted: int = 0  # those of them that could not be written down
    silences: int = 0  # timeouts after which the peer still said something
    not_before: float = 0.0
    settled: bool = False  # by a result that came after its timeout


class Watch:
    """``hear`` every event of a charge point's trace; `begin` when a life of it begins.

    ``book`` has what it wrote down for delivery; ``can_write()`` says whether its disk is good. ``strict``: a result
    that comes after its timeout has to be used.
    """

    def __init__(
        self, identity: str, book: Book, invariants: Invariants, can_write: Callable[[], bool] = lambda: True
    ) -> None:
        self.identity = identity
        self.book = book
        self.invariants = invariants
        self.can_write = can_write
        self.strict = False
        """Set by a scenario whose pieces are all ours."""
        self.ends = Ends()
        """The calls of the central system that have no end yet."""
        self.boots = Boots(identity, invariants)
        self.real_ids = RealIds(identity, invariants)
        self.state_since = 0.0
        """When the connection's state changed last (s)."""
        self.sent: dict[str, tuple[str, MessageKey | None]] = {}
        """Our calls by unique id: the action, and which transaction message it is."""
        self._charge_point: ChargePoint | None = None  # the newest life, from `begin`; None before the first
        self._powered = False  # from `begin` to the power cut
        self._asked: dict[str, tuple[Call, float]] = {}  # the peer's calls, and when they came, by unique id
        self._copies: dict[MessageKey, _Copies] = {}  # of each message that was sent and is not given up
        self._done: Counter[MessageKey] = Counter()  # messages that were delivered or given up and have others alike
        self._in_flight: str | None = None  # unique id of our call that awaits its answer
        self._in_flight_since = 0.0  # when it left
        self._caller: Any = None  # the session that carries the newest call
        self._heard = 0  # frames received
        self._newest = -1  # index of the newest message that was sent
        self._starts: dict[str, str] = {}  # by unique id of a StartTransaction, our name for its transaction
        self._timed_out: set[str] = set()  # unique ids of this connection's calls that had no answer in time

    def begin(self, charge_point: ChargePoint) -> None:
        """A life begins."""
        self._charge_point, self._powered = charge_point, True
        rebooting = charge_point.gate.rebooting

        def reboots(why: str) -> None:
            self.boots.rebooting()
            rebooting(why)

        charge_point.gate.rebooting = reboots

    def hear(self, event: Event) -> None:
        """One event of the charge point's trace."""
        if event.mark == ">" and not self._powered:
            return  # a dying task may still run in the instant of the crash, and nothing of it leaves the machine
        match event.mark, event.frame:
            case ">", Call() as call:
                self._call_left(call, event.at)
            case ">", CallResult() as result:
                self.ends.went(result)
                self._answer_left(result)
            case ">", CallError() as error:
                self.ends.went(error)
            case "<", Call() as call:
                self._heard += 1
                self._call_came(call, event.at)
            case "<", CallResult() | CallError() as reply:
                self._heard += 1
                self._reply_came(reply, event.at)
            case "<", _:
                self._heard += 1
            case "!", CallError() as synthesised:
                self._gave_no_answer(synthesised, event.at)
            case "=", _ if event.text == "power cut":
                self._power_went(event.at)
            case "=", _ if event.text.endswith(("(lost)", "(stop)")):
                self._in_flight, self.state_since = None, event.at
                self._timed_out.clear()
                self.ends.clear()
                for copies in self._copies.values():
                    self._count_silence(copies)
            case "=", _ if " → " in event.text and not event.text.startswith("connector "):
                self.state_since = event.at
                if " → closing" in event.text:
                    self.boots.closing(event.at)

    def _answer_left(self, result: CallResult) -> None:
        call, came = self._asked.get(result.unique_id, (None, 0.0))
        if call is None:
            return
        self._check_payload(call.action, "response", result.payload)
        payload: Any = result.payload
        if self.strict and call.action in DEEDS and payload["status"] == "Accepted":
            newest = self.book.newest(DEEDS[call.action])
            waits = call.action == "RemoteStartTransaction" and self._waits(call)
            if not waits and (newest is None or newest.at < came):
                self._broken("accepted is written down", f"{call.action} {call.unique_id} was Accepted, and not done")

    def _waits(self, call: Call) -> bool:
        """Whether that tag waits for a cable, and would after a power cut, too; or is being asked for (core 5.13)."""
        payload: Any = call.payload
        sessions = self._life.charging.bays.sessions.values()
        if any(session.facts.asked == payload["idTag"] for session in sessions):
            return True
        rows = self._life.memory.sessions.read().values()
        return any(row.phase == "begun" and row.tag == payload["idTag"] for row in rows)

    def _call_came(self, call: Call, at: float) -> None:
        self._asked[call.unique_id] = call, at
        if self._powered and may_serve(call.action, self._life.registration) != "silent":
            self.ends.came(call, at)
        self.boots.asked(call, at)

    def gave_up(self, record: Record) -> None:
        """A message was dropped after its last attempt."""
        copies = self._copies.pop(record.key, _Copies())
        self._done[record.key] += 1
        self._count_silence(copies)
        attempts = self._setting("TransactionMessageAttempts")
        if copies.reported + copies.silences < attempts:
            self._broken(
                "given up only after its attempts",
                f"{record.key[0]} was dropped after {copies.reported} reported failures and {copies.silences} silences"
                f" of a peer that lives; expected {attempts:g}",
            )

    def _call_left(self, call: Call, at: float) -> None:
        self._expire(at)
        if call.unique_id in self.sent:
            self._broken("a new unique id on every send", f"{call.action} went out as {call.unique_id} again")
        if self._in_flight:
            other = self.sent[self._in_flight][0]
            self._broken(ONE_IN_FLIGHT, f"{call.action} left while {other} {self._in_flight} awaits its answer")
        self._in_flight, self._in_flight_since = call.unique_id, at
        self._caller = self._life.session
        self._check_payload(call.action, "request", call.payload)
        key = key_of(call.action, call.payload) if call.action in TRANSACTION_ACTIONS else None
        if key and is_triggered(key) and not self.book.alike(key):
            key = None
        self.sent[call.unique_id] = call.action, key
        if key is not None:
            self._message_left(key, at, call)
        elif call.action == "BootNotification":
            self.boots.left(call, at)

    def _check_attempts(self, key: MessageKey, copies: _Copies) -> None:
        """What is written down as failed was reported, or was the silence of a peer that lives."""
        head = self._life.outbox.head()
        if head is None or key_of(head.request.action, to_object(head.request)) != key:
            return
        if head.failures > copies.reported + copies.silences:
            self._broken(
                "only failures consume attempts",
                f"{key[0]} has used up {head.failures} attempts, after {copies.reported} reported failures and"
                f" {copies.silences} silences of a peer that lives",
            )

    def _expire(self, at: float) -> None:
        """A call that had no answer in time. Our session says so itself, others need not."""
        if self._in_flight and at >= self._in_flight_since + self._setting("MessageTimeout") - 1e-6:
            self._gave_no_answer(CallError(self._in_flight, "Timeout"), at)

    def _message_left(self, key: MessageKey, at: float, call: Call) -> None:
        alike = self.book.alike(key)
        copies = self._copies.get(key)
        if copies and copies.fate == "result" and self._done[key] + 1 < len(alike):
            self._done[key] += 1  # that one is delivered, and this is another that looks the same
            copies = None
        if copies is None:
            copies = self._copies[key] = _Copies()
        elif copies.fate == "result":
            self._broken(
                "no second copy without need", f"{key[0]} was sent again; its result came at {copies.fate_at:.3f} s"
            )
        elif copies.settled:
            self._broken("no second copy without need", f"{key[0]} was sent again; its result came late")
        elif at < copies.not_before - 1e-6:
            self._broken("retries wait", f"{key[0]} was sent again {copies.not_before - at:.3f} s too early")
        self._count_silence(copies)
        copies.fate = ""
        self._check_attempts(key, copies)
        record = alike[min(self._done[key], len(alike) - 1)] if alike else None
        if record is None:
            self._broken("every message was written down first", f"{key[0]} is not in the outbox: {key[1].decode()}")
        elif record.index < self._newest:
            self._broken(
                "strict order", f"{key[0]}, written as number {record.index}, left after number {self._newest}"
            )
        else:
            self._newest = record.index
            self._look_at_the_id(record, call)

    def _look_at_the_id(self, record: Record, call: Call) -> None:
        """Of a start: which one it is; of a stop: whether it has it."""
        if record.transaction is None:
            return
        if call.action == "StartTransaction":
            self._starts[call.unique_id] = record.transaction
        elif call.action == "StopTransaction":
            payload: Any = call.payload
            self.real_ids.stop_left(record.transaction, payload["transactionId"])

    def _reply_came(self, reply: CallResult | CallError, at: float) -> None:
        in_time = self._in_flight == reply.unique_id
        if in_time:
            self._in_flight = None
        action, key = self.sent.get(reply.unique_id, ("", None))
        if in_time and isinstance(reply, CallResult) and self._life.state == "booting":  # not given up meanwhile
            self.boots.answered(reply, at)
        good = isinstance(reply, CallResult) and key is not None and not misfit(action, "response", reply.payload)
        if good and (in_time or self._counts_late(reply.unique_id)):
            self._id_came(reply, at)
        if key is not None and in_time:
            self._message_ended(self._copies[key], reply, at, good=good)
        elif key in self._copies and good and self._counts_late(reply.unique_id):
            self._copies[key].settled = True

    def _counts_late(self, unique_id: str) -> bool:
        return self.strict and unique_id in self._timed_out and self.can_write()

    def _id_came(self, reply: CallResult | CallError, at: float) -> None:
        name = self._starts.get(reply.unique_id)
        if name is not None and isinstance(reply, CallResult) and self.can_write():
            payload: Any = reply.payload
            self.real_ids.came(name, payload["transactionId"], at)

    def _message_ended(self, copies: _Copies, reply: CallResult | CallError, at: float, *, good: bool) -> None:
        copies.fate_at = at
        if good:
            copies.fate = "result"
            return
        copies.fate = "error"
        if not (isinstance(reply, CallError) and reply.code == "SecurityError"):
            copies.reported += 1
            counted = copies.reported - copies.uncounted
            copies.not_before = at + counted * self._setting("TransactionMessageRetryInterval")
            copies.uncounted += not self.can_write()

    def _gave_no_answer(self, synthesised: CallError, at: float) -> None:
        if synthesised.unique_id == self._in_flight:
            self._in_flight = None
        _, key = self.sent.get(synthesised.unique_id, ("", None))
        if key is not None:
            copies = self._copies[key]
            copies.fate, copies.fate_at, copies.heard = "lost", at, self._heard
            if synthesised.code == "Timeout":
                copies.fate = "silence"
                self._timed_out.add(synthesised.unique_id)
        ended_at = self._caller.ended_at if self._caller else None
        if synthesised.code == "Timeout" and ended_at is not None and at > ended_at + 1e-6:
            late = f"{synthesised.unique_id} timed out on a dead connection"
            self._broken("a lost connection ends its calls at once", late)

    def _count_silence(self, copies: _Copies) -> None:
        """Silence counts only if the peer said anything afterwards."""
        if copies.fate == "silence" and self._heard > copies.heard:
            copies.silences += 1
        copies.fate = "counted" if copies.fate == "silence" else copies.fate

    def _power_went(self, at: float) -> None:
        self._in_flight, self._powered = None, False
        self._timed_out.clear()
        self.ends.clear()
        self.boots.power_went()
        self.real_ids.power_went(at)
        for key, copies in self._copies.items():
            copies.not_before = 0.0  # the waits are not written down
            if not all(record.struck_out for record in self.book.alike(key)):
                copies.settled = False
                if copies.fate == "result":
                    copies.fate = "lost"  # it came, but nobody had the time, or the disk, to strike the message out

    def _check_payload(self, action: str | None, kind: Literal["request", "response"], payload: Any) -> None:
        if action in ACTIONS and (problem := misfit(action, kind, payload)):
            self._broken(EVERY_FRAME, f"{action} {kind}: {problem}")

    @property
    def _life(self) -> ChargePoint:
        """Nothing leaves or is given up before there is one."""
        assert self._charge_point is not None
        return self._charge_point

    def _setting(self, key: str) -> float:
        return self._life.configuration.seconds(key)

    def _broken(self, invariant: str, message: str) -> None:
        self.invariants.broken(invariant, message, self.identity)
