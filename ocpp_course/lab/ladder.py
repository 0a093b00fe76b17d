"""`ladder`: frames between two ends, as a picture. Charge point left, central system right, time runs downward."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from ocpp_lab.trace import Event, Trace

from .layout import MAX_ARROWS, Across, Arrow, Layout, Note, duration, lay_out
from .passages import NAMES, Side, instants
from .style import FAINT, INK, OUTCOMES, PER_INCH, WIDTH, Picture, figure, styled, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# CSS pixels.
ROW, HEAD, TITLE_LINE = 34, 44, 19
X: dict[Side, int] = {"left": 146, "right": 688}
CLOCK = 56
NEUTRAL = "#404040"
BACKED = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
STRAYS = ("malformed", "late", "repeated", "orphan")


class Traced(Protocol):
    """A charge point, a central system, or anything else that has a trace."""

    trace: Trace


Story = Traced | Iterable[Event] | None


def ladder(
    charge_point: Story = None,
    central_system: Story = None,
    *,
    title: str = "",
    since: float = 0.0,
    until: float = float("inf"),
    identity: str | None = None,
    study: str | None = None,
    limit: int = MAX_ARROWS,
    states: bool = True,
) -> Picture:
    """The frames that passed between the two ends, from ``since`` to ``until`` (loop time, s).

    With both ends the instants are true; one end alone is enough for a picture. ``identity`` picks one charge point out
    of a central system's trace. Trouble is coloured: that of the action ``study``, or all of it. Of more than ``limit``
    frames the middle is left out. The alternative text lists the frames.
    """
    both = [_events(story, identity, since, until) for story in (charge_point, central_system)]
    layout = lay_out(instants(*both), study=study, limit=limit)
    if not states:
        layout.notes = [note for note in layout.notes if note.kind != "state"]
    return figure(_draw(layout, title), layout.alt())


def _events(story: Story, identity: str | None, since: float, until: float) -> list[Event]:
    events: Any = () if story is None else getattr(story, "trace", story)
    return [
        event
        for event in events
        if since <= event.at <= until and event.identity != "central system" and identity in (None, event.identity)
    ]


@styled
def _draw(layout: Layout, title: str) -> Figure:
    return _Drawing(layout, title).fig


class _Drawing:
    """One figure whose data coordinates are CSS pixels, from the top left corner."""

    def __init__(self, layout: Layout, title: str) -> None:
        from matplotlib.figure import Figure

        lines = wrapped(title)
        self.top = 8 + TITLE_LINE * len(lines) + HEAD
        height = round(self.top + layout.height * ROW + 14)
        self.fig = Figure(figsize=(WIDTH / PER_INCH, height / PER_INCH))
        self.ax: Axes = self.fig.add_axes((0, 0, 1, 1))
        self.ax.set(xlim=(0, WIDTH), ylim=(height, 0))
        self.ax.axis("off")
        for number, line in enumerate(lines):
            self._text(10, 8 + TITLE_LINE * (number + 0.5), line, size=11.5, weight="bold")
        self._lifelines(layout, height - 8)
        self.zero = min((a.at for a in layout.arrows), default=0.0)
        for across in layout.across:
            self._across(across)
        for arrow in sorted(layout.arrows, key=lambda each: each.top):
            self._arrow(arrow)
        for note in layout.notes:
            self._note(note)
        self._clock([(a.top, a.at) for a in layout.arrows] + [(n.y, n.at) for n in layout.notes if n.kind == "mark"])

    def _y(self, rows: float) -> float:
        return self.top + rows * ROW + 12

    def _text(self, x: float, y: float, text: str, *, size: float = 8.6, colour: str = INK, **options: Any) -> None:
        self.ax.text(x, y, text, fontsize=size, color=colour, **{"va": "center", "ha": "left"} | options)

    def _lifelines(self, layout: Layout, bottom: float) -> None:
        waits = sorted(self._y(across.y) for across in layout.across if across.kind in ("wait", "left out"))
        for side, x in X.items():
            box = {"boxstyle": "round,pad=0.45", "facecolor": "#f2f2f2", "edgecolor": FAINT, "linewidth": 0.8}
            self._text(x, self.top - HEAD / 2 - 2, NAMES[side], size=9.5, ha="center", bbox=box)
            start = self.top - 8.0
            for wait in [*waits, None]:
                end = bottom if wait is None else wait - 9
                self.ax.plot([x, x], [start, end], color=FAINT, linewidth=1.1, solid_capstyle="butt", zorder=1)
                if wait is not None:
                    zigzag = [0, -5, 5, -5, 5, 0]
                    ys = [wait - 9 + 18 * step / 5 for step in range(6)]
                    self.ax.plot([x + dx for dx in zigzag], ys, color=FAINT, linewidth=1.1, zorder=1)
                    start = wait + 9

    def _clock(self, points: list[tuple[float, float]]) -> None:
        """The time since the first frame, in the left margin; one that would touch the one above it is left out."""
        free = 0.0
        for y, at in sorted((self._y(rows), at) for rows, at in points):
            if y >= free:
                self._text(CLOCK, y, duration(at - self.zero), size=7.6, colour=FAINT, ha="right")
                free = y + 13

    def _arrow(self, arrow: Arrow) -> None:
        from matplotlib.patches import FancyArrowPatch

        colour = OUTCOMES[arrow.outcome].colour if arrow.outcome else NEUTRAL
        start, target = X[arrow.sender], X["right" if arrow.sender == "left" else "left"]
        top, bottom = self._y(arrow.top), self._y(arrow.bottom)
        if arrow.end != "arrived":  # it ends at the point of loss, before the other lifeline
            target, bottom = round(start + 0.72 * (target - start)), top + 0.72 * (bottom - top)
        head = "-" if arrow.end != "arrived" else "-|>"
        dashes = "solid" if arrow.kind in ("call", "no frame") else (0, (4.5, 2.5))
        self.ax.add_patch(
            FancyArrowPatch(
                (start, top), (target, bottom), arrowstyle=head, mutation_scale=11, shrinkA=0, shrinkB=0,
                color=colour, linewidth=1.6 if arrow.outcome else 1.2, linestyle=dashes, zorder=3,
            )
        )  # fmt: skip
        self._tip(arrow, start, target, top, bottom, colour)
        inset, align = (7, "left") if arrow.sender == "left" else (-7, "right")
        self._text(start + inset, top - 9.5, arrow.label, ha=align, bbox=BACKED, zorder=3.5)

    def _tip(self, arrow: Arrow, start: float, target: float, top: float, bottom: float, colour: str) -> None:
        if arrow.end == "lost":
            self.ax.plot(target, bottom, "X", color=colour, markersize=8, zorder=4)
        elif arrow.end == "unread":
            self.ax.plot(target, bottom, "o", color=colour, markerfacecolor="white", markersize=6, zorder=4)
        elif arrow.kind == "error":
            middle = (start + target) / 2, (top + bottom) / 2
            self.ax.plot(*middle, "s", color=colour, markersize=7, zorder=4)
        elif arrow.outcome in STRAYS and arrow.kind != "call":
            middle = (start + target) / 2, (top + bottom) / 2
            marker = OUTCOMES[arrow.outcome].marker
            self.ax.plot(*middle, marker, color=colour, markerfacecolor="white", markersize=7, zorder=4)

    def _note(self, note: Note) -> None:
        x, y = X[note.side], self._y(note.y)
        outward, align = (-1, "right") if note.side == "left" else (1, "left")
        if note.kind == "state":
            self._text(x + 8 * outward, y, note.text, size=8, colour=FAINT, ha=align, style="italic")
            return
        look = OUTCOMES[note.outcome or "waiting"]
        colour = look.colour if note.outcome else NEUTRAL
        self.ax.plot(x, y, look.marker, color=colour, markersize=9, markeredgecolor="white", zorder=5)
        self._text(x - 10 * outward, y, note.text, colour=INK, ha="left" if note.side == "left" else "right")

    def _across(self, across: Across) -> None:
        y = self._y(across.y)
        middle = (X["left"] + X["right"]) / 2
        if across.kind == "cut":
            self.ax.plot([CLOCK + 12, WIDTH - 20], [y, y], color=INK, linewidth=1.6, zorder=2)
            self._text(middle, y, across.text, ha="center", weight="bold", bbox=BACKED, zorder=4)
        else:
            text = f"{across.text} later" if across.kind == "wait" else across.text
            self._text(middle, y, text, colour=FAINT, ha="center", style="italic", bbox=BACKED)
