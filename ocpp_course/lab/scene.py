"""`Scene`: charge point, connection and central system as one strip that stands still. What flies is in `flights`.

Drawn once, as SVG, for the live wire and for the picture that it leaves behind. A fault stands where it acts: at the
mouth that reads, at the mouth that answers, in the middle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape

from .icons import PATHS
from .lamp import lamp
from .pen import badge, box, pill, sign, wide, words
from .shown import WIDTH

HEIGHT, FOOT = 150, 122
"""Of the strip, and where the line of counts begins."""
LEFT, RIGHT = 118, 642
"""Where the connection begins and ends."""
ASKS, ANSWERS = 44, 88
"""Height of the rail to the central system, and of the one back."""
AT_REST = ("waiting", "disconnected", "stopped", "failed")
PLACES = {
    "ignore": "reads", "stop reading": "reads",
    "half-open": "middle", "latency": "middle", "bandwidth": "middle", "refuse": "middle",
}  # fmt: skip
OUTCOMES = ("result", "error", "timeout", "lost", "stray")
WORDS = {"result": "results", "error": "errors", "timeout": "timeouts", "lost": "lost", "stray": "stray"}


@dataclass(frozen=True)
class Scene:
    """What is to be drawn. ``faults``: name to what stands beside its sign (3×, 0.5 s); ``dark``: directions in which
    bytes are swallowed; ``note``: what stands where the connection is broken; ``cost``: of the drawing itself."""

    identity: str
    state: str
    connected: bool = True
    queue: int = 0
    outbox: int = 0
    faults: Mapping[str, str] = field(default_factory=dict)
    dark: frozenset[str] = frozenset()
    counts: Mapping[str, int] = field(default_factory=dict)
    note: str = ""
    cost: str = ""

    def __str__(self) -> str:
        ends = ", ".join(f"{self.counts.get(each, 0)} {WORDS[each]}" for each in OUTCOMES)
        return (
            f"{self.identity} is {self.state}; queue {self.queue}, outbox {self.outbox}; "
            f"{self.counts.get('calls', 0)} calls, {ends}; on: {', '.join(self.faults) or 'no fault'}"
        )


def svg(scene: Scene) -> str:
    """The strip, for a page that has the style."""
    return (
        f'<svg class="ol-scene" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(str(scene))}">'
        f"{inner(scene)}</svg>"
    )


def inner(scene: Scene) -> str:
    """The strip's shapes."""
    return _charge_point(scene) + _central_system(scene) + _connection(scene) + _faults(scene) + _counts(scene)


def _charge_point(scene: Scene) -> str:
    paint = "result" if scene.state == "online" else "quiet" if scene.state in AT_REST else "ink"
    return (
        box(0, 0, LEFT, FOOT, 0, "soft")
        + sign("charge point", 43, 7, 32, paint, 1.4)
        + words(59, 52, scene.identity, 12, "ink", 600, "middle")
        + pill(59, 58, scene.state, lamp(scene.state), "middle")
        + _meter(92, "queue", scene.queue, "result")
        + _meter(107, "outbox", scene.outbox, "ink")
    )


def _meter(y: float, name: str, value: int, paint: str) -> str:
    cells = "".join(box(52 + 7 * n, y - 1, 5, 7, 2, paint if n < value else "rule") for n in range(6))
    return words(10, y + 6, name, 10.5, "dim") + cells + words(112, y + 6, f"{value}", 10.5, "ink", 600, "end")


def _central_system(scene: Scene) -> str:
    paint, word, kind = ("result", "1 connected", "up") if scene.connected else ("quiet", "nobody", "")
    return (
        box(RIGHT, 0, WIDTH - RIGHT, FOOT, 0, "soft")
        + sign("central system", 685, 7, 32, paint, 1.4)
        + words(701, 52, "central system", 12, "ink", 600, "middle")
        + pill(701, 58, word, kind, "middle")
    )


