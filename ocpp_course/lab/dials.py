"""Dials: how often and when a charge point dialled again, read from its trace. And a fleet that is cut off."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from ocpp_lab.backoff import backoff
from ocpp_lab.central_system import Policy
from ocpp_lab.frames import CallResult
from ocpp_lab.trace import Event

if TYPE_CHECKING:  # a notebook that simulates nothing needs no simulation
    from ocpp_lab.simulation import World

BEAT = 20
"""Seconds between two heartbeats of a simulated fleet."""


class Dial(NamedTuple):
    """One attempt to come back: the ``number``-th since the line last proved itself.

    ``at`` is in seconds since the loss, ``wait`` how long the charge point waited right before.
    """

    identity: str
    number: int
    at: float
    wait: float


def dials(events: Iterable[Event]) -> list[Dial]:
    """Every attempt to come back. As in `keep_connected`, an open line is no proof: an answer to one of us is."""
    found: list[Dial] = []
    state, number, began, lost_at = "", 0, 0.0, 0.0
    for event in events:
        if event.mark == "=":
            state, said = event.text.partition(" → ")[2], event.text
            if said.endswith(("→ waiting (lost)", "→ failed (failed)")):
                lost_at = event.at
                began = began if number else event.at
            elif said.endswith("(wait_over)"):
                number += 1
                found.append(Dial(event.identity, number, event.at - began, event.at - lost_at))
        if number and _proves(event, state):
            number = 0
    return found


def _proves(event: Event, state: str) -> bool:
    """A boot was accepted, or a charge point that was accepted before got an answer."""
    if event.mark == "<" and state.startswith("online"):
        return isinstance(event.frame, CallResult)
    return state.endswith("(accepted)")


def envelope(count: int, *, wait_minimum: int = 3, repeat_times: int = 3, random_range: int = 10) -> list[range]:
    """The seconds that each of the first waits may take: a ``range`` that holds both ends."""
    options = {"wait_minimum": wait_minimum, "repeat_times": repeat_times, "random_range": random_range}
    least, most = backoff(_Always(0.0), **options), backoff(_Always(1.0), **options)
    return [range(int(next(least)), int(next(most)) + 1) for _ in range(count)]


class _Always(Random):
    """Chance that always falls on the same end."""

    def __init__(self, share: float) -> None:
        super().__init__(0)
        self.share = share

    def randint(self, a: int, b: int) -> int:
        return a + round(self.share * (b - a))


async def outages(
    world: World, *, charge_points: int = 200, seconds: float = 60.0, ranges: Sequence[int] = (0, 10)
) -> dict[int, list[Dial]]:
    """A scenario for `simulate`: a central system restarts, and everybody wants back in; once for each random range.

    All connections are closed at one instant with 1012 (service restart); for so many seconds a dial is refused with
    503, as by a load balancer with nothing behind it. It goes on when all are online again. Returns the dials by range.
    """
    central_system = await world.start_central_system(policy=Policy(interval=BEAT))
    names = [f"CP_{number}" for number in range(1, charge_points + 1)]
    wide = ranges[0]

    def delays(name: str) -> Iterator[float]:
        return backoff(world.rng(f"waits {name}"), random_range=wide)

    for name in names:
        await world.start_charge_point(name, delays=partial(delays, name))
    found: dict[int, list[Dial]] = {}
    for wide in ranges:
        await _all_online(world)
        await asyncio.sleep(1.5 * BEAT)  # a Heartbeat was answered: every line has proved itself
        began = world.time
        central_system.faults.refuse()
        await asyncio.gather(*(session.close(1012) for session in list(central_system.sessions.values())))
        await asyncio.sleep(seconds)
        central_system.faults.clear()
        await _all_online(world)
        stories = [[event for event in site.trace if event.at >= began] for site in world.sites.values()]
        found[wide] = [dial for story in stories for dial in dials(story)]
    return found


async def _all_online(world: World) -> None:
    for name in world.sites:
        await world.charge_point(name).wait_for("online")
