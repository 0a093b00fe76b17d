"""The whole course in a folder of its own: START, notebooks and exercises, as a learner has them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.browser.server import LabServer
from tests.house import ROOT

PARTS = ("START.ipynb", "notebooks", "exercises", "solutions", "ocpp_course", "ocpp_lab")


def course(folder: Path) -> Path:
    """Links to the parts of the course in ``folder``; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        (folder / part).symlink_to(ROOT / part)
    return folder


def trust(server: LabServer, *names: str) -> None:
    """What `make lab` does, for the server's own settings."""
    command = [sys.executable, "-m", "jupyter", "trust", *names]
    subprocess.run(command, cwd=server.root, env=server.environment(), check=True, capture_output=True)
