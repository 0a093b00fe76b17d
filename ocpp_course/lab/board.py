"""What a dashboard shows of one end: a card of SVG, drawn from recorded numbers. Pure: readings in, text out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import shorten

from .lamp import lamp
from .layout import duration
from .pen import box, pill, wide, words
from .percentiles import Buckets, between, quantile
from .shown import WIDTH
from .snapshots import labelled

HEIGHT = 174
"""Of one card, in CSS pixels."""
TOP, BOTTOM = 50, 102
"""Of the charts in a card."""
MOST_LETTERS = 104
"""In a line; the name of the image has all of it."""
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
SHORTEST, LONGEST = 0.001, 60.0
"""Seconds at the two ends of the latency bars (log scale)."""


@dataclass(frozen=True)
class Reading:
    """What is kept of every look at the metrics of one end. ``waiting``: in the outbox, None where there is none."""

    at: float
    queue: float
    waiting: float | None
    buckets: Buckets


def reading(at: float, snapshot: Mapping[str, float], counted: Buckets) -> Reading:
    return Reading(at, snapshot.get("ocpp_write_queue_depth", 0.0), snapshot.get("ocpp_outbox_depth"), counted)


def state(snapshot: Mapping[str, float]) -> str:
    """The state of a charge point's connection; of a central system, how many are connected."""
    if hot := labelled(snapshot, "ocpp_connection_state", "state"):
        return next(iter(hot))
    return f"{snapshot.get('ocpp_connected_charge_points', 0.0):.0f} connected"


def quantiles(readings: Sequence[Reading]) -> dict[str, float]:
    """p50, p95 and p99 (s) of the calls that ended while these readings were taken; {} if none did."""
    recent = between(readings[0].buckets, readings[-1].buckets)
    found = {name: quantile(recent, q) for name, q in QUANTILES.items()}
    return {} if math.isnan(found["p50"]) else found


def numbers(snapshot: Mapping[str, float]) -> list[str]:
    """Three rows of counts, since the metrics began: how calls ended, the connection, and what came in that was odd."""
    calls = [_counted(snapshot, "calls", "ocpp_calls_total", "outcome")]
    if "ocpp_connection_losses_total" in snapshot:
        calls.append(f"connections lost: {snapshot['ocpp_connection_losses_total']:.0f}")
    lines = [
        _counted(snapshot, "dials", "ocpp_dials_total", "outcome"),
        _counted(snapshot, "handshakes refused", "ocpp_handshakes_refused_total", "status"),
        _counted(snapshot, "given up", "ocpp_outbox_drops_total", "reason"),
    ]
    odd = [
        _counted(snapshot, "errors by code", "ocpp_call_errors_total", "code"),
        _counted(snapshot, "stray replies", "ocpp_stray_replies_total", "fate"),
    ]
    return [" · ".join(filter(None, line)) for line in (calls, lines, odd)]


def recent(readings: Iterable[Reading], window: float) -> list[Reading]:
    """Those of the last ``window`` seconds: a board that was stopped for a while has older ones."""
    kept = list(readings)
    return [each for each in kept if each.at >= kept[-1].at - window]


def summary(name: str, snapshot: Mapping[str, float], readings: Sequence[Reading]) -> str:
    """The card in words: what a screen reader says, and what a test reads."""
    last = readings[-1]
    parts = [state(snapshot), f"write queue {last.queue:.0f}"]
    parts += [] if last.waiting is None else [f"outbox {last.waiting:.0f}"]
    parts += [f"{name} {_told(seconds)}" for name, seconds in quantiles(readings).items()]
    return f"{name}: " + " · ".join(filter(None, [*parts, *numbers(snapshot)]))


def card(name: str, snapshot: Mapping[str, float], readings: Sequence[Reading], window: float) -> str:
    """One end, as an image with a name: state, depths and latency over ``window`` seconds, counts.

    It is painted with words of the look (see `pen`), so it fits light and dark.
    """
    label = escape(summary(name, snapshot, readings), quote=True)
    return (
        f'<svg class="ol-board" role="img" aria-label="{label}" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' width="{WIDTH}" height="{HEIGHT}" style="display:block;max-width:100%;height:auto">'
        f"{inside(name, snapshot, readings, window)}</svg>"
    )


