"""Run everything and print the table: about four minutes, or one with ``--quick``."""

from __future__ import annotations

import argparse
import platform
from importlib.metadata import version

from .contenders import CONTENDERS
from .imports import imports
from .memory import CONTENDERS as IN_MEMORY
from .memory import memory
from .progress import Progress
from .table import table
from .throughput import CASES, throughput


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter windows; the noise is larger")
    quick = parser.parse_args().quick
    rounds, seconds, repeats = (7, 0.1, 7) if quick else (25, 0.2, 21)  # short windows: the median drops spoilt ones
    progress = Progress(rounds * len(CASES) * len(CONTENDERS) + len(IN_MEMORY) + repeats)
    started = imports(repeats, progress)
    idle = memory(progress)
    found = throughput(rounds, seconds, progress)
    packages = ", ".join(f"{name} {version(name)}" for name in ("websockets", "msgspec", "ocpp", "uvloop"))
    print(f"\nPython {platform.python_version()} on {platform.system()} {platform.machine()}; {packages}")
    print(table(found, idle, started, f"medians of {rounds} interleaved rounds, {seconds:g} s each"))


if __name__ == "__main__":
    main()
