"""Measure everything, print it, and write docs/performance.md: about a quarter of an hour, or three minutes with
``--quick``."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

from .chapter import plain
from .entries import ENTRIES
from .machine import machine
from .progress import Progress
from .results import Results

DOCS = Path("docs")


def main() -> None:
    wish = _wish()
    if wish.draw:
        return _draw()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: children and their files go first
    try:
        results = measure(wish.only or list(ENTRIES), wish.quick)
    except KeyboardInterrupt:
        sys.exit("\nstopped: nothing is printed, nothing is written")
    print("\n\n\n".join(plain(chapter) for chapter in results.chapters()))
    if wish.write or not (wish.quick or wish.only):
        _write(results)


def _wish() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter and smaller, and no page; the noise is larger")
    parser.add_argument("--write", action="store_true", help="write the page, even of a quick or partial run")
    parser.add_argument("--only", choices=ENTRIES, action="append", help="measure this, and no page; may be repeated")
    parser.add_argument("--draw", action="store_true", help="only draw the page anew from the numbers of the last run")
    return parser.parse_args()


def measure(names: list[str], quick: bool) -> Results:
    """What the entries of these names find, one after the other; a line on stderr says how far it is."""
    scales: dict[str, Any] = {name: ENTRIES[name].quick if quick else ENTRIES[name].full for name in names}
    progress = Progress(sum(scale.steps for scale in scales.values()))
    here = machine()
    return Results(here, quick, {name: ENTRIES[name].measure(scale, progress) for name, scale in scales.items()})


def _write(results: Results) -> None:
    from .page import write

    write(results, DOCS)


def _draw() -> None:
    from .page import draw

    draw(DOCS)


if __name__ == "__main__":
    main()