def inside(name: str, snapshot: Mapping[str, float], readings: Sequence[Reading], window: float) -> str:
    """What is drawn on a card."""
    told = numbers(snapshot)
    parts = [
        words(12, 24, name, 14, weight=700),
        _lamp(state(snapshot)),
        _queue(12, snapshot.get("ocpp_write_queue_depth_max", 0.0), readings, window),
        _outbox(260, readings, window),
        _latency(508, quantiles(readings), window),
        *(words(12, 131 + 17 * row, shorten(line, MOST_LETTERS, placeholder=" …")) for row, line in enumerate(told)),
    ]
    return "".join(parts)


def _queue(x: float, most: float, readings: Sequence[Reading], window: float) -> str:
    values = [each.queue for each in readings]
    word = f"write queue: now {values[-1]:.0f}, most ever {max(most, *values):.0f}"  # peaks are over before we look
    return words(x, 44, word) + _chart(x, readings, values, window)


def _outbox(x: float, readings: Sequence[Reading], window: float) -> str:
    told = [each for each in readings if each.waiting is not None]
    values = [each.waiting or 0.0 for each in told]
    if not told:
        return ""
    return words(x, 44, f"outbox: now {values[-1]:.0f}, most {max(values):.0f}") + _chart(x, told, values, window)


def _chart(x: float, readings: Sequence[Reading], values: Sequence[float], window: float) -> str:
    """Steps over the last seconds, the newest at the right edge."""
    width, top, peak, end = 228, TOP, max(values), readings[-1].at
    scale = (BOTTOM - top) / max(peak, 4.0)
    points: list[str] = []
    for index, (each, value) in enumerate(zip(readings, values, strict=True)):
        if index and values[index - 1] == value and index < len(values) - 1:
            continue  # a step is two points, however long it lasts
        left = x + width * (1 - min(end - each.at, window) / window)
        if points:
            points.append(f"{left:.1f},{BOTTOM - values[index - 1] * scale:.1f}")
        points.append(f"{left:.1f},{BOTTOM - value * scale:.1f}")
    start = points[0].partition(",")[0]
    area = f"{start},{BOTTOM} {' '.join(points)} {x + width},{BOTTOM}"
    return (
        f'<polygon class="f-half" points="{area}"/>'
        f'<polyline class="f-none s-result" points="{" ".join(points)}" stroke-width="1.8"/>'
        f'<path class="s-edge" d="M{x} {BOTTOM}h{width}"/>'
        + words(x, BOTTOM + 12, f"{window:g} s ago", 10, "dim")
        + words(x + width, BOTTOM + 12, "now", 10, "dim", anchor="end")
    )


def _latency(x: float, found: Mapping[str, float], window: float) -> str:
    if not found:
        return words(x, 44, f"latency: no call ended in {window:g} s")
    parts = [words(x, 44, f"latency of the last {window:g} s")]
    for row, (name, seconds) in enumerate(found.items()):
        y = TOP + 4 + row * 17
        share = math.log(max(seconds, SHORTEST * 1.3) / SHORTEST) / math.log(LONGEST / SHORTEST)
        long = round(min(share, 1) * 130, 1)
        parts += [
            words(x, y + 10, name, paint="dim"),
            box(x + 32, y, long, 11, 1.5, "result"),
            words(x + 38 + long, y + 10, _told(seconds)),
        ]
    return "".join(parts)


def _lamp(word: str) -> str:
    kind = "up" if word[0] in "123456789" else lamp(word)
    return pill(WIDTH - 12 - wide(word, 11, 600) - 18, 9, word, kind)


def _counted(snapshot: Mapping[str, float], what: str, name: str, label: str) -> str:
    counts = labelled(snapshot, name, label)
    told = ", ".join(f"{word} {count:.0f}" for word, count in counts.items())
    return f"{what}: {told}" if told else ""


def _told(seconds: float) -> str:
    return f"more than {LONGEST:g} s" if seconds >= LONGEST else duration(seconds)
