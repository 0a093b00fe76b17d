"""A plot's finding is computed from its data, and its alternative text is the same in every run."""

from __future__ import annotations

import io
import math

import pytest
from PIL import Image

from ocpp_course.lab import OUTCOMES, Ended, Picture, Sample, figure, latency, outcomes, queue_depth, subplots
from ocpp_course.lab.plots import _queue_finding, _series


def ended(action: str, outcome: str, seconds: float = 0.001, started: float = 0.0) -> Ended:
    return Ended(action, started, seconds, outcome)


MIXED = [ended("Heartbeat", outcome) for outcome in OUTCOMES] + [ended("Authorize", "result")]


def test_the_queue_finding_is_counted() -> None:
    depths = [(0.0, 0.0), (0.1, 870.0), (0.2, math.nan)]
    writes = [(0.0, 0.0), (0.1, 1.0)]
    assert _queue_finding(depths, writes) == "870 frames wait in the queue, never more than 1 on the wire"


def test_samples_become_a_series_for_each_probe() -> None:
    samples = [Sample(0, "queue_depth", 1), Sample(0, "writes_in_flight", 2), Sample(1, "queue_depth", 3)]
    assert _series(samples) == {"queue_depth": [(0, 1), (1, 3)], "writes_in_flight": [(0, 2)]}


@pytest.mark.parametrize("times", [0.001, 7.0])
def test_alternative_texts_do_not_tell_times(times: float) -> None:
    calls = [ended("Heartbeat", "timeout", times), ended("Heartbeat", "result", times)]
    assert latency(calls, timeout=30).alt == "Latency of 2 calls by outcome. Counts: 1 result, 1 timeout."
    assert outcomes(calls).alt == "Calls by action and outcome. 1 actions, 2 calls: 1 result, 1 timeout."
    depth = queue_depth([Sample(times, "queue_depth", 3)])
    assert (
        depth.alt
        == "Queue depth over time. Frames wait in the queue while the peer does not read. Probes: queue depth."
    )


def test_every_outcome_can_be_drawn_few_and_many() -> None:
    for picture in (latency(MIXED), latency(MIXED * 3, timeout=1), outcomes(MIXED), latency([]), queue_depth([])):
        with Image.open(io.BytesIO(picture.png)) as image:
            assert image.width == 2 * picture.width in (1520, 2200)


def test_each_outcome_differs_by_more_than_colour() -> None:
    """Readable in greyscale: no two colours share marker and filling."""
    looks = {}
    for look in OUTCOMES.values():
        looks.setdefault((look.marker, look.hollow), set()).add(look.colour)
    assert all(len(colours) == 1 for colours in looks.values())


def test_a_picture_needs_words() -> None:
    fig, _ = subplots(100)
    with pytest.raises(ValueError, match="alternative text"):
        figure(fig, " ")


def test_alternative_text_is_escaped() -> None:
    assert 'alt="a &lt;b&gt; &quot;c&quot;"' in Picture(b"", 'a <b> "c"', 10)._repr_html_()
