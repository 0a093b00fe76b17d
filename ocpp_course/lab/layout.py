"""Where everything in a ladder diagram goes: instants in, heights and words out. Nothing is drawn here.

A ladder is a diagram and no plot: every frame gets a row of its own, however close the instants are, and a wait longer
than a second is a break with its length written in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ocpp_lab.frames import Call, CallError, CallResult

from .passages import NAMES, Happening, Instant, Passage, Side

MAX_ARROWS = 14
LONG_WAIT = 0.9
"""Seconds; a longer wait breaks the axis. Just under 1, so that a beat each second looks the same in every run."""

# Heights, in rows.
SLOPE, ROW, NOTE, BREAK, LINE = 0.3, 1.0, 0.62, 1.3, 0.9

Kind = Literal["call", "result", "error", "no frame"]


@dataclass(frozen=True)
class Arrow:
    """A frame on its way. ``outcome`` is None for what went well: only trouble is coloured.

    ``text``, ``received`` and ``seconds`` are those of its `Passage`.
    """

    sender: Side
    kind: Kind
    top: float
    bottom: float
    label: str
    words: str
    at: float
    outcome: str | None = None
    end: Literal["arrived", "lost", "unread"] = "arrived"
    text: str = ""
    received: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Note:
    """A word beside a lifeline: a *state*, or the *mark* of a call that ended without an answer."""

    side: Side
    kind: Literal["state", "mark"]
    y: float
    text: str
    words: str
    at: float
    outcome: str | None = None


@dataclass(frozen=True)
class Across:
    """Something over the full width: the line is *cut*, time passes (*wait*), arrows were *left out*."""

    kind: Literal["cut", "wait", "left out"]
    y: float
    text: str
    at: float = 0.0


@dataclass
class Layout:
    """A ladder, ready to be drawn; ``y`` is in rows from the top."""

    arrows: list[Arrow] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    across: list[Across] = field(default_factory=list)
    height: float = 0.0
    left_out: int = 0

    def alt(self) -> str:
        """The story in words, in order, without ids and times."""
        said = [(a.top, a.words) for a in self.arrows] + [(n.y, n.words) for n in self.notes if n.kind == "mark"]
        said += [(line.y, line.text) for line in self.across if line.kind == "cut"]
        story = "; ".join(words for _, words in sorted(said, key=lambda each: each[0]))
        some = f" {self.left_out} more frames are left out." if self.left_out else ""
        return f"Ladder diagram, {NAMES['left']} left, {NAMES['right']} right: {story or 'no frames'}.{some}"


def lay_out(story: Sequence[Instant], *, study: str | None = None, limit: int = MAX_ARROWS) -> Layout:
    """Give every instant its height. ``study``: only this action's trouble is coloured; None: all trouble is."""
    kept, gap_after, left_out = _thin_out(story, limit)
    placer = _Placer(study)
    for number, instant in enumerate(kept):
        if left_out and number == gap_after:
            placer.leave_out(f"{left_out:,}")
        placer.place(instant)
    return placer.finish(left_out)


