"""Milestone 5: how do the parts live, die and come back as one?"""

from __future__ import annotations

from ..step import Step
from . import beating, booting, gate, losses, onlines, real_ids, watching, whole_life
from .drill import drilled
from .station import Station, pieces

STEPS: list[Step] = [
    gate.step,
    booting.step,
    beating.step,
    real_ids.step,
    watching.step,
    onlines.step,
    losses.step,
    whole_life.step,
]

__all__ = ["STEPS", "Station", "drilled", "pieces"]
