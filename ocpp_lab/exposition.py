"""`exposition`: the page that Prometheus scrapes, as `generate_latest` writes it, at a third of its price.

Of a page only the numbers change. What stands before them, names and labels, escaped and in order, is written once by
prometheus_client itself and kept. With fifty charge points in a process that is scraped once a second it counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import Metric, Sample
from prometheus_client.utils import floatToGoString

MOST_SERIES = 10_000
"""Names with labels that are remembered, of all registries together; an end of ours has about 250."""

Labels = tuple[tuple[str, str], ...]


def exposition(registry: CollectorRegistry) -> str:
    """The page of a registry. Raises what its collectors raise."""
    return "".join(map(_family, registry.collect()))


def _family(family: Metric) -> str:
    if any(_is_odd(sample) for sample in family.samples):
        return _written(family)
    lines = [
        f"{_series(sample.name, tuple(sample.labels.items()))} {number(sample.value)}\n" for sample in family.samples
    ]
    return _heading(family.name, family.documentation, family.type) + "".join(lines)


def number(value: float) -> str:
    """A number as it stands on the page; it is the name of a bucket too."""
    text: str = floatToGoString(value)  # type: ignore[no-untyped-call]  # it has no annotations
    return text


def _is_odd(sample: Sample) -> bool:
    """What has a place of its own on the page, or a time. None of ours; others may use our registry."""
    return sample.timestamp is not None or sample.name.endswith(("_created", "_gsum", "_gcount"))


@lru_cache(MOST_SERIES)
def _heading(name: str, documentation: str, kind: str) -> str:
    return _written(Metric(name, documentation, kind))


@lru_cache(MOST_SERIES)
def _series(name: str, labels: Labels) -> str:
    """A sample's line, up to its number."""
    family = Metric(name, "", "gauge")
    family.add_sample(name, dict(labels), 0)
    return _written(family).splitlines()[-1].rpartition(" ")[0]


def _written(family: Metric) -> str:
    return generate_latest(_Only(family)).decode()


class _Only:
    """A registry of one family."""

    def __init__(self, family: Metric) -> None:
        self.family = family

    def collect(self) -> Iterable[Metric]:
        return (self.family,)
