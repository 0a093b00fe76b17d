"""Detective: an evening from the simulator with one fault; whoever steps through the ladder names it and its side."""

from .desk import Detective, detective

__all__ = ["Detective", "detective"]
