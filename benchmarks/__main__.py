"""Run everything and print the table: about six minutes, or two with ``--quick``."""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import version

from .contenders import FAIRNESS, METRICS, ROUND_TRIPS
from .fairness import fairness
from .hour import hour
from .imports import imports
from .memory import CONTENDERS as IN_MEMORY
from .memory import memory
from .metrics_cost import metrics_cost
from .progress import Progress
from .reconnect_storm import RANDOM_RANGES, storms
from .table import Found, table
from .throughput import CASES, throughput


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter windows; the noise is larger")
    quick = parser.parse_args().quick
    rounds, seconds, repeats = (7, 0.1, 7) if quick else (25, 0.2, 21)  # short windows: the median drops spoilt ones
    watched, hours, evenings = (3, 5, 3) if quick else (11, 21, 7)
    steps = rounds * len(CASES) * len(ROUND_TRIPS) + watched * len(CASES) * len(METRICS)
    steps += evenings * len(FAIRNESS)
    progress = Progress(steps + len(IN_MEMORY) + repeats + hours + len(RANDOM_RANGES))
    found = Found(
        imports=imports(repeats, progress),
        memory=memory(progress),
        windows=throughput(rounds, seconds, progress),
        watched=metrics_cost(watched, progress),
        fairness=fairness(evenings, 0.5, progress),
        hour=hour(hours, progress),
        storms=storms(progress),
    )
    packages = ", ".join(f"{name} {version(name)}" for name in ("websockets", "msgspec", "ocpp", "uvloop"))
    print(f"\nPython {platform.python_version()} on {platform.system()} {platform.machine()}; {packages}")
    print(table(found, f"medians of {rounds} interleaved rounds, {seconds:g} s each"))


if __name__ == "__main__":
    main()
