"""The package's own pieces, with the signatures that the exercises promise.

In the package a `Tally` counts and `Metrics` shows it; `lab` has the quantile beside its plots. Here they are as small
as the contracts, with the package's buckets, actions and outcomes.
"""

from __future__ import annotations

import math
import re
from collections import Counter as Numbers

from prometheus_client import CollectorRegistry, Counter, Histogram

from ocpp_lab.messages import ACTIONS
from ocpp_lab.metrics import CALL_BUCKETS

_LABEL = re.compile(r'(\w+)="([^"]*)"')


class Instruments:
    """What one end of the connection counts, in a registry of its own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.frames = Counter("ocpp_frames", "Frames", ["direction", "kind"], registry=registry)
        self.bytes = Counter("ocpp_frame_bytes", "Bytes of frames, as UTF-8", ["direction"], registry=registry)
        self.started = Counter("ocpp_calls_started", "Own calls sent", ["action"], registry=registry)
        self.ended = Counter("ocpp_calls", "Own calls that ended", ["action", "outcome"], registry=registry)
        self.seconds = Histogram(
            "ocpp_call_seconds", "From send to end", ["outcome"], buckets=CALL_BUCKETS, registry=registry
        )

    def frame(self, direction: str, kind: str, text: str) -> None:
        self.frames.labels(direction, kind).inc()
        self.bytes.labels(direction).inc(len(text.encode()))

    def call_started(self, action: str) -> None:
        self.started.labels(_known(action)).inc()

    def call_ended(self, action: str, outcome: str, seconds: float) -> None:
        self.ended.labels(_known(action), outcome).inc()
        self.seconds.labels(outcome).observe(seconds)


def _known(action: str) -> str:
    return action if action in ACTIONS else "other"


def quantile(buckets: list[tuple[float, int]], q: float) -> float:
    """Seconds within which the share ``q`` of the calls ended; linear within a bucket, nan if there was no call."""
    if not 0 <= q <= 1:
        raise ValueError(f"expected q from 0 to 1, came {q}")
    if not buckets or not buckets[-1][1]:
        return math.nan
    rank, low, below = q * buckets[-1][1], 0.0, 0
    for bound, count in buckets:
        if count >= rank and count > below:
            return low if math.isinf(bound) else low + (bound - low) * (rank - below) / (count - below)
        low, below = (low if math.isinf(bound) else bound), count
    return low


def imbalance(snapshot: dict[str, float], pending: dict[str, int]) -> dict[str, float]:
    """By action: starts that have no end (positive) or ends that had no start (negative)."""
    balance: Numbers[str] = Numbers()
    for key, value in snapshot.items():
        name, _, rest = key.partition("{")
        if name in ("ocpp_calls_started_total", "ocpp_calls_total"):
            balance[dict(_LABEL.findall(rest))["action"]] += value if "started" in name else -value  # type: ignore[assignment]
    balance.subtract(pending)
    return {action: count for action, count in balance.items() if count}


def diagnose(before: dict[str, float], after: dict[str, float], seconds: float) -> str:
    """What was wrong between two snapshots: one of the words of `hours.VERDICTS`."""
    moved = _Moved(before, after)
    ends = {how: moved.sum("ocpp_calls_total", outcome=how) for how in ("result", "error", "timeout", "lost")}
    calls = sum(ends.values())
    if moved.sum("ocpp_dials_total", outcome="refused_401"):
        return "credentials"
    if after.get("ocpp_writes_in_flight", 0) and after.get("ocpp_write_queue_depth", 0) >= 3:
        return "link-stalled"
    if moved.sum("ocpp_connection_losses_total") > 0.03 * calls:
        unreachable, connected = (moved.sum("ocpp_dials_total", outcome=how) for how in ("unreachable", "connected"))
        return "half-open" if unreachable > connected else "link-cut"
    if ends["timeout"] > 0.03 * calls:
        return "peer-silent"
    if ends["error"] > 0.03 * calls:
        return "peer-refuses"
    slow = moved.sum("ocpp_call_seconds_sum", outcome="result") / (ends["result"] or 1)
    return "peer-slow" if slow > 1 else "healthy"


def is_counter(key: str) -> bool:
    """By the end of its name, as the format of Prometheus has it."""
    return key.partition("{")[0].endswith(("_total", "_count", "_sum", "_bucket"))


class _Moved:
    """The difference of two snapshots. If one counter went back, the process was restarted, and all count from 0."""

    def __init__(self, before: dict[str, float], after: dict[str, float]) -> None:
        restarted = any(after.get(key, 0.0) < then for key, then in before.items() if is_counter(key))
        self.rows = [(key, now - (0.0 if restarted else before.get(key, 0.0))) for key, now in after.items()]

    def sum(self, name: str, **wanted: str) -> float:
        """All series of a name that have these labels."""
        return sum(
            change
            for key, change in self.rows
            if key.partition("{")[0] == name and wanted.items() <= dict(_LABEL.findall(key)).items()
        )