def _thin_out(story: Sequence[Instant], limit: int) -> tuple[list[Instant], int, int]:
    """The first and the last ``limit / 2`` frames and what happened around them; where the gap is; how many are out."""
    if limit < 2:
        raise ValueError(f"expected a limit of at least 2 arrows, came {limit}")
    passages = [instant.item for instant in story if instant.what == "sent"]
    if len(passages) <= limit:
        return list(story), 0, 0
    first, last = passages[: limit // 2], passages[len(passages) - (limit - limit // 2) :]
    until, since = first[-1], last[0]
    head = [i for i in story if i.item in first or (i.what == "happens" and i.at <= _end(until))]
    tail = [i for i in story if i.item in last or (i.what == "happens" and i.at >= _start(since) and i not in head)]
    return head + tail, len(head), len(passages) - len(first) - len(last)


def _end(item: Passage | Happening) -> float:
    return item.at if isinstance(item, Happening) else item.received or item.sent


def _start(item: Passage | Happening) -> float:
    return item.at if isinstance(item, Happening) else item.sent


class _Placer:
    """Goes down the page. Labels stand above the start of their arrow, so two starts are a row apart."""

    def __init__(self, study: str | None) -> None:
        self.study = study
        self.y = 0.0
        self.at: float | None = None
        self.layout = Layout()
        self.label_free = 0.0  # where the next label of an arrow may stand
        self.note_free: dict[Side, float] = {"left": 0.0, "right": 0.0}
        self.tops: dict[Passage, float] = {}
        self.lost_end = 0.0  # where the last arrow ends that never arrived; the words of a cut stand below it

    def place(self, instant: Instant) -> None:
        self._pass_time(instant.at)
        match instant.what, instant.item:
            case "sent", Passage() as passage:
                self.y = max(self.y + 0.35, self.label_free)
                self.label_free = self.y + ROW
                self.tops[passage] = self.y
                if passage.received is None:
                    self.lost_end = self.y + SLOPE
                    self._arrow(passage, self.lost_end)
            case "received", Passage() as passage:
                self.y = max(self.y + 0.12, self.tops[passage] + SLOPE)
                self.label_free = max(self.label_free, self.y + 0.6)  # no label over the head of an arrow
                self._arrow(passage, self.y)
            case _, Happening() as happening:
                self._happening(happening)

    def leave_out(self, count: str) -> None:
        said = f"{count} more frame{'' if count == '1' else 's'}, not drawn"
        self.layout.across.append(Across("left out", self.y + 0.75, said))
        self._move_to(self.y + 1.5)
        self.at = None

    def finish(self, left_out: int) -> Layout:
        self.layout.height = max([self.y, *(a.bottom for a in self.layout.arrows)], default=0.0) + 0.5
        self.layout.left_out = left_out
        return self.layout

    def _pass_time(self, at: float) -> None:
        if self.at is not None and (wait := at - self.at) > LONG_WAIT:
            self.layout.across.append(Across("wait", self.y + BREAK / 2, f"{wait:.1f} s"))
            self._move_to(self.y + BREAK)
        self.at = at

    def _move_to(self, y: float) -> None:
        """Nothing that comes later may stand above this."""
        self.y = y
        self.label_free = max(self.label_free, y + 0.35)
        self.note_free = {side: max(free, y) for side, free in self.note_free.items()}

    def _happening(self, happening: Happening) -> None:
        if happening.kind == "line":
            self.y = max(self.y + 0.5, self.lost_end + 0.55, *self.note_free.values())
            self.layout.across.append(Across("cut", self.y, happening.text, happening.at))
            self._move_to(self.y + 0.35)
            self.label_free = max(self.label_free, self.y + 0.5)
        elif happening.kind == "gap":
            self.leave_out(happening.text)
        elif happening.side:
            self._note(happening, happening.side)

    def _note(self, happening: Happening, side: Side) -> None:
        mark = happening.kind == "mark"
        self.y = max(self.y + (0.4 if mark else 0.0), self.note_free[side])
        self.note_free[side] = self.y + NOTE
        if mark:  # its words stand where the label of an arrow would
            self.label_free = max(self.label_free, self.y + 0.85)
        call, text = happening.call, happening.text
        outcome = self._trouble(happening.outcome, call.action if call else "") if mark else None
        if call and isinstance(call.frame, Call):
            text = _join(text, short_id(call.frame.unique_id), happening.at - call.sent)
        kind: Literal["state", "mark"] = "mark" if mark else "state"
        self.layout.notes.append(Note(side, kind, self.y, text, happening.text, happening.at, outcome))

    def _arrow(self, passage: Passage, bottom: float) -> None:
        end: Literal["arrived", "lost", "unread"] = "arrived"
        if passage.received is None:
            end = "lost" if passage.lost else "unread"
        outcome = self._trouble("lost" if end == "lost" else passage.outcome, passage.action)
        kind, label, words = _name(passage)
        if end != "arrived":
            words += " (lost)" if end == "lost" else " (not read yet)"
        self.layout.arrows.append(
            Arrow(
                passage.sender, kind, self.tops[passage], bottom, label, words, passage.sent, outcome, end,
                passage.text, passage.received, passage.seconds,
            )
        )  # fmt: skip

    def _trouble(self, outcome: str, action: str) -> str | None:
        if outcome in ("result", "waiting") or self.study not in (None, action):
            return None
        return outcome


def _name(passage: Passage) -> tuple[Kind, str, str]:
    """Kind, label with id and duration, and the words for the alternative text."""
    who = NAMES[passage.sender]
    match passage.frame:
        case Call(unique_id, action):
            return "call", f"{action} · {short_id(unique_id)}", f"{who} sends Call {action}"
        case CallResult(unique_id, payload):
            status = payload.get("status") if isinstance(payload, dict) else None
            said = str(status) if isinstance(status, str) else "result"
            fate = "" if passage.outcome == "result" else f"{passage.outcome} "
            label = _join(f"{fate}{said}", short_id(unique_id), passage.seconds)
            return "result", label, f"{who} sends {fate}CallResult ({said}) to {passage.action or 'no call'}"
        case CallError(unique_id, code):
            fate = "" if passage.outcome == "CallError" else f"{passage.outcome} "
            label = _join(f"{fate}{code}", short_id(unique_id), passage.seconds)
            return "error", label, f"{who} sends {fate}CallError {code} to {passage.action or 'no call'}"
    return "no frame", f"no frame: {_clip(passage.text, 24)}", f"{who} sends a text that is no frame"


def _join(said: str, unique_id: str, seconds: float | None) -> str:
    return " · ".join([said, unique_id] + ([] if seconds is None else [duration(seconds)]))


def _clip(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def short_id(unique_id: str) -> str:
    """The last four characters tell the ids in one picture apart."""
    return f"id {unique_id}" if len(unique_id) <= 4 else f"id…{unique_id[-4:]}"


def duration(seconds: float) -> str:
    """A time as a label has it: 0.4 ms, 312 ms, 2.0 s."""
    if seconds >= 1.0:
        return f"{seconds:.1f} s"
    if seconds < 5e-5:
        return "0 ms"
    return f"{seconds * 1000:.1f} ms" if seconds < 0.00995 else f"{seconds * 1000:.0f} ms"
