"""`@simulated` itself, shown to bite: a harness that cannot fail proves nothing."""

from __future__ import annotations

import asyncio

import pytest
from simloop import SimulationDeadlockError

from tests.simulated import clock, quiet, run_simulated, simulated


async def _takes_a_day() -> float:
    await asyncio.sleep(86_400)
    return clock()


async def _waits_for_ever() -> None:
    await asyncio.get_running_loop().create_future()


async def _beats_for_ever() -> None:
    while True:  # noqa: ASYNC110
        await asyncio.sleep(1000)


async def _spins() -> None:
    while True:  # noqa: ASYNC110
        await asyncio.sleep(0)


async def _leaves_a_task() -> None:
    asyncio.get_running_loop().task = asyncio.create_task(asyncio.sleep(9), name="forgotten")  # type: ignore[attr-defined]


async def _leaves_a_timer() -> None:
    asyncio.get_running_loop().call_later(60, print)


async def _raises_unheard() -> None:
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await quiet()


async def _never_retrieved() -> None:
    asyncio.get_running_loop().create_future().set_exception(KeyError("nobody asked"))


async def _own_timeout() -> None:
    async with asyncio.timeout(1):
        await _waits_for_ever()


def test_a_day_passes_in_no_time() -> None:
    assert run_simulated(_takes_a_day(), seed=0) == 86_400


@pytest.mark.parametrize(
    ("scenario", "error", "says"),
    [
        (_beats_for_ever, AssertionError, "did not end within 100000"),
        (_spins, SimulationDeadlockError, "hardly waits"),
        (_leaves_a_task, AssertionError, "task forgotten"),
        (_leaves_a_timer, AssertionError, "timer"),
        (_raises_unheard, AssertionError, "ZeroDivisionError"),
        (_never_retrieved, AssertionError, "nobody asked"),
        (_own_timeout, TimeoutError, "^$"),
    ],
)
def test_it_fails(scenario, error, says, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("tests.simulated.MOST_TURNS", 10_000)
    with pytest.raises(error, match=says):  # notes are searched too
        run_simulated(scenario(), seed=1, limit=1e5)


def test_waiting_for_what_never_comes_fails_at_the_limit() -> None:
    with pytest.raises(AssertionError, match="did not end within 50 simulated seconds"):
        run_simulated(_waits_for_ever(), seed=1, limit=50)


def test_each_seed_is_run_and_the_failing_one_is_named() -> None:
    seen: list[int] = []

    @simulated(seeds=3)
    async def third_time_unlucky() -> None:
        seen.append(1)
        assert len(seen) < 3

    with pytest.raises(AssertionError) as failure:
        third_time_unlucky()
    assert len(seen) == 3
    assert "seed 2" in failure.value.__notes__[0]


@pytest.mark.parametrize("value", [1, 2])
@simulated
async def test_parameters_arrive(value: int) -> None:
    await asyncio.sleep(value)
    assert clock() == value
