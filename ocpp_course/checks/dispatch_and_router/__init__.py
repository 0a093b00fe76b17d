"""Milestone 2: which code answers this text, and what if none does?"""

from __future__ import annotations

from . import declarations, deploy_night, failing_handlers, good_path, nobody_home, payload_errors, registration
from .drill import drilled

STEPS = [
    declarations.step,
    payload_errors.step,
    registration.step,
    good_path.step,
    nobody_home.step,
    failing_handlers.step,
    deploy_night.step,
]

__all__ = ["STEPS", "drilled"]
