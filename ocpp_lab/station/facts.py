"""`Facts`: what is known of one connector and who uses it; whatever happens changes them, and the rest follows.

A charging session lasts from the first touch (cable, tag, app) to the free place (core 3.6). A transaction needs two
facts, a cable and an accepted tag. Facts have no order, so the touches have none either (core 4.9).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from ..messages import ChargePointStatus
from .rights import same

SessionPhase = Literal["free", "begun", "running", "over"]
"""Nobody is here; a session without a transaction; a transaction runs; it ended, or nobody came in time, and the cable
is still in."""

Happening = Literal[
    "plug", "unplug", "ask", "yes", "no", "again", "timeout", "stop", "inoperative", "operative", "fault", "repaired",
    "reserve", "release", "car pauses", "car goes on", "we pause", "we go on",
]  # fmt: skip
"""What may happen at a connector; `happens` says what comes of each."""


class Facts(NamedTuple):
    """Of one connector. What is here follows from them: `status_of`, `follow`."""

    phase: SessionPhase = "free"
    cable: bool = False
    """Whether a cable is in that its driver has to pull; while a transaction runs: whether a car is at its end."""
    tag: str | None = None
    """The tag that is accepted, and waits for the cable, or whose transaction runs."""
    asked: str | None = None
    """The tag about which somebody is being asked."""
    offers: bool = True
    """Whether we let energy flow."""
    takes: bool = True
    """Whether the car wants any."""
    operative: bool = True
    """Availability as it was last commanded (core 5.2)."""
    reserved: bool = False
    fault: bool = False


def status_of(facts: Facts) -> ChargePointStatus:
    """The status that is told (core 4.9)."""
    match facts.phase:
        case _ if facts.fault:
            return "Faulted"
        case "begun":
            return "Preparing"
        case "over":
            return "Finishing"
        case "running" if not facts.offers:
            return "SuspendedEVSE"  # which has precedence if the car pauses, too
        case "running":
            return "Charging" if facts.takes and facts.cable else "SuspendedEV"
        case "free" if not facts.operative:
            return "Unavailable"
    return "Reserved" if facts.reserved else "Available"


def is_open(facts: Facts) -> bool:
    """Whether a tag may be asked about: nobody else's waits, runs, or is being asked about here."""
    return _may_begin(facts) and facts.tag is None and facts.asked is None


def _may_begin(facts: Facts) -> bool:
    return not facts.fault and (facts.phase == "begun" or (facts.phase == "free" and facts.operative))


def follow(facts: Facts) -> list[Facts]:
    """These facts, and then what follows from them by itself, one change a link, until nothing does."""
    chain = [facts]
    while link := _next(chain[-1]):
        chain.append(link)
    return chain


def _next(facts: Facts) -> Facts | None:
    here = facts.tag is not None or (facts.cable and not facts.reserved)  # a stranger's cable ends no reservation
    match facts.phase:
        case "free" if here and facts.operative and not facts.fault:
            return facts._replace(phase="begun")
        case "begun" if not facts.cable and facts.tag is None:
            return facts._replace(phase="free")
        case "begun" if facts.cable and facts.tag is not None and not facts.fault:
            return facts._replace(phase="running", reserved=False)  # a start ends the reservation (core 5.13)
        case "over" if not facts.cable:
            return facts._replace(phase="free")
    return None


def starts(before: Facts, chain: list[Facts]) -> bool:
    """Whether a transaction begins on the way."""
    return before.phase != "running" and any(link.phase == "running" for link in chain)


def happens(facts: Facts, event: Happening, tag: str | None = None, *, stop_on_unplug: bool = True) -> list[Facts]:
    """What comes of an event: a chain of facts, as `follow` gives it. What does not apply changes nothing.

    ``tag`` is for "ask", "yes", "no" and "again"; ``stop_on_unplug`` is StopTransactionOnEVSideDisconnect.
    """
    match event:
        case "unplug" if facts.phase == "running" and stop_on_unplug:
            over = _over(facts)
            return [over, *follow(over._replace(cable=False))]
        case "yes" | "no" if not same(facts.asked, tag):
            return [facts]
        case "yes":  # the driver may have gone, or the place may have been withdrawn, while somebody was asked
            tag = facts.asked if _may_begin(facts) and facts.tag is None else facts.tag
            return follow(facts._replace(asked=None, tag=tag))
        case "timeout" if facts.phase == "begun" and facts.asked is None:  # who waits for an answer came in time
            # With the cable in, the next tag would pay for this car (core errata 3.20).
            return follow(facts._replace(phase="over" if facts.cable else "free", tag=None))
        case "stop" if facts.phase == "running":
            return follow(_over(facts))
        case "again" if facts.phase == "over" and facts.cable and facts.operative and not facts.fault:
            return follow(facts._replace(phase="begun", tag=tag))  # core 4.9, F2: the same driver, and nobody else
    return follow(_changed(facts, event, tag))


def _over(facts: Facts) -> Facts:
    return facts._replace(phase="over", tag=None, offers=True, takes=True)


def _changed(facts: Facts, event: Happening, tag: str | None) -> Facts:
    """The same facts but for what leads nowhere by itself; if the event does not apply, the same."""
    running = facts.phase == "running"
    match event:
        case "plug" | "unplug":
            return facts._replace(cable=event == "plug")
        case "ask" if is_open(facts):
            return facts._replace(asked=tag)
        case "no":
            return facts._replace(asked=None)
        case "inoperative":
            asked = None if facts.phase == "free" else facts.asked
            return facts._replace(operative=False, reserved=False, asked=asked)
        case "operative":
            return facts._replace(operative=True)
        case "fault":  # it ends a reservation, a question and who waits, and no transaction (core 5.13)
            return facts._replace(fault=True, reserved=False, asked=None, tag=facts.tag if running else None)
        case "repaired":
            return facts._replace(fault=False)
        case "reserve" if facts.phase == "free" and not facts.cable and facts.operative and not facts.fault:
            return facts._replace(reserved=True)
        case "release":
            return facts._replace(reserved=False)
        case "car pauses" if running:
            return facts._replace(takes=False)
        case "we pause" if running:
            return facts._replace(offers=False)
        case "car goes on":
            return facts._replace(takes=True)
        case "we go on":
            return facts._replace(offers=True)
    return facts
