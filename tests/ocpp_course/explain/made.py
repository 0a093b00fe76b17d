"""Logs and digests made by hand, for tests of what is shown of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp_course.explain.digest import Digest
from ocpp_lab.frames import Call, CallError, CallResult, decode
from ocpp_lab.logs import Finding, Log, Seen

BEGIN = datetime(2026, 6, 6, 20, 20, tzinfo=UTC)
KINDS = {Call: 2, CallResult: 3, CallError: 4}


def seen(index: int, sender: Any, text: str, *, identity: str | None = "CP_1", timed: bool = True) -> Seen:
    """A frame on line ``index + 1``, so many seconds after the beginning."""
    frame = decode(text)
    return Seen(
        text=text,
        line=index + 1,
        last_line=index + 1,
        frame=frame,
        at=BEGIN + timedelta(seconds=index) if timed else None,
        identity=identity,
        sender=sender,
        kind=KINDS[type(frame)],
        unique_id=frame.unique_id,
        action=frame.action if isinstance(frame, Call) else None,
        index=index,
    )


def log(calls: int, **options: Any) -> Log:
    """So many Heartbeats with their answers."""
    frames = []
    for number in range(calls):
        frames.append(seen(2 * number, "charge point", f'[2,"{number}","Heartbeat",{{}}]', **options))
        answer = f'[3,"{number}",{{"currentTime":"2026-06-06T20:20:00Z"}}]'
        frames.append(seen(2 * number + 1, "central system", answer, **options))
    return Log("made.log", 2 * calls, frames)


def finding(*places: int, rule: str = "some-rule", what: str = "Something is wrong.", **more: Any) -> Finding:
    """Of the frames at these places."""
    told: dict[str, Any] = {
        "identity": "CP_1",
        "side": "charge point",
        "certainty": "proved",
        "do": "Mend it.",
        "section": "core 4.8",
        "taught": ("04_call_correlation", "5. Twice"),
    }
    lines = tuple(place + 1 for place in places)
    return Finding(rule=rule, lines=lines, what=what, seen=places, **(told | more))


def digest(*findings: Finding, calls: int = 10, **options: Any) -> Digest:
    """Of Heartbeats, with these findings."""
    from ocpp_course.explain.excerpt import excerpt

    of = log(calls, **options)
    made = Digest("made.log", of.lines, chapters=1)
    made._count(of)
    made.findings = list(findings)
    made.excerpts = {(f.rule, f.identity, f.lines): shown for f in findings if (shown := excerpt(of, f))}
    return made
