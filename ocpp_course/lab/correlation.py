"""`correlation`: who was given which answer. A row for each caller; an answer has the colour and the number of its own
call, and stands in the row of the caller that got it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ocpp_lab.trace import Event

from .deliveries import Caller, Deliveries, Reply, Way, deliver
from .vector import Vector, heading, number, svg, text

# CSS pixels.
WIDTH, ROW, HEAD = 640, 30, 34
LEFT, RIGHT = 236, 470

HUES = ("result", "error", "stray", "timeout", "lost")
"""The hues of the palette, which can be told apart by everybody. Here, and only here, each is a call; its number is
beside it."""
WAYS: dict[Way, str] = {"order": "by order: to the caller that has waited longest", "id": "by id: to its own caller"}


def correlation(
    events: Iterable[Event],
    *ways: Way,
    timeout: float,
    names: Sequence[str] = (),
    title: str = "",
    since: float = 0.0,
) -> Vector:
    """The answers that one end recorded since ``since`` (loop time, s), given out in each of the ``ways``.

    ``names``: of the calls, in their order; else their actions. A caller waits for ``timeout`` seconds.
    """
    story = [event for event in events if event.at >= since]
    made = {way: deliver(story, way, timeout) for way in ways or ("order", "id")}
    said, taken = heading(title, WIDTH)
    parts, top = [said], 14 + taken
    for way, deliveries in made.items():
        panel = _Panel(deliveries, names, top + HEAD)
        parts += [
            text(16, top + 24, f"Answers {WAYS[way]}", "way"),
            text(RIGHT + 10, top + 24, "time →", "told", "end"),
        ]
        parts.append(panel.svg())
        top += HEAD + ROW * len(deliveries.callers) + 12
    alt = " ".join(_told(way, deliveries) for way, deliveries in made.items())
    alt = f"Who is given which answer, a row for each caller. {alt}"
    return Vector(svg("".join(parts), (WIDTH, top + 8), alt, "correlation"), alt, WIDTH)


def _told(way: Way, made: Deliveries) -> str:
    said = [f"caller {each.number} gets {_outcome(each)}" for each in made.callers]
    said += [f"nobody waits for the answer to {reply.to}" for reply in made.replies if reply.given is None]
    return f"By {way}: {'; '.join(said)}."


def _outcome(caller: Caller) -> str:
    if caller.got is None:
        return "a timeout" if caller.gave_up else "nothing yet"
    return "its own answer" if caller.got == caller.number else f"the answer to {caller.got}"


def _hue(call: int) -> str:
    return HUES[(call - 1) % len(HUES)]


class _Panel:
    """The rows of one way."""

    def __init__(self, made: Deliveries, names: Sequence[str], top: float) -> None:
        self.made = made
        self.names = [*names[: len(made.callers)], *(each.action for each in made.callers[len(names) :])]
        self.top = top
        times = [each.asked for each in made.callers] + [each.until for each in made.callers]
        self.start, self.end = min(times, default=0.0), max(times, default=1.0)

    def svg(self) -> str:
        return "".join(
            [
                *(self._arrival(reply) for reply in self.made.replies),
                *(self._row(caller) for caller in self.made.callers),
                *(self._reply(reply) for reply in self.made.replies),
            ]
        )

    def _x(self, at: float) -> float:
        return LEFT + (RIGHT - LEFT) * (at - self.start) / ((self.end - self.start) or 1.0)

    def _y(self, row: int) -> float:
        return self.top + ROW * (row - 0.5)

    def _arrival(self, reply: Reply) -> str:
        """A line from the call that was answered to the caller who got the answer: straight if they are one."""
        given = reply.given or reply.to
        if given == reply.to:
            return ""
        x = number(self._x(reply.at))
        return f'<path class="astray {_hue(reply.to)}" d="M{x} {number(self._y(reply.to))}V{number(self._y(given))}"/>'

    def _row(self, caller: Caller) -> str:
        """The caller's call, how long it waited, and what it was told."""
        y, x, end = self._y(caller.number), self._x(caller.asked), self._x(caller.until)
        wait = f'<path class="wait {_hue(caller.number)}" d="M{number(x)} {number(y)}H{number(end)}"/>'
        name = text(LEFT - 24, y + 4.3, self.names[caller.number - 1], "label", "end")
        own = caller.got in (None, caller.number)
        late = caller.gave_up and any(reply.to == caller.number and not reply.given for reply in self.made.replies)
        said = _outcome(caller) + (f"; {caller.number} is late" if late else "")
        told = text(RIGHT + 26, y + 4.3, said, "told" if own else "told other")
        giving_up = _sign(end, y, "M-4.5 -4.5l9 9m0 -9l-9 9", "x") if caller.gave_up else ""
        return f"{name}{wait}{_badge(caller.number, x, y, 'asks')}{giving_up}{told}"

    def _reply(self, reply: Reply) -> str:
        x = self._x(reply.at)
        if reply.given:
            return _badge(reply.to, x, self._y(reply.given), "answers")
        return _badge(reply.to, x, self._y(reply.to), "answers nobody")


def _badge(call: int, x: float, y: float, kind: str) -> str:
    """A call is full, an answer hollow; one that nobody waits for is dashed."""
    figure = text(x, y + 4.2, str(call), "figure", "middle")
    return f'<g class="badge {kind} {_hue(call)}"><circle cx="{number(x)}" cy="{number(y)}" r="10"/>{figure}</g>'


def _sign(x: float, y: float, path: str, kind: str) -> str:
    return f'<path class="{kind}" transform="translate({number(x)} {number(y)})" d="{path}"/>'
