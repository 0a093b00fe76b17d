"""Milestone 6: what happened tonight?"""

from __future__ import annotations

from ..step import Step
from . import balance, capstone, counting, diagnosing, quantiles, sampling
from .drill import drilled

__all__ = ["STEPS", "drilled"]

STEPS: list[Step] = [counting.step, quantiles.step, sampling.step, balance.step, diagnosing.step, capstone.step]
