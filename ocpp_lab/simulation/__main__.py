"""``python -m ocpp_lab.simulation``: chaos under many seeds (`make chaos`)."""

from __future__ import annotations

import argparse
import logging
import sys

from .chaos import chaos, storm
from .explore import explore
from .report import Report

SCENARIOS = {"chaos": chaos, "storm": storm}


def main(arguments: list[str] | None = None) -> int:
    """Play the seeds that the arguments ask for and print the reports; 1 if an invariant broke."""
    parser = argparse.ArgumentParser(prog="python -m ocpp_lab.simulation", description="Chaos under many seeds.")
    parser.add_argument("scenarios", nargs="*", type=_scenario, help="chaos, storm; both if none is named")
    parser.add_argument("--seeds", type=int, default=1000, help="how many, divided among the scenarios")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args(arguments)
    scenarios = options.scenarios or list(SCENARIOS)
    for name in scenarios:
        seeds = range(options.first, options.first + options.seeds // len(scenarios))
        report = explore(SCENARIOS[name], seeds, options.jobs, progress=_show)
        print(f"\r{name}: {report}", flush=True)
        if not report.ok:
            return 1
    return 0


def _scenario(name: str) -> str:
    if name not in SCENARIOS:
        raise argparse.ArgumentTypeError(f"expected {' or '.join(SCENARIOS)}, came {name!r}")
    return name


def _show(report: Report) -> None:
    if sys.stderr.isatty():
        print(f"\r{report.seeds} seeds", end="", file=sys.stderr, flush=True)
    elif report.seeds % 500 == 0:
        print(f"{report.seeds} seeds", file=sys.stderr, flush=True)


if __name__ == "__main__":
    logging.disable()  # what goes wrong on purpose would fill pages with tracebacks; the report says what matters
    sys.exit(main())
