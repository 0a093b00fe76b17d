"""How long `import ocpp_lab` takes, beside the import of what it depends on."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from statistics import median

from .progress import Progress

STATEMENTS = {
    "ocpp_lab": "import ocpp_lab",
    "dependencies": "import msgspec, prometheus_client, websockets.asyncio.client, websockets.asyncio.server",
}
_TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def imports(repeats: int, progress: Progress) -> dict[str, float]:
    """Seconds for each statement in a fresh interpreter: the median over ``repeats``, interleaved.

    Byte code is kept in a folder of our own, for both: an installed package has it, a fresh clone not yet.
    """
    found: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    with tempfile.TemporaryDirectory() as folder:
        for statement in STATEMENTS.values():
            _import(statement, folder)  # compiles
        for _ in range(repeats):
            for name, statement in STATEMENTS.items():
                found[name].append(_import(statement, folder))
            progress.step("imports")
    return {name: median(times) for name, times in found.items()}


def _import(statement: str, folder: str) -> float:
    environment = os.environ | {"PYTHONPYCACHEPREFIX": folder}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", _TIMED.format(statement)]
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
