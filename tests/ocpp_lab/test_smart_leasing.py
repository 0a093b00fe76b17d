"""`leased`, `Lease`, `moves`: limits with an end (core 3.13.6)."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from ocpp_lab import encode_payload
from ocpp_lab.smart_charging import Installed, Lease, Rules, composite, install, leased, moves, share
from tests.fakes import NOON
from tests.house import scaled
from tests.profiles import after

A_HALF = timedelta(milliseconds=500)


def read(one: object, seconds: int = 1000, started: float = -400) -> list[tuple[int, float]]:
    """The composite schedule with it alone."""
    schedule = composite([one], 1, NOON, seconds, "A", started=after(started))  # type: ignore[list-item]
    return [(each.start_period, each.limit) for each in schedule.charging_schedule_period]


# leased ---------------------------------------------------------------------------------------------------------------


def test_a_lease_ends_by_itself() -> None:
    """On the second, however old the transaction is; and after it the fallback holds, not the default."""
    one = leased(7, 32.0, 6.0, 590, NOON + A_HALF, profile_id=1)
    assert read(Installed(1, one)) == [(0, 32), (590, 6)]
    assert one.charging_schedule.duration is None
    encode_payload(one)


def test_a_lease_is_for_its_own_transaction() -> None:
    """Late, it must not hit the next driver."""
    one = Installed(1, leased(7, 32.0, 6.0, 590, NOON, profile_id=1))
    assert install([], one, {1: 7}, Rules())[0] == "Accepted"
    assert install([], one, {1: 8}, Rules())[0] == "Rejected"


# Lease ----------------------------------------------------------------------------------------------------------------


def test_without_a_lease_it_is_the_fallback() -> None:
    lease = Lease(6.0)
    assert (lease.most(0), lease.limit(0)) == (6, None)


def test_an_accepted_one_replaces_all_before_it() -> None:
    lease = Lease(6.0)
    lease.sent(32, 100)
    lease.accepted()
    assert (lease.most(99), lease.limit(99)) == (32, 32)
    lease.sent(10, 200)
    assert (lease.most(50), lease.limit(50)) == (32, None)  # a lowering may not have arrived
    lease.accepted()
    assert (lease.most(50), lease.limit(50)) == (10, 10)


def test_one_without_an_answer_may_be_in_force() -> None:
    lease = Lease(6.0)
    lease.sent(10, 100)
    lease.accepted()
    lease.sent(32, 200)  # and silence
    lease.sent(8, 300)
    assert lease.most(50) == 32
    lease.refused()
    assert (lease.most(50), lease.limit(50)) == (32, None)  # of the silent one nobody knows
    assert (lease.most(150), lease.limit(150)) == (32, None)
    assert (lease.most(250), lease.limit(250)) == (6, None)


def test_a_refused_one_leaves_the_old_one() -> None:
    lease = Lease(6.0)
    lease.sent(10, 100)
    lease.accepted()
    lease.sent(32, 200)
    lease.refused()
    assert (lease.most(50), lease.limit(50)) == (10, 10)


def test_it_runs_out_and_ends() -> None:
    lease = Lease(6.0)
    lease.sent(32, 100)
    lease.accepted()
    assert (lease.most(100), lease.limit(100)) == (6, None)
    lease.sent(32, 200)
    lease.accepted()
    lease.ended()
    assert (lease.most(150), lease.limit(150)) == (6, None)


def test_it_never_counts_less_than_the_fallback() -> None:
    lease = Lease(6.0)
    lease.sent(0, 100)
    lease.accepted()
    assert (lease.most(50), lease.limit(50)) == (6, 0)


def test_silence_for_ever_is_not_remembered_for_ever() -> None:
    lease = Lease(6.0)
    for second in range(1000):
        lease.sent(10, second + 5)
        lease.most(second)
    assert len(lease._possible) <= 6


# moves ----------------------------------------------------------------------------------------------------------------


def with_limit(limit: float, until: float = 1000.0) -> Lease:
    lease = Lease(6.0)
    lease.sent(limit, until)
    lease.accepted()
    return lease


@pytest.mark.parametrize(
    ("room", "limits", "targets", "sent"),
    [
        (64, [32, 32], [32, 32], {}),
        (40, [20, 20], [10, 30], {"0": 10}),  # the lowering first: it frees nothing before it was heard
        (50, [20, 20], [10, 30], {"0": 10, "1": 30}),
        (50, [20, 20], [30, 30], {"0": 30}),
        (45.55, [20, 20], [30, 30], {"0": 25.5}),
        (20, [20, 20], [10, 10], {"0": 10, "1": 10}),  # the room has become smaller than what they draw
    ],
)
def test_moves(room: float, limits: list[float], targets: list[float], sent: dict[str, float]) -> None:
    leases = {str(n): with_limit(limit) for n, limit in enumerate(limits)}
    assert moves(room, 0, leases, {str(n): target for n, target in enumerate(targets)}) == sent


def test_idle_and_dark_connectors_count() -> None:
    assert moves(40, 0, {"a": with_limit(20), "dark": with_limit(14), "idle": Lease(6.0)}, {"a": 32.0}) == {}


def test_a_lease_is_renewed_when_asked_for() -> None:
    assert moves(64, 0, {"a": with_limit(32)}, {"a": 32.0}, ["a"]) == {"a": 32}


def test_a_fuse_holds_on_a_network_that_loses_requests_and_answers() -> None:
    """What the connectors *may* draw is never more than the room, and on a quiet line the targets are reached."""
    for seed in range(scaled(50, 500)):
        rng, room = Random(seed), 60.0
        names = [f"car {n}" for n in range(4)]
        leases = {name: Lease(6.0) for name in names}
        real = dict.fromkeys(names, (6.0, 1000000000.0, 6.0))  # what holds: limit, until, and then
        for at in range(0, 2000, 10):
            wants = {name: rng.choice([6.0, 10.0, 20.0, 32.0]) for name in names}
            quiet = at % 500 > 400
            if quiet:
                wants = {name: 12.0 + number for number, name in enumerate(names)}
            for name, limit in moves(room, at, leases, share(room, wants), names if rng.random() < 0.3 else ()).items():
                seconds = 1000 if quiet else rng.choice([20, 60])
                leases[name].sent(limit, at + seconds)
                arrives, heard = quiet or rng.random() < 0.7, quiet or rng.random() < 0.7
                refuses = not quiet and rng.random() < 0.1
                if arrives and not refuses:
                    real[name] = limit, at + seconds, 6.0
                if arrives and heard:
                    (leases[name].refused if refuses else leases[name].accepted)()
            drawn = [limit if at < until else fallback for limit, until, fallback in real.values()]
            assert sum(drawn) <= room + 1e-9, (seed, at)
            assert sum(lease.most(at) for lease in leases.values()) <= room + 1e-9, (seed, at)
        assert [leases[name].limit(1990) for name in names] == [12, 13, 14, 15], seed
