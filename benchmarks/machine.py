"""What it ran on: what a reader needs to judge the numbers, and nothing that names the machine."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

import msgspec

from ocpp_lab import Ledger

from .site import FOLDER

PACKAGES = ("websockets", "msgspec", "ocpp", "uvloop")
COMMITS = 200


class Machine(msgspec.Struct, frozen=True):
    """``commit``: seconds of one commit on the disk of the project; ``load``: processes that wanted a core before."""

    day: str
    processor: str
    cores: int
    load: float
    system: str
    python: str
    packages: dict[str, str]
    commit: float


def machine() -> Machine:
    """This one, now."""
    return Machine(
        day=datetime.now(UTC).date().isoformat(),
        processor=_processor(),
        cores=os.cpu_count() or 1,
        load=os.getloadavg()[0],
        system=f"{platform.system()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        packages={name: version(name) for name in PACKAGES},
        commit=_commit(),
    )


def _processor() -> str:
    """Its model, where Linux tells."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def _commit() -> float:
    """The median of many registrations, each written and kept by itself."""
    FOLDER.mkdir(exist_ok=True)
    took = []
    with tempfile.TemporaryDirectory(prefix="bench-", dir=FOLDER) as folder:
        ledger = Ledger(str(Path(folder) / "ledger.db"))
        for number in range(COMMITS):
            start = time.perf_counter()
            ledger.register(f"CP_{number}", "Accepted")
            took.append(time.perf_counter() - start)
        ledger.close()
    return median(took)
