"""`Upgrade`: every joint state of both ends within seven events, and nobody is locked out (whitepaper A05)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

import pytest

from ocpp_lab.security.upgrade import Upgrade, after_dial, answer_upgrade, settled

ALL = {"key": True, "root": True, "certificate": True}


@pytest.mark.parametrize("state", [settled(0), settled(1), settled(2), settled(3), Upgrade(1, 3, 3), Upgrade(1, 3, 1)])
@pytest.mark.parametrize("has", list(product([False, True], repeat=3)))
def test_the_table(state: Upgrade, has: tuple[bool, bool, bool]) -> None:
    """A05.FR.01 to A05.FR.05; one change at a time."""
    key, root, certificate = has
    for profile in range(4):
        prepared = (key or profile in (0, 3)) and (root or profile < 2) and (certificate or profile < 3)
        answer, after = answer_upgrade(state, str(profile), key=key, root=root, certificate=certificate)
        if state.wanted is None and profile > state.current and prepared:
            assert (answer, after) == ("Accepted", Upgrade(state.current, profile, profile))
        else:
            assert (answer, after) == ("Rejected", state)


@pytest.mark.parametrize("value", ["2.0", " 3", "3 ", "+3", "٣", "4", "-1", "", "03", "three"])
def test_what_is_no_profile(value: str) -> None:
    assert answer_upgrade(settled(1), value, **ALL) == ("Rejected", settled(1))


def test_settled_is_settled() -> None:
    """A lost line is no reason to go anywhere (A00.FR.005)."""
    for profile, proved in product(range(4), [False, True]):
        assert after_dial(settled(profile), proved) == settled(profile)


# Both ends ------------------------------------------------------------------------------------------------------------


class Joint(NamedTuple):
    """A charge point and a central system. ``taken`` is the least profile that this one accepts, ``offered`` what it
    has asked for; ``proved`` and ``seen`` are the highest profile of which each end knows that it works."""

    state: Upgrade
    taken: int
    offered: frozenset[int]
    proved: int
    seen: int

    def lets_in(self, profile: int) -> bool:
        return profile == self.taken or profile in self.offered

    def connected(self, profile: int) -> Joint:
        """The central system takes no less from now on (A05.FR.09)."""
        offered = frozenset(each for each in self.offered if each > profile)
        if profile > self.taken:
            return self._replace(taken=profile, offered=offered, seen=max(self.seen, profile))
        return self._replace(seen=max(self.seen, profile))


Answering = Callable[..., tuple[str, Upgrade]]
Advancing = Callable[[Upgrade, bool], Upgrade]


def successors(joint: Joint, answer: Answering, advance: Advancing) -> Iterator[tuple[str, Joint]]:
    for value in "123":
        said, state = answer(joint.state, value, **ALL)
        if int(value) <= joint.taken:
            continue
        offering = joint._replace(offered=joint.offered | {int(value)})
        yield f"{value}: request lost", offering
        yield f"{value}: answer lost", offering._replace(state=state)
        yield f"{value}: {said}", offering._replace(state=state) if said == "Accepted" else joint._replace(state=state)
    profile = joint.state.trying
    yield "dial cut", joint._replace(state=advance(joint.state, False))
    if joint.lets_in(profile):
        there = joint.connected(profile)
        yield "first answer lost", there._replace(state=advance(joint.state, False))
        here = max(joint.proved, profile)
        yield "connected", there._replace(state=advance(joint.state, True), proved=here)


def weaknesses(answer: Answering = answer_upgrade, advance: Advancing = after_dial) -> set[str]:
    """What is wrong in some state that is reached within seven events."""
    first = Joint(settled(1), 1, frozenset(), 1, 1)
    depth, queue, found = {first: 0}, deque([first]), set()
    while queue:
        joint = queue.popleft()
        found |= set(faults(joint, advance))
        for _, after in successors(joint, answer, advance):
            if after not in depth and depth[joint] < 7:
                depth[after] = depth[joint] + 1
                queue.append(after)
    assert len(depth) > 10
    return found


def faults(joint: Joint, advance: Advancing) -> Iterator[str]:
    if joint.state.trying < joint.proved:
        yield "dials with less than it has proved"
    state = joint.state
    for _ in range(3):
        if joint.lets_in(state.trying):
            break
        state = advance(state, False)
    else:
        yield "locked out on an honest line"
    state = joint.state
    for _ in range(3):  # of all that nobody has seen work, nothing works: the authority is a wrong one
        if state.trying <= max(joint.proved, joint.seen) and joint.lets_in(state.trying):
            break
        state = advance(state, False)
    else:
        yield "locked out by a wrong authority"


def test_nobody_is_locked_out() -> None:
    assert weaknesses() == set()


def test_the_search_finds_what_is_wrong() -> None:
    """Each reasonable and wrong rule has a history that breaks it."""

    def commits_first(state: Upgrade, value: str, **has: bool) -> tuple[str, Upgrade]:
        said, after = answer_upgrade(state, value, **has)
        return said, settled(after.trying)

    def falls_back_for_good(state: Upgrade, proved: bool) -> Upgrade:
        return after_dial(state, proved) if proved or state.wanted is None else settled(state.current)

    def fallback_for_ever(state: Upgrade, proved: bool) -> Upgrade:
        return state if proved else after_dial(state, proved)

    def never_falls_back(state: Upgrade, proved: bool) -> Upgrade:
        return after_dial(state, proved) if proved else state

    assert "locked out by a wrong authority" in weaknesses(answer=commits_first)
    assert "locked out on an honest line" in weaknesses(advance=falls_back_for_good)
    assert "locked out by a wrong authority" in weaknesses(advance=never_falls_back)
    assert weaknesses(advance=fallback_for_ever)
