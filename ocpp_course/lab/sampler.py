"""`Sampler`: the stack's `Timeline`, quick enough for a plot of a second or two."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ocpp_lab.timeline import Sample, Timeline

__all__ = ["Sample", "Sampler"]


class Sampler(Timeline):
    """A `Timeline` that reads its probes every 0.05 s unless told otherwise."""

    def __init__(
        self, probes: Mapping[str, Callable[[], float]], *, interval: float = 0.05, keep: int = 10_000
    ) -> None:
        super().__init__(probes, interval=interval, keep=keep)
