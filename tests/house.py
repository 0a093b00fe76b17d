"""What the tests know about the house they stand in: where it is, and whether this is the long run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

SOAK = os.environ.get("OCPP_LAB_SOAK") == "1"
"""True in `make soak`: more seeds, more mutations, the browser."""


def scaled[T](normal: T, soak: T) -> T:
    """How many seeds, rounds or mutations to run: few in `make test`, many in `make soak`."""
    return soak if SOAK else normal


def tracked() -> list[Path]:
    """All files that are in git or would be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def name_of(path: Path) -> str:
    """A path as it is called in the repository."""
    return str(path.relative_to(ROOT))
