"""What a fleet says of itself: a line while it runs, and a table when it is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from .fleet import Fleet

TOLD_OUTCOMES = ("result", "error", "timeout", "lost")


def progress(fleet: Fleet, part: float) -> str:
    """One line: how far it is (0 to 1), who is online, what charges."""
    calls = sum(fleet.ended().values())
    return (
        f"{part:4.0%}  online {fleet.online}/{len(fleet.charge_points)}  charging {fleet.charging}"
        f"  calls {calls}  not delivered {fleet.undelivered}"
    )


def summary(fleet: Fleet, seconds: float) -> list[str]:
    """What came of it: calls, latencies, errors, connections, transactions, energy. ``seconds``: the wall clock's."""
    ended = fleet.ended()
    return [
        *_calls(ended),
        "",
        f"calls a second      {sum(ended.values()) / seconds:.1f}",
        f"latency (ms)        {_latency(fleet)}",
        f"errors by code      {_counts(fleet.errors())}",
        f"connections         {_counts(_dials(fleet))}",
        f"transactions        {_transactions(ended)}",
        f"energy              {fleet.energy / 1000:.1f} kWh on the meters",
        f"not delivered       {fleet.left_over} transaction messages",
    ]


def turned_away(fleet: Fleet) -> str:
    """What became of the dials if none of them ever led in; else empty."""
    dials = _dials(fleet)
    return "" if dials["connected"] or not dials.total() else _counts(dials)


def _calls(ended: Counter[tuple[str, str]]) -> Iterable[str]:
    yield f"{'call':<22}" + "".join(f"{outcome:>10}" for outcome in TOLD_OUTCOMES)
    for action in sorted({action for action, _ in ended}):
        yield f"{action:<22}" + "".join(f"{ended[action, outcome]:>10}" for outcome in TOLD_OUTCOMES)


def _latency(fleet: Fleet) -> str:
    shares = {"half": 0.5, "95 %": 0.95, "99 %": 0.99, "all": 1.0}
    times = [f"{name} within {fleet.latencies.quantile(share) * 1000:.1f}" for name, share in shares.items()]
    return f"{', '.join(times)}; {fleet.latencies.count} answers"


def _dials(fleet: Fleet) -> Counter[str]:
    dials = sum((charge_point.uptime.dials for charge_point in fleet.charge_points), Counter[str]())
    dials["lost"] = sum(charge_point.uptime.losses for charge_point in fleet.charge_points)
    return dials


def _transactions(ended: Counter[tuple[str, str]]) -> str:
    started, stopped = ended["StartTransaction", "result"], ended["StopTransaction", "result"]
    return f"{started} started, {stopped} stopped"


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common() if count) or "none"
