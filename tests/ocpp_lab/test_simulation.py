"""`simulate`, `World` and `explore`: the same seed is the same run, and what goes wrong is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CallFailed
from ocpp_lab import messages as m
from ocpp_lab.frames import Call, CallResult
from ocpp_lab.messages import ACTIONS
from ocpp_lab.simulation import STORM, Failure, Run, Violation, World, chaos, explore, simulate, storm
from ocpp_lab.simulation import run as simulation_run
from ocpp_lab.simulation.__main__ import main as simulation_main
from tests.scenarios import CHAOS_SEEDS, CLOCK_SEEDS, STORM_SEEDS, an_hour, breaks_under_seed_3, wrong_clocks
from tests.schemas import officially_valid


async def raises(world: World) -> None:
    raise KeyError("a bug of the scenario")


async def leaves_a_task(world: World) -> None:
    world.task = asyncio.create_task(asyncio.sleep(1000), name="forgotten")  # type: ignore[attr-defined]


async def raises_unheard(world: World) -> None:
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)
    await asyncio.sleep(1)


# One run --------------------------------------------------------------------------------------------------------------


def test_an_hour_in_no_time() -> None:
    assert simulate(an_hour, seed=1) >= 3600


def test_the_date_is_simulated_too() -> None:
    async def scenario(world: World) -> float:
        before = world.now()
        await asyncio.sleep(86_400)
        return (world.now() - before).total_seconds()

    assert simulate(scenario) == 86_400


def test_one_charge_point_is_healed_and_the_other_is_not() -> None:
    """What was held back for the first arrives; what is held back for the second stays where it is."""

    async def scenario(world: World) -> dict[str, bool]:
        await world.start_central_system()
        points = {name: await world.start_charge_point(name) for name in ("CP_1", "CP_2")}
        for each in points.values():
            await each.wait_for("online")
        await asyncio.sleep(1)
        world.cut()
        calls = {name: asyncio.ensure_future(each.call(m.HeartbeatRequest())) for name, each in points.items()}
        await asyncio.sleep(5)
        world.heal("CP_1")
        await asyncio.sleep(5)
        answered = {name: call.done() for name, call in calls.items()}
        world.heal()
        await asyncio.gather(*calls.values())
        return answered

    assert simulate(scenario) == {"CP_1": True, "CP_2": False}


@pytest.mark.parametrize("scenario", [chaos, storm])
def test_the_same_seed_is_the_same_run(scenario: Any) -> None:
    """DESIGN.md, decision 7: every failure is replayable from its seed, to the last step of the loop."""
    runs = [Run(scenario, 7, record=True) for _ in range(2)]
    stories = [[str(event) for event in run.world.sites["CP_1"].trace] for run in runs]
    assert len(stories[0]) > 100
    assert stories[0] == stories[1]
    assert runs[0].loop.trace_hash() == runs[1].loop.trace_hash()


def test_another_seed_is_another_run() -> None:
    stories = [[str(event) for event in Run(chaos, seed).world.sites["CP_1"].trace] for seed in (1, 2)]
    assert stories[0] != stories[1]


async def test_from_a_notebook_cell() -> None:
    """A loop runs already: in a helper thread."""
    assert simulate(an_hour) >= 3600


async def test_from_a_cell_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place; the loop outside goes on afterwards as if nothing had been."""
    monkeypatch.setattr(simulation_run, "THREADS", False)
    outside = asyncio.create_task(asyncio.sleep(0.01, "still here"))
    assert simulate(an_hour) >= 3600
    assert asyncio.current_task() is not None
    assert await outside == "still here"


def test_what_the_scenario_raises_comes_out_and_the_seed_is_told() -> None:
    with pytest.raises(KeyError) as failure:
        simulate(raises, seed=5)
    assert failure.value.__notes__ == ["under seed 5"]


@pytest.mark.parametrize(
    ("scenario", "invariant", "says"),
    [
        (leaves_a_task, "nothing is left", "forgotten"),
        (raises_unheard, "nothing is raised where nobody listens", "ZeroDivisionError"),
    ],
)
def test_nothing_is_left_behind(scenario: Any, invariant: str, says: str) -> None:
    with pytest.raises(Violation, match=says) as failure:
        simulate(scenario)
    assert failure.value.invariant == invariant


def test_a_file_that_is_left_open_is_found() -> None:
    async def scenario(world: World) -> None:
        world.file = _open(world.disk.path("left"))  # type: ignore[attr-defined]

    run = Run(scenario, 0)
    run.world.file.close()  # type: ignore[attr-defined]
    assert "open files: left.1.db" in str(run.error)


def _open(path: str) -> Any:
    return Path(path).open("w")


def test_the_files_are_gone_at_the_end() -> None:
    run = Run(an_hour, 0)
    assert not Path(run.world.sites["CP_1"].path).parent.exists()


# The world ------------------------------------------------------------------------------------------------------------


def test_a_power_cut_loses_what_was_not_written_down() -> None:
    """The restarted machine opens what was on the disk at the instant of the crash."""

    async def scenario(world: World) -> tuple[int, int, str]:
        await world.start_central_system()
        charge_point = await world.start_charge_point("CP_1")
        site = world.sites["CP_1"]
        world.cut()
        charge_point.charging.plug_in(1)
        await site.do(_start(charge_point))
        before = len(charge_point.outbox)
        site.crash()
        charge_point.outbox.delete(1)  # the dying process writes on; nobody opens its file again
        await asyncio.sleep(10)
        again = await site.start()
        world.heal()
        await again.wait_for("online")
        await asyncio.sleep(100)
        [row] = world.central_system.ledger.rows()
        return before, len(again.outbox), row["reason"]

    assert simulate(scenario) == (1, 0, "PowerLoss")


