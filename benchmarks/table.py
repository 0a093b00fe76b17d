"""The numbers as one table of plain text."""

from __future__ import annotations

from collections.abc import Iterator

from .contenders import CONTENDERS
from .memory import CONNECTIONS
from .payloads import meter_values, size
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


def table(found: Windows, memory: dict[str, float], imports: dict[str, float], how: str) -> str:
    """All of it."""
    return "\n".join([*_rates(found, how), *_ratios(found), *_memory(memory), *_imports(imports), *_notes()])


def _row(title: str, cells: list[str], note: str = "") -> str:
    return f"{title:<36}" + "".join(f"{cell:>18}" for cell in cells) + (f"   {note}" if note else "")


def _rates(found: Windows, how: str) -> Iterator[str]:
    yield f"Round trips per second, and CPU microseconds of both processes for each ({how})"
    yield ""
    yield _row("", [KINDS[kind] for kind, _ in CASES])
    yield _row("", [f"{connections} connection{'s' * (connections > 1)}" for _, connections in CASES])
    for letter, contender in CONTENDERS.items():
        windows = [middle(found[letter, case]) for case in CASES]
        yield _row(f"{letter:<3} {contender.title}", [f"{w.rate:,.0f} /s {w.cpu:4.0f} µs" for w in windows])


def _ratios(found: Windows) -> Iterator[str]:
    yield ""
    yield "How many times as many round trips per second (median of the rounds' ratios)"
    for left, right, wanted in RATIOS:
        yield _row(f"{left} / {right}", [f"{ratio(found, left, right, case):.2f}" for case in CASES], wanted)


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


def _notes() -> Iterator[str]:
    compact = size(meter_values(), separators=(",", ":"))
    yield ""
    yield "What is alike: websockets under all, no compression, a UUID as id and a payload made anew for every call."
    yield "What is not:"
    yield f"- MeterValues has {compact} bytes without spaces; json.dumps puts some in, b sends {size(meter_values())}."
    yield "- a sends the text of a call back as it came: its answer to MeterValues is as long as the question."
    yield "- a and b know no timeout, no error and no action; but for b′ they serve no call while they wait."
    yield "- d asks the operating system for 64 KiB at a time, asyncio and so a to c for 256 KiB; b″ asks as d does."
    yield "- c validates in a thread pool, its default."
    yield "- d and e wait with a timeout, count, require a boot, and record the newest 10,000 frames in the server;"
    yield "  their handlers only answer: the central system's own would also keep every reading in sqlite."
