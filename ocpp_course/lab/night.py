"""The night that the course tells: one `Hour` for each milestone. START, headers and footers are made from this table.

A milestone joins by a line in `NIGHT` and a picture in tiles.py.
"""

from __future__ import annotations

from dataclasses import dataclass

POINTS = 20
"""What each exercise gives at most."""
WARM_UP = "00_asyncio_warm_up"
WARM_UP_MINUTES = 30


@dataclass(frozen=True)
class Hour:
    """One milestone, as START's card tells it. ``reading`` and ``building`` are minutes of notebook and exercise."""

    number: int
    time: str
    name: str
    question: str
    happens: str
    goal: str
    picture: str
    """What the card's picture shows, in words."""
    reading: int
    sittings: int
    building: int
    steps: int

    @property
    def stem(self) -> str:
        """The name of the files, of notebook and exercise."""
        return f"{self.number:02}_{self.name.lower().replace(' ', '_')}"


NIGHT = (
    Hour(
        1, "17:40", "Smoke tests", "Did anybody hear me, and how long do I wait?",
        "CP_1 calls home, and nobody answers.", "Tell four ends of a call apart.",
        "Four calls: one is answered, one is refused, one meets silence, one is cut off",
        reading=60, sittings=2, building=145, steps=6,
    ),
    Hour(
        2, "18:15", "Dispatch and router", "Which code answers this text, and what if none does?",
        "A typo in a release makes CP_1 deaf.", "Give every call one handler, or one honest error.",
        "A frame meets four handlers, and one of them, Authorize, is the right one",
        reading=50, sittings=1, building=135, steps=6,
    ),
    Hour(
        3, "19:02", "Session reconnect", "What survives when the connection dies in the middle of a sentence?",
        "The router reboots while a driver starts.", "Lose nothing, and invoice nothing twice.",
        "The connection is cut, and three messages wait in the outbox of the charge point",
        reading=75, sittings=2, building=165, steps=7,
    ),
    Hour(
        4, "20:20", "Call correlation", "Whose answer is this?",
        "Answers come late, crossed and twice. A blocked card charges.", "Match answers by their ids.",
        "Three calls and their answers, which come in another order",
        reading=50, sittings=1, building=155, steps=7,
    ),
    Hour(
        5, "21:30", "Lifecycle loop", "How do the parts live, die and come back as one?",
        "Each part passed its tests. Together they call a dead connection online.",
        "Dial, boot, live, die, come back.",
        "A circle of four states: booting, online, lost, waiting",
        reading=75, sittings=2, building=165, steps=7,
    ),
    Hour(
        6, "23:55", "Integration and metrics", "What happened tonight?",
        "2 GB of logs, one average, and both say that all is well.", "Count so that nothing hides.",
        "How long calls took, as bars: most are quick, and a few behind the mark p99 are slow",
        reading=60, sittings=2, building=130, steps=5,
    ),
)  # fmt: skip


def hour(number: int) -> Hour:
    """The hour of a milestone. Raises LookupError for one that the night does not have."""
    for each in NIGHT:
        if each.number == number:
            return each
    raise LookupError(f"expected a milestone of {[each.number for each in NIGHT]}, came {number}")


def spoken(minutes: int) -> str:
    """``45 min``, ``2 h``, ``2 h 25``."""
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02}".removesuffix(" 00")
