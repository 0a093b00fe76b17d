"""What the tests know about the house they stand in: where it is, and whether this is the long run."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

SOAK = os.environ.get("OCPP_LAB_SOAK") == "1"
"""True in `make soak`: more seeds, more mutations, the browser."""


def scaled[T](normal: T, soak: T) -> T:
    """How many seeds, rounds or mutations to run: few in `make test`, many in `make soak`."""
    return soak if SOAK else normal
