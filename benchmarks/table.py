"""The numbers as one table of plain text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .contenders import CONTENDERS, ROUND_TRIPS
from .hour import Hour
from .memory import CONNECTIONS
from .metrics_cost import SECONDS
from .payloads import meter_values, size
from .reconnect_storm import AWAY, CHARGE_POINTS, Storm
from .throughput import CASES, KINDS, Windows, middle, ratio

# left, right, what is wanted and what is the least, with one connection and with fifty.
RATIOS = [
    ("d", "a", ""),
    ("d", "b", "goal 1.0, limit 0.85 with 1 connection, 0.8 with 50"),
    ("d", "b′", ""),
    ("d", "b″", ""),
    ("d", "c", "limit 9 on MeterValues"),
    ("e", "b", ""),
    ("e", "d", ""),
]


class Found(NamedTuple):
    """What the benchmarks found; ``storms`` by random range."""

    windows: Windows
    watched: Windows
    memory: dict[str, float]
    imports: dict[str, float]
    hour: Hour
    storms: dict[int, Storm]


def table(found: Found, how: str) -> str:
    """All of it."""
    real = [*_rates(found.windows, how), *_ratios(found.windows), *_metrics(found.watched)]
    sizes = [*_memory(found.memory), *_imports(found.imports)]
    return "\n".join([*real, *sizes, *_hour(found.hour), *_storms(found.storms), *_notes()])


def _row(title: str, cells: list[str], note: str = "") -> str:
    return f"{title:<36}" + "".join(f"{cell:>18}" for cell in cells) + (f"   {note}" if note else "")


def _rates(found: Windows, how: str) -> Iterator[str]:
    yield f"Round trips per second, and CPU microseconds of both processes for each ({how})"
    yield ""
    yield _row("", [KINDS[kind] for kind, _ in CASES])
    yield _row("", [f"{connections} connection{'s' * (connections > 1)}" for _, connections in CASES])
    for letter in ROUND_TRIPS:
        contender = CONTENDERS[letter]
        windows = [middle(found[letter, case]) for case in CASES]
        yield _row(f"{letter:<3} {contender.title}", [f"{w.rate:,.0f} /s {w.cpu:4.0f} µs" for w in windows])


def _ratios(found: Windows) -> Iterator[str]:
    yield ""
    yield "How many times as many round trips per second (median of the rounds' ratios)"
    for left, right, wanted in RATIOS:
        yield _row(f"{left} / {right}", [f"{ratio(found, left, right, case):.2f}" for case in CASES], wanted)


def _metrics(found: Windows) -> Iterator[str]:
    rounds = len(found["g", CASES[0]])
    yield ""
    yield f"Metrics at both ends, scraped once a second, beside none (medians of {rounds} rounds, {SECONDS:g} s each)"
    for letter in ("f", "g"):
        windows = [middle(found[letter, case]) for case in CASES]
        cells = [f"{w.rate:,.0f} /s {w.cpu:4.0f} µs" for w in windows]
        yield _row(f"{letter:<3} {CONTENDERS[letter].title}", cells)
    yield _row("g / f", [f"{ratio(found, 'g', 'f', case):.2f}" for case in CASES], "goal 0.95")
    yield _row("g / f, CPU", [f"{ratio(found, 'g', 'f', case, 'cpu'):.2f}" for case in CASES])


def _memory(memory: dict[str, float]) -> Iterator[str]:
    yield ""
    yield f"Memory of an idle connection in the server, at {CONNECTIONS:,} connections, without compression"
    for letter, size_ in memory.items():
        note = "goal 1.25 × a, limit 1.5 × a" if letter == "d" else ""
        cells = [f"{size_ / 1000:.1f} kB", f"{size_ / memory['a']:.2f} × a"]
        yield _row(f"{letter:<3} {CONTENDERS[letter].title}", cells, note)


def _imports(imports: dict[str, float]) -> Iterator[str]:
    ours, theirs = imports["ocpp_lab"], imports["dependencies"]
    yield ""
    yield "Import, in a fresh interpreter"
    yield _row("msgspec, prometheus_client, websockets", [f"{theirs * 1000:.0f} ms"])
    yield _row("ocpp_lab", [f"{ours * 1000:.0f} ms", f"{ours / theirs:.2f} ×"], "limit 1.5 ×")


def _hour(hour: Hour) -> Iterator[str]:
    yield ""
    yield "An hour of one charge point's life, simulated: CPU time"
    yield _row(f"websockets, the same {hour.frames} frames, and pings", [f"{hour.bare * 1000:.0f} ms"])
    yield _row("ours", [f"{hour.ours * 1000:.0f} ms", f"{hour.ratio:.1f} ×"], "goal 4 ×")


def _storms(storms: dict[int, Storm]) -> Iterator[str]:
    yield ""
    yield f"{CHARGE_POINTS} charge points lose their central system for {AWAY:g} s, simulated"
    yield _row("", ["dials", "in worst second", "all online after", "CPU"])
    for random_range, storm in storms.items():
        cells = [f"{storm.dials}", f"{storm.peak}", f"{storm.online:.0f} s", f"{storm.cpu:.1f} s"]
        yield _row(f"random range {random_range} s", cells)


def _notes() -> Iterator[str]:
    compact = size(meter_values(), separators=(",", ":"))
    yield ""
    yield "What is alike: websockets under all, no compression, a UUID as id and a payload made anew for every call."
    yield "What is not:"
    yield f"- MeterValues has {compact} bytes without spaces; json.dumps puts some in, b sends {size(meter_values())}."
    yield "- a sends the text of a call back as it came: its answer to MeterValues is as long as the question."
    yield "- a and b know no timeout, no error and no action; but for b′ they serve no call while they wait."
    yield "- d asks the operating system for 4 KiB at a time, asyncio and so a to c for 256 KiB; b″ asks as d does."
    yield "- c validates in a thread pool, its default."
    yield "- f and g have 50 charge points in one process; g makes 50 pages there every second, about 1 ms each."
    yield "- The simulated hour is watched by the invariants; its websockets look at nothing that comes."
    yield "- d and e wait with a timeout, count, require a boot, and record the newest 10,000 frames in the server;"
    yield "  their handlers only answer: the central system's own would also keep every reading in sqlite."
