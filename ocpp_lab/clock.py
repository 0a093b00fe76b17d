"""The one place that asks the operating system for the date. Everything else takes ``now`` as an argument."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The instant, in UTC. The default wherever ``now`` is not given."""
    return datetime.now(UTC)