async def _start(charge_point: Any) -> None:
    charge_point.charging.start(1, "TAG")


def test_a_central_system_without_memory_asks_for_a_boot() -> None:
    """J-errata 3.8: SecurityError, and a BootNotification is triggered."""

    async def scenario(world: World) -> list[str]:
        await world.start_central_system()
        charge_point = await world.start_charge_point("CP_1", ping_interval=20)
        await charge_point.wait_for("online")
        await asyncio.sleep(1)  # its statuses are told: nothing is left to say when it comes back
        world.central_system_site.crash()
        await asyncio.sleep(60)
        await world.central_system_site.start(forget="everything")
        await charge_point.wait_for("online")
        with pytest.raises(CallFailed, match="SecurityError"):
            await charge_point.call(m.HeartbeatRequest())
        await asyncio.sleep(10)
        assert charge_point.state == "online"
        return [e.frame.action for e in world.central_system.received if isinstance(e.frame, Call)]

    assert simulate(scenario).count("BootNotification") == 2


def test_a_silent_direction() -> None:
    """The charge point is not heard; it hears nothing wrong until its ping has no pong."""

    async def scenario(world: World) -> float:
        await world.start_central_system(ping_interval=None)
        charge_point = await world.start_charge_point("CP_1", ping_interval=20)
        await charge_point.wait_for("online")
        since = world.time
        world.silence("CP_1", "cs")
        await charge_point.wait_for("waiting")
        return world.time - since

    assert 20 <= simulate(scenario) <= 50


# Many runs ------------------------------------------------------------------------------------------------------------


def test_explore_tells_the_first_failing_seed() -> None:
    report = explore(breaks_under_seed_3, range(10))
    assert report.failure is not None and not report.ok
    assert (report.seeds, report.failure.seed, report.failure.invariant) == (4, 3, "seeds are not three")
    told = str(report)
    assert "Heartbeat CP_1/1/10" in report.failure.ladder and report.failure.ladder in told
    assert "from tests.scenarios import breaks_under_seed_3; simulate(breaks_under_seed_3, seed=3)" in told


def test_explore_in_several_processes() -> None:
    """The same answer as in one."""
    one, two = (explore(breaks_under_seed_3, range(30), jobs=jobs).failure for jobs in (1, 2))
    assert isinstance(one, Failure)
    assert one == two


def test_the_replay_line_of_a_partial() -> None:
    failure = explore(partial(breaks_under_seed_3), [3]).failure
    assert failure and failure.replay == "simulate(partial(breaks_under_seed_3), seed=3)"


def test_a_bug_of_the_scenario_is_a_failure_too() -> None:
    failure = explore(raises, [0]).failure
    assert failure and (failure.invariant, failure.ladder) == ("KeyError", "(no charge point was started)")


# Chaos ----------------------------------------------------------------------------------------------------------------


def test_chaos() -> None:
    """Everything that goes wrong is survived and nothing is lost."""
    report = explore(chaos, range(CHAOS_SEEDS))
    assert report.ok, str(report)
    assert not [what for what in report.counted if what.startswith("dropped")]
    assert report.counted["messages"] > 20 * report.seeds
    assert report.counted["lives"] > 2 * report.seeds


def test_storm() -> None:
    """More failures than attempts and a small outbox: what is lost is accounted for."""
    report = explore(storm, range(STORM_SEEDS))
    assert report.ok, str(report)
    assert report.counted["dropped: attempts"] > 0
    assert report.counted["dropped: overflow"] > 0


def test_wrong_clocks() -> None:
    """Own clocks that are wrong and jump, and are set by the central system: nothing is lost, no timestamp repeats."""
    report = explore(wrong_clocks, range(CLOCK_SEEDS))
    assert report.ok, str(report)
    assert not [what for what in report.counted if what.startswith("dropped")]


def test_every_frame_is_officially_valid() -> None:
    """The official schemas, over what was sent in a run; but for the replies that faults spoilt."""
    run = Run(partial(chaos, profile=STORM), 4)
    assert run.error is None
    seen: Counter[str] = Counter()
    wrong = 0
    for site in run.world.sites.values():
        asked: dict[str, str] = {}
        for event in site.trace:
            match event.frame:
                case Call(unique_id=unique_id, action=action, payload=payload):
                    asked[unique_id] = action
                    seen[action] += 1
                    assert officially_valid(ACTIONS[action].request.__name__.removesuffix("Request"), payload), event
                case CallResult(unique_id=unique_id, payload=payload) if unique_id in asked:
                    wrong += not officially_valid(f"{asked[unique_id]}Response", payload)
    assert wrong <= run.world.central_system.faults.applied.get("wrong payload", 0)
    assert seen["StartTransaction"] and seen["MeterValues"] and seen["StatusNotification"]


# --- the command


def test_the_command_plays_both_scenarios_unless_one_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """`make chaos` names none: chaos and storm share the seeds."""
    assert simulation_main(["--seeds", "2"]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines() if "no invariant" in line] == [
        "chaos",
        "storm",
    ]
    with pytest.raises(SystemExit):
        simulation_main(["drizzle"])
    assert "expected chaos or storm, came 'drizzle'" in capsys.readouterr().err
