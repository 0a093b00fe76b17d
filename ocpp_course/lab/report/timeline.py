"""`timeline`: a charge point over the time of a log: transactions as bars, connectors as strips, findings as marks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from ocpp_course.explain import words
from ocpp_course.explain.charge import Charge
from ocpp_course.explain.digest import Digest, Station, StatusChange
from ocpp_course.explain.ink import clean

from .. import letters
from ..vector import Vector, escaped, number, svg, text
from .axis import Axis

# CSS pixels.
WIDTH, LEFT, RIGHT, TOP = 760, 108, 744, 44
MARKS, BAR, STRIP, LANE = 26, 18, 16, 58
SMALL = 10.5
LOOKS = {
    "Available": "free", "Preparing": "half", "Finishing": "half", "Charging": "up", "SuspendedEV": "pause",
    "SuspendedEVSE": "pause", "Reserved": "soft", "Unavailable": "off", "Faulted": "bad",
}  # fmt: skip
"""The class of each status (core 4.9). Its word stands in the strip where there is room, and in its title."""


def timeline(digest: Digest, station: Station) -> Vector | None:
    """None if the log has no times, or nothing to draw of this charge point."""
    if digest.first is None or digest.last is None:
        return None
    drawing = _Drawing(digest, station, Axis(digest.first, digest.last, LEFT, RIGHT))
    return Vector(drawing.svg(), drawing.alt(), WIDTH, "vector") if drawing.lanes else None


class _Drawing:
    """Pixels from the top left corner."""

    def __init__(self, digest: Digest, station: Station, axis: Axis) -> None:
        self.digest, self.station, self.axis = digest, station, axis
        self.charges = [each for each in digest.charges if each.identity == station.identity]
        self.changes = [each for each in digest.changes if each.identity == station.identity]
        told = {each.connector for each in self.changes} | {each.connector or 0 for each in self.charges}
        self.lanes = sorted(told - {0}) or sorted(told)
        self.marks = list(self._found())
        self.top = TOP + (MARKS if self.marks else 0)
        self.height = self.top + LANE * len(self.lanes) + 26

    def svg(self) -> str:
        parts = [text(16, 26, clean(words.name(self.station.identity)), "finding")]
        parts += [self._tick(x, said) for x, said in self.axis.ticks()]
        parts += [self._mark(n, x) for n, x in self.marks]
        for place, connector in enumerate(self.lanes):
            parts += self._lane(connector, self.top + LANE * place)
        return svg("".join(parts), (WIDTH, self.height), self.alt(), "times")

    def alt(self) -> str:
        """In words: what the bars and strips say."""
        name = words.name(self.station.identity)
        bars = "; ".join(
            f"transaction {_id(each)} {words.energy(each)} {words.ending(each)}" for each in self.charges[:12]
        )
        told = "; ".join(self._history(connector) for connector in self.lanes)
        return f"{name}: {words.total([self.station])}{': ' + bars if bars else ''}. {told}."

    def _history(self, connector: int) -> str:
        states = [each.status for each in self.changes if each.connector == connector]
        more = f" and {len(states) - 12} more" if len(states) > 12 else ""
        return f"connector {connector}: {', '.join(states[:12]) or 'no status'}{more}"

    # -- findings

    def _found(self) -> Iterator[tuple[str, float]]:
        for n, finding in enumerate(self.digest.findings, 1):
            shown = self.digest.excerpt_of(finding)
            if finding.identity == self.station.identity and shown:
                times = [seen.at for seen in shown.seen if seen.index in shown.marked and seen.at]
                if times:
                    yield str(n), self.axis.x(times[-1])

    def _mark(self, n: str, x: float) -> str:
        y = TOP + 6
        line = f'<path class="mark" d="M{number(x)} {y + 8}V{self.height - 26}"/>'
        return (
            f'{line}<circle class="spot" cx="{number(x)}" cy="{y}" r="8.5"/>{text(x, y + 3.8, n, "spotted", "middle")}'
        )

    # -- one connector

    def _lane(self, connector: int, y: float) -> Iterator[str]:
        yield text(16, y + 25, f"connector {connector}", "dim")
        yield from (self._bar(each, y + 2) for each in self.charges if (each.connector or 0) == connector)
        changes = [each for each in self.changes if each.connector == connector and each.at]
        for each, after in zip(changes, [*changes[1:], None], strict=False):
            if end := after.at if after else self.digest.last:
                yield self._strip(each, end, y + 24)

    def _bar(self, charge: Charge, y: float) -> str:
        if charge.began is None:
            return ""
        begin, end = self.axis.x(charge.began), self.axis.x(charge.ended or self.digest.last or charge.began)
        wide = max(end - begin, 3.0)
        kind = "bar" if charge.ended else "bar open"
        said = f"{_id(charge)} · {words.energy(charge)}"
        more = f"{said} · {clean(charge.id_tag or '?')} · {words.ending(charge)}"
        return _box(kind, begin, y, wide, BAR, said, more, self.axis.right)

    def _strip(self, change: StatusChange, end: datetime, y: float) -> str:
        assert change.at is not None
        begin = self.axis.x(change.at)
        wide = self.axis.x(end) - begin
        error = "" if change.error_code in ("", "NoError") else f" ({clean(change.error_code)})"
        kind = f"strip {LOOKS.get(change.status, 'soft')}"
        said = f"{clean(change.status)}{error}"
        more = f"{said} from {words.clock(change.at, self.digest)}"
        return _box(kind, begin, y, max(wide, 0.8), STRIP, said, more, begin + wide)

    def _tick(self, x: float, said: str) -> str:
        line = f'<path class="tick" d="M{number(x)} {self.top}V{self.height - 22}"/>'
        return line + text(x, self.height - 9, said, "dim", "middle")


def _box(kind: str, x: float, y: float, wide: float, high: float, said: str, more: str, right: float) -> str:
    """A rectangle with its words, if they fit in it, or beside it up to ``right``."""
    rect = f'<rect x="{number(x)}" y="{number(y)}" width="{number(wide)}" height="{high:g}" rx="3"/>'
    room = letters.width(said, SMALL) + 8
    words_ = ""
    if room <= wide:
        words_ = text(x + 5, y + high / 2 + 3.8, said, "in")
    elif kind.startswith("bar") and x + wide + room <= right:
        words_ = text(x + wide + 4, y + high / 2 + 3.8, said, "beside")
    return f'<g class="{kind}"><title>{escaped(more)}</title>{rect}{words_}</g>'


def _id(charge: Charge) -> str:
    return "?" if charge.transaction_id is None else str(charge.transaction_id)
