"""A strip tells what the trace tells: states, deaths, returns, heartbeats; and every state is told from the others."""

from __future__ import annotations

import asyncio
import io
import math
from collections.abc import Sequence
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image, ImageColor

from ocpp_course.lab import cadence, detection, heartbeats_per_minute, life, states
from ocpp_course.lab.lifecycle import detection_finding
from ocpp_course.lab.strip import DEAD, HATCHES, Life, _levels, states_finding
from ocpp_course.lab.style import STATES, WIDE, WIDTH
from ocpp_lab import CONNECTION, Event, Policy, Sample, Timeline
from ocpp_lab.simulation import World, simulate


def state(at: float, change: str) -> Event:
    return Event(at, "CP_1", "=", change)


def frame(at: float, mark: str, text: str) -> Event:
    return Event(at, "CP_1", mark, text)


def beat(at: float, number: int) -> list[Event]:
    call = frame(at, ">", f'[2,"{number}","Heartbeat",{{}}]')
    return [call, frame(at + 0.1, "<", f'[3,"{number}",{{"currentTime":"2030-01-01T00:00:00Z"}}]')]


DIAL = [state(0, "disconnected → connecting (connect)"), state(1, "connecting → booting (opened)")]
BOOT = [*DIAL, state(2, "booting → online (accepted)")]
LOSS = [state(10, "online → waiting (lost)"), state(15, "waiting → connecting (wait_over)")]
BACK = [*LOSS, state(16, "connecting → online (resumed)")]


def depth(*levels: tuple[float, float]) -> list[Sample]:
    return [Sample(at, "outbox", value) for at, value in levels]


def bands(lived: Life) -> list[tuple[float, float, str]]:
    return [tuple(band) for band in lived.bands]


def test_the_bands_fill_the_time_without_a_gap() -> None:
    lived = life([*BOOT, *BACK, state(18, "connector 1: Available → Preparing")], until=20)
    assert bands(lived) == [
        (0, 1, "connecting"), (1, 2, "booting"), (2, 10, "online"),
        (10, 15, "waiting"), (15, 16, "connecting"), (16, 20, "online"),
    ]  # fmt: skip
    assert lived.seconds("online") == 12


def test_a_window_cuts_the_bands_and_leaves_out_what_is_outside() -> None:
    story = [*BOOT, *beat(5, 1), *BACK, *beat(17, 2)]
    lived = life(story, since=12, until=18)
    assert bands(lived) == [(12, 15, "waiting"), (15, 16, "connecting"), (16, 18, "online")]
    assert [call.started for call in lived.heartbeats] == [17]
    assert (lived.sent, lived.received) == ([17], [17.1])


def test_a_loss_is_a_death_and_online_again_its_return() -> None:
    lived = life([*BOOT, *BACK], until=20)
    assert (lived.deaths, lived.returns) == ([10], [16])
    assert (life([*BOOT, *LOSS], until=20).deaths, life([*BOOT, *LOSS], until=20).returns) == ([10], [])


def test_a_power_cut_is_a_death_and_to_stop_for_good_is_none() -> None:
    cut = [*BOOT, state(10, "power cut"), state(12, "disconnected → connecting (connect)")]
    assert life(cut, until=20).deaths == [10]
    assert life([*BOOT, state(10, "online → stopped (stop)")], until=20).deaths == []
    restart = [*BOOT, state(10, "online → stopped (stop)"), state(10, "disconnected → connecting (connect)")]
    assert life([*restart, state(11, "connecting → booting (opened)")], until=20).deaths == [10]


def test_to_boot_again_on_a_good_line_is_no_death() -> None:
    again = [
        *BOOT, state(10, "online → forgotten (forgotten)"), state(13, "forgotten → booting (interval_over)"),
        state(14, "booting → online (accepted)"),
    ]  # fmt: skip
    lived = life(again, until=20)
    assert (lived.deaths, lived.seconds("forgotten")) == ([], 3)


@pytest.mark.parametrize(
    ("levels", "said"),
    [
        ([(3, 0), (12, 5), (17, 0)], "1 death, 1 return; the outbox is empty after each"),
        ([(3, 0), (12, 5), (17, 1)], "1 death, 1 return; the outbox is empty after 0 of them"),
        ([(3, 0), (12, math.nan), (17, math.nan)], "1 death, 1 return; the outbox is empty after 0 of them"),
        ([], "1 death, 1 return"),
    ],
)
def test_the_finding_counts(levels: list[tuple[float, float]], said: str) -> None:
    assert states_finding(life([*BOOT, *BACK], depth(*levels), until=20)) == said


def test_an_outbox_that_empties_after_the_next_death_only_does_not_count_for_the_first() -> None:
    second = [
        state(20, "online → waiting (lost)"), state(21, "waiting → connecting (wait_over)"),
        state(22, "connecting → online (resumed)"),
    ]  # fmt: skip
    lived = life([*BOOT, *BACK, *second], depth((12, 5), (18, 5), (25, 0)), until=30)
    assert (len(lived.deaths), len(lived.returns), lived.emptied) == (2, 2, 1)


def test_heartbeats_are_counted_for_each_minute() -> None:
    story = [event for number in range(6) for event in beat(10.0 * number, number)]
    assert heartbeats_per_minute([*BOOT, *story], 0, 60) == 6
    assert heartbeats_per_minute(story, 0, 120) == 3


