"""A TCP proxy on loopback between charge point and central system: late, slow, cut, reset, half-open, refusing."""

from .link import Direction
from .proxy import ChaosProxy

__all__ = ["ChaosProxy", "Direction"]
