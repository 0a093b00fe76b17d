"""Any history of changed keys: nobody is ever locked out, and an old key is refused once a newer one is proved."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import example, given
from hypothesis import strategies as st

from ocpp_lab import Ledger, StoreFailed
from ocpp_lab.central_system.keyring import Keyring
from ocpp_lab.credentials import NO_KEY, SealedKey, basic_auth
from tests.fakes import Failing

KEYS = [f"key {n} of sixteen" for n in range(4)]
"""The first is the configured one; any may be offered, also again."""

STEPS = [
    *(f"offer {n}" for n in range(4)),
    "taken",  # the oldest request that is on its way arrives, and its answer too
    "taken, answer lost",
    "refused",
    "lost",
    "dial",  # what is on its way may still arrive afterwards
    "restart",  # of the central system
]


class History:
    """Both ends. Offers have numbers; 0 is the configured key, with which both begin."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.restart()
        self.offered: dict[int, tuple[str, SealedKey]] = {0: (KEYS[0], NO_KEY)}
        """By number, what may still be the charge point's key as far as the central system can know."""
        self.newest = 0
        self.on_its_way: list[int] = []
        self.has = KEYS[0]

    def restart(self) -> None:
        self.keyring = Keyring({"CP_1": KEYS[0]}, self.ledger)

    def opens(self, key: str) -> bool:
        return self.keyring.opens(basic_auth("CP_1", key), "CP_1")

    def offer(self, key: str) -> None:
        sealed = self.keyring.offer("CP_1", key)
        self.newest += 1
        self.offered[self.newest] = key, sealed
        self.on_its_way.append(self.newest)

    def arrive(self, how: str) -> None:
        number = self.on_its_way.pop(0)
        key, sealed = self.offered[number]
        if how.startswith("taken"):
            self.has = key
        if how == "taken":
            self.keyring.accepted("CP_1", sealed)
            self.prove(number)
        if how == "refused":
            self.keyring.refused("CP_1", sealed)
            del self.offered[number]

    def dial(self) -> None:
        assert self.opens(self.has), "locked out"
        self.prove(min(number for number, (key, _) in self.offered.items() if key == self.has))

    def prove(self, number: int) -> None:
        self.offered = {each: offer for each, offer in self.offered.items() if each >= number}

    def do(self, step: str) -> None:
        match step.split(" "):
            case ["offer", number]:
                self.offer(KEYS[int(number)])
            case ["dial"]:
                self.dial()
            case ["restart"]:
                self.restart()
            case _ if self.on_its_way:
                self.arrive(step)

    def thief(self) -> None:
        """Whoever has an old key, or none, does not get in; and to try changes nothing."""
        for key in {*KEYS, "never heard of it"} - {key for key, _ in self.offered.values()}:
            assert not self.opens(key), f"{key} is old, and opens"
        assert not self.keyring.opens(None, "CP_1")


@given(st.lists(st.sampled_from(STEPS), max_size=14))
@example(["offer 1", "dial", "taken, answer lost", "restart", "dial"])  # an old key withdrew the offer
@example(
    ["offer 1", "offer 2", "offer 1", "taken, answer lost", "dial", "taken, answer lost", "dial"]
)  # twice the same
@example(["offer 1", "taken, answer lost", "restart", "dial", "restart", "dial"])  # the restart forgot it
def test_nobody_is_locked_out_and_no_old_key_opens(steps: list[str]) -> None:
    history = History()
    for step in steps:
        history.do(step)
        history.thief()
    history.dial()
    history.thief()


@given(st.lists(st.sampled_from([*STEPS, "disk fails", "disk mended"]), max_size=14))
def test_nobody_is_locked_out_by_a_disk_that_fails(steps: list[str]) -> None:
    """An offer that cannot be kept is not sent; a proof that cannot be kept leaves a key too many, none too few."""
    history = History()
    failing = Failing(1, once=False)
    for step in steps:
        if step.startswith("disk"):
            history.ledger.before = failing if step == "disk fails" else lambda sql: None
        elif step != "restart" or history.ledger.before is not failing:  # with no disk it would not start
            with suppress(StoreFailed):
                history.do(step)
    history.dial()
