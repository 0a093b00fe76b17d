"""What comes out of the wall, and what a connector can pass on of it."""

from __future__ import annotations

from typing import Final

VOLTAGE: Final = 230.0
"""V between a phase and neutral. Nominal: a car's current is its power over this (core errata 3.68)."""

FREQUENCY: Final = 50.0
"""Hz."""

RATED: Final = 63.0
"""A per phase: the most that a connector carries, whatever it was told to offer. On three phases 43 kW."""
