"""How long `import ocpp_lab` takes, beside the import of what it depends on."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from .progress import Progress

STATEMENTS = {
    "ocpp_lab": "import ocpp_lab",
    "dependencies": "import msgspec, prometheus_client, websockets.asyncio.client, websockets.asyncio.server",
}
_TIMED = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def imports(repeats: int, progress: Progress) -> dict[str, float]:
    """Seconds for each statement in a fresh interpreter: the median over ``repeats``, interleaved."""
    found: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for _ in range(repeats):
        for name, statement in STATEMENTS.items():
            command = [sys.executable, "-c", _TIMED.format(statement)]
            found[name].append(float(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
        progress.step("imports")
    return {name: median(times) for name, times in found.items()}
