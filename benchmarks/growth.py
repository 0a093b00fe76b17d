"""Growth with the number of charge points: a straight line, and how straight it is."""

from __future__ import annotations

from statistics import StatisticsError, correlation, linear_regression
from typing import NamedTuple

from .live import Window


class Line(NamedTuple):
    """``slope`` for each charge point more, ``intercept`` with none, and R²: 1 if all points lie on the line."""

    slope: float
    intercept: float
    r_squared: float

    def at(self, charge_points: float) -> float:
        """What the line says of so many."""
        return self.intercept + self.slope * charge_points


def line(points: list[tuple[float, float]]) -> Line:
    """The line with the least squares. Raises `StatisticsError` if all points have one size: it has no direction."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    slope, intercept = linear_regression(xs, ys)
    try:
        straight = correlation(xs, ys) ** 2
    except StatisticsError:  # nothing grows: the level line goes through every point
        straight = 1.0
    return Line(slope, intercept, straight)


def points(found: list[Window], ledger: str, what: str) -> list[tuple[float, float]]:
    """One figure of every window against the number of charge points."""
    return [(window.charge_points, getattr(window, what)) for window in found if window.ledger == ledger]