async def _one_bad_night(world: World) -> tuple[Life, Sequence[float]]:
    await world.start_central_system(policy=Policy(interval=60))
    await world.start_charge_point("CP_1")
    site, at = world.sites["CP_1"], []
    async with Timeline({"outbox": lambda: len(site.charge_point.outbox)}, interval=5) as outbox:
        for kind in ("reset", "power cut"):
            await asyncio.sleep(590)  # no heartbeat is under way then
            at.append(world.time)
            if kind == "reset":
                world.charge_point("CP_1").uplink.transport.pipe.abort()  # type: ignore[union-attr]
            else:
                site.crash()
                await asyncio.sleep(60)
                await site.start()
        await asyncio.sleep(600)
    return life(site.trace, outbox), at


@pytest.mark.parametrize("seed", range(3))
def test_a_simulated_life_reads_like_a_live_one(seed: int) -> None:
    lived, at = simulate(_one_bad_night, seed)
    assert lived.deaths == pytest.approx(at, abs=0.1)
    assert len(lived.returns) == lived.emptied == 2
    assert lived.seconds("off") == pytest.approx(60, abs=0.1)
    assert {call.outcome for call in lived.heartbeats} == {"result"}
    assert len(lived.sent) > 20 and len(lived.received) > 20


def test_every_state_has_a_look() -> None:
    assert set(HATCHES) | set(DEAD) == set(CONNECTION) | {"off"}
    assert {key for key, _ in HATCHES.values()} == set(STATES)


def test_states_are_told_apart_in_greyscale() -> None:
    """What shares a colour, or is as bright, differs in its hatch."""
    looks = [(ImageColor.getcolor(STATES[key], "L"), hatch) for key, hatch in HATCHES.values()]
    for index, (grey, hatch) in enumerate(looks):
        for other_grey, other_hatch in looks[index + 1 :]:
            assert hatch != other_hatch or abs(int(grey) - int(other_grey)) > 60  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", [1.0, 40.0, 4000.0])
def test_a_strip_can_be_drawn_and_its_words_tell_no_times(scale: float) -> None:
    story = [event._replace(at=event.at * scale) for event in [*BOOT, *beat(5, 1), *BACK, *beat(17, 2)]]
    levels = [sample._replace(at=sample.at * scale) for sample in depth((3, 0), (12, 5), (17, 0))]
    picture = states(story, levels, marks=[(10 * scale, "cut"), (99 * scale, "not yet")])
    said = "1 death, 1 return; the outbox is empty after each"
    assert picture.alt == f"A life as a strip over time. {said}."
    with Image.open(io.BytesIO(picture.png)) as image:
        assert image.width == 2 * picture.width == 2200


def test_a_strip_of_nothing_can_be_drawn() -> None:
    assert states([]).alt == "A life as a strip over time. 0 deaths, 0 returns."


def test_detection_names_the_quickest_and_the_slowest() -> None:
    times = {"reset": [0.0, 0.002], "half-open": [12.0, 68.0]}
    assert detection_finding(times) == "reset: noticed within 2.0 ms; half-open: within 68.0 s"
    picture = detection(times, limits={"limit": 70})
    assert picture.alt == "Time until a death is noticed, for 2 causes: reset, half-open."


def test_cadence_says_its_numbers() -> None:
    picture = cadence({"naive": [3, 6], "ours": [3, 3]})
    assert picture.alt == "Heartbeats per minute after each reconnect. naive: 3, 6; ours: 3, 3."


def test_words_of_marks_stand_low_where_there_is_room_and_apart_where_there_is_none() -> None:
    far = [(10.0, "cut"), (50.0, "reset"), (90.0, "cut")]
    near = [(10.0, "cut"), (11.0, "reset"), (12.0, "close"), (30.0, "cut")]
    assert _levels(far, room=7.0) == [0, 0, 0]
    assert _levels(near, room=7.0) == [0, 1, 2, 0]


def test_every_sign_that_is_drawn_is_in_the_legend(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr("ocpp_course.lab.strip.figure", lambda fig, alt: drawn.append(fig))
    story = [*BOOT, *beat(5, 1), *BACK, state(20, "power cut")]
    states(story, marks=[(10, "cut")], until=25)
    said = {text.get_text() for text in drawn[0].legends[0].get_texts()}
    assert {"online", "not running", "heartbeat", "death: it was online", "what was done"} <= said
    assert drawn[0].axes[3].get_ylabel() == "frames per\nsecond"


@pytest.mark.parametrize("width", [WIDTH, WIDE])
def test_a_legend_of_everything_fits(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr("ocpp_course.lab.strip.figure", lambda fig, alt: drawn.append(fig))
    unanswered = frame(12, ">", '[2,"9","Heartbeat",{}]'), frame(13, "!", "Heartbeat timed out")
    states([*BOOT, *beat(5, 1), *BACK, *unanswered, state(20, "power cut")], marks=[(10, "cut")], until=25, width=width)
    FigureCanvasAgg(drawn[0]).draw()  # type: ignore[no-untyped-call]
    legend = drawn[0].legends[0]
    assert len(legend.get_texts()) > 8
    assert legend.get_window_extent().x1 <= drawn[0].bbox.x1