def _connection(scene: Scene) -> str:
    middle = (LEFT + RIGHT) / 2
    caption = words(LEFT + 8, 15, "asks ●  answers ○ · a flight is drawn, not measured", 11, "dim")
    if not scene.connected:
        gone = "" if "refuse" in scene.faults else _broken(scene.note or "no connection")
        return caption + "".join(map(_dead, (ASKS, ANSWERS))) + gone
    rails = ""
    for y, way, begin, end in (
        (ASKS, "to_central_system", LEFT, RIGHT),
        (ANSWERS, "to_charge_point", RIGHT, LEFT),
    ):
        dark = way in scene.dark
        rails += f'<path class="s-edge" stroke-width="2" d="M{begin} {y}H{middle if dark else end}"/>'
        if dark:
            rails += f'<path class="s-edge" stroke-width="2" stroke-dasharray="4 7" d="M{middle} {y}H{end}"/>'
    return caption + rails


def _dead(y: float) -> str:
    """A rail that was torn: both ends hang down."""
    bend = '<path class="f-none s-lost" stroke-width="2" d="M{} {}H{}q{} 0 {} 14"/>'
    return bend.format(LEFT, y, 332, 12, 12) + bend.format(RIGHT, y, 428, -12, -12)


def _broken(note: str) -> str:
    width = wide(note, 11, 700) + 46
    left = (LEFT + RIGHT - width) / 2
    return (
        box(left, 56, width, 22, 8, "raise")
        + sign("cut", left + 8, 58, 18, "lost")
        + words(left + 34, 71, note, 11, "lost", 700)
    )


def _faults(scene: Scene) -> str:
    """One badge a place; what else is on there is a small sign behind it."""
    out = ""
    if "ignore" in scene.faults:
        out += f'<ellipse class="f-on-fault s-fault" stroke-width="2" cx="{RIGHT - 46}" cy="65" rx="36" ry="7"/>'
    places: dict[str, list[str]] = {}
    for name in scene.faults:
        places.setdefault(PLACES.get(name, "answers"), []).append(name)
    for place, names in places.items():
        first, *rest = names
        text = f"{first} {scene.faults[first]}".strip() + (f" · {len(rest)} more" if rest else "")
        x, y, anchor = {
            "reads": (RIGHT - 6, 8, "end"),
            "answers": (RIGHT - 6, 95, "end"),
            "middle": ((LEFT + RIGHT) / 2, 55, "middle"),
        }[place]
        out += badge(x, y, first if first in PATHS else "CallError", text, anchor)
    return out


def _counts(scene: Scene) -> str:
    x, y = 14.0, 140
    out = f'<path class="s-rule" d="M0 {FOOT}H{WIDTH}"/>'
    for name in ("calls", *OUTCOMES):
        value = f"{scene.counts.get(name, 0)}"
        if name in _SHAPES:
            out += f'<g transform="translate({x:.0f} {y - 9})">{_SHAPES[name]}</g>'
            x += 14
        out += words(x, y, value, 11, "ink", 700)
        x += wide(value, 11, 700) + 5
        word = WORDS.get(name, name).removesuffix("s" if value == "1" else " ")
        out += words(x, y, word, 11, "dim" if name == "calls" else name)
        x += wide(word, 11) + 16
    return out + words(WIDTH - 12, y, scene.cost, 11, "dim", anchor="end")


_SHAPES = {
    "result": '<circle class="f-result" cx="5" cy="5" r="4"/>',
    "error": '<rect class="f-error" x="1" y="1" width="8" height="8"/>',
    "timeout": '<path class="s-timeout" stroke-width="2" d="M1 1 9 9M9 1 1 9"/>',
    "lost": '<path class="f-lost" d="M0 1H10L5 9z"/>',
    "stray": '<path class="f-none s-stray" stroke-width="1.5" stroke-dasharray="2.2 1.4" d="M5 0 10 5 5 10 0 5z"/>',
}
"""The signs of `palette.SIGNS`, as shapes."""
