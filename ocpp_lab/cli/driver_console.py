"""`DriverConsole`: the driver's side of a charge point. A line typed is what a driver does: plug, tag, unplug.

What comes of it is seen in the story: the frames, the statuses, and one line for the driver.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, NamedTuple, get_args

from .. import messages as m
from ..charge_point import ChargePoint
from ..errors import IllegalTransition, OcppError
from ..station.car import Car

A_DRIVER_SAYS = "plug 1"
A_USUAL_CAR = ("20", "11")
"""What a car wants (kWh) and takes (kW) if nobody says."""


class DriverVerb(NamedTuple):
    """One thing that a driver can type. ``usage`` names its words; those in brackets may be left out."""

    usage: str
    text: str
    do: Callable[[DriverConsole, Sequence[str]], Coroutine[Any, Any, str]]


class DriverConsole:
    """Does what is typed at a charge point. Each line is a task in ``group``; ``say(mark, text)`` tells what came of
    it."""

    def __init__(self, charge_point: ChargePoint, group: asyncio.TaskGroup, say: Callable[[str, str], None]) -> None:
        self.charge_point = charge_point
        self.group = group
        self.say = say

    def typed(self, line: str) -> None:
        """A line was typed."""
        try:
            verb, words = parse(line)
        except ValueError as problem:
            self.say("!", str(problem))
            return
        self.group.create_task(self._do(verb, words), name=f"driver {line:.20}")

    async def _do(self, verb: DriverVerb, words: Sequence[str]) -> None:
        try:
            for text in (await verb.do(self, words)).splitlines():
                self.say("=", text)
        except (ValueError, IllegalTransition) as problem:
            self.say("!", str(problem))
        except OcppError as problem:
            self.say("!", f"{verb.usage.split()[0]}: {problem}")

    # -- the verbs

    async def plug(self, words: Sequence[str]) -> str:
        """A car with a battery that wants so many kWh and takes so many kW."""
        number = self._connector(words[0])
        wanted, power = map(_kilo, ("KWH", "KW"), [*words[1:], *A_USUAL_CAR[len(words) - 1 :]])
        self.charge_point.charging.plug_in(number, Car(wanted=wanted, power=power))
        return f"connector {number}: a car is plugged in, it wants {wanted / 1000:g} kWh at {power / 1000:g} kW"

    async def unplug(self, words: Sequence[str]) -> str:
        """Pull the cable."""
        number = self._connector(words[0])
        self.charge_point.charging.unplug(number)
        return f"connector {number}: the cable is out"

    async def tag(self, words: Sequence[str]) -> str:
        """Hold a tag to the reader."""
        number = self._connector(words[0], least=0)
        status = await self.charge_point.charging.present(number, words[1])
        where = f"connector {number}" if number else "the reader"
        return f"{where}: the tag {words[1]} is {status}"

    async def fault(self, words: Sequence[str]) -> str:
        """Break a connector. Raises ValueError for a code that there is not."""
        number, code = self._connector(words[0]), [*words, "GroundFailure"][1]
        codes: dict[str, m.ChargePointErrorCode] = {each: each for each in get_args(m.ChargePointErrorCode)}
        del codes["NoError"]
        if code not in codes:
            raise ValueError(f"expected an error code, came {code:.50}; there are: {', '.join(codes)}")
        self.charge_point.charging.fault(number, codes[code])
        return f"connector {number}: {code}"

    async def repair(self, words: Sequence[str]) -> str:
        """Mend it."""
        number = self._connector(words[0])
        self.charge_point.charging.clear_fault(number)
        return f"connector {number}: repaired"

    async def jam(self, words: Sequence[str]) -> str:
        """Jam its lock."""
        return self._lock(words[0], jammed=True)

    async def free(self, words: Sequence[str]) -> str:
        """The lock works again."""
        return self._lock(words[0], jammed=False)

    def _lock(self, word: str, *, jammed: bool) -> str:
        number = self._connector(word)
        self.charge_point.charging.jam_lock(number, jammed)
        return f"connector {number}: the lock {'is jammed' if jammed else 'works'}"

    async def status(self, words: Sequence[str]) -> str:
        """All connectors."""
        wait = f"{len(self.charge_point.outbox)} transaction messages wait"
        rows = [f"{self.charge_point.identity} is {self.charge_point.state}; {wait}"]
        for number, place in self.charge_point.connectors.items():
            if number:
                running = self.charge_point.transactions.on(number)
                who = f"{running.id_tag} since {running.started:%H:%M:%S}" if running else "nobody"
                rows.append(f"{number}: {place.status:<13} {place.power / 1000:5.1f} kW {place.energy:9.0f} Wh  {who}")
        return "\n".join(rows)

    async def help(self, words: Sequence[str]) -> str:
        """What can be typed."""
        return "\n".join(f"{verb.usage:<22} {verb.text}" for verb in DRIVER_VERBS.values())

    def _connector(self, word: str, least: int = 1) -> int:
        most = len(self.charge_point.connectors) - 1
        if not (word.isascii() and word.isdigit() and least <= int(word) <= most):
            raise ValueError(f"expected a connector from {least} to {most}, came {word:.20}")
        return int(word)


DRIVER_VERBS: dict[str, DriverVerb] = {
    "plug": DriverVerb(
        "plug N [KWH [KW]]", "a car is plugged in: what it wants, and takes (20 and 11)", DriverConsole.plug
    ),
    "tag": DriverVerb(
        "tag N TAG", "a tag is held to the reader; N is 0 for the reader of the station", DriverConsole.tag
    ),
    "unplug": DriverVerb("unplug N", "the cable is pulled", DriverConsole.unplug),
    "fault": DriverVerb("fault N [CODE]", "the connector breaks (GroundFailure)", DriverConsole.fault),
    "repair": DriverVerb("repair N", "it is mended", DriverConsole.repair),
    "jam": DriverVerb("jam N", "the lock of its socket jams", DriverConsole.jam),
    "free": DriverVerb("free N", "the lock works again", DriverConsole.free),
    "status": DriverVerb("status", "what each connector does", DriverConsole.status),
    "help": DriverVerb("help", "this list", DriverConsole.help),
}
"""By the first word of a line."""


def parse(line: str) -> tuple[DriverVerb, list[str]]:
    """``tag 1 TAG_A`` to the verb and its words; raises ValueError with what to type instead."""
    name, *words = line.split()
    verb = DRIVER_VERBS.get(name.lower())
    if verb is None:
        raise ValueError(
            f"expected one of {', '.join(DRIVER_VERBS)}, came {name:.30}; such as: {A_DRIVER_SAYS}; or: help"
        )
    _, *named = verb.usage.split()
    least = sum(not word.startswith("[") for word in named)
    if not least <= len(words) <= len(named):
        raise ValueError(f"expected: {verb.usage}; came {len(words)} words after {name}")
    return verb, words


def _kilo(name: str, text: str) -> float:
    """Wh or W."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1000:
        raise ValueError(f"{name}: expected a number above 0 and up to 1000, came {text:.20}")
    return value * 1000
