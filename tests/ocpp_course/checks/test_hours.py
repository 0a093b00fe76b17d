"""The hours that the checks of 6.5 read are what the simulation plays, not what somebody wrote down."""

from __future__ import annotations

import pytest

from ocpp_course.checks.integration_and_metrics.hours import SEEDS, VERDICTS, Snapshot, example, hour
from tests.house import scaled

TOLD = ("ocpp_calls_total", "ocpp_dials_total", "ocpp_connection_losses_total", "ocpp_write_queue_depth")


def told(snapshot: Snapshot) -> dict[str, float]:
    """What a diagnosis reads, but the seconds."""
    return {key: value for key, value in snapshot.items() if key.partition("{")[0] in TOLD}


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_file_is_what_is_played(verdict: str) -> None:
    """A stored hour has the counts that its seed gives; a few may differ if the stack takes a turn more or less.

    If one differs by more, the stack behaves differently: play all again, as the docstring of the module says.
    """
    for seed in range(scaled(1, len(SEEDS))):
        for stored, played in zip(example(verdict, seed), hour(verdict, seed), strict=True):
            assert told(played) == pytest.approx(told(stored), rel=0.05, abs=2.0), f"seed {seed}"


def test_an_hour_that_is_not_there() -> None:
    """What is asked for is named in the error."""
    with pytest.raises(ValueError, match="came 'tired', 0"):
        example("tired")
    with pytest.raises(ValueError, match="came 'healthy', 99"):
        example("healthy", 99)
