"""Samples on a timer: also when nothing happens, without drift, and the peaks between them; on simulated time."""

from __future__ import annotations

import asyncio
import math

import pytest

from ocpp_lab import Sample, Timeline, Transport
from tests.fakes import FakePipe
from tests.simulated import clock, simulated


def broken() -> float:
    raise RuntimeError("no line")


@simulated
async def test_samples_during_total_silence() -> None:
    """Nobody sends, nobody receives: that is when the plot matters."""
    async with Timeline({"depth": lambda: 33}, interval=0.25) as timeline:
        await asyncio.sleep(10.1)
        assert [sample.at for sample in timeline.samples] == pytest.approx([n * 0.25 for n in range(41)])
        assert {sample.value for sample in timeline.samples} == {33}


@simulated
async def test_no_drift_over_a_thousand_samples() -> None:
    """The thousandth is where it belongs, to the microsecond."""
    began = asyncio.get_running_loop().time()
    async with Timeline({"one": lambda: 1}, interval=0.1) as timeline:
        await asyncio.sleep(100.05)
        times, _ = timeline.series("one")
        assert len(times) == 1001
        assert [at - began for at in times] == pytest.approx([n * 0.1 for n in range(1001)], abs=1e-6)


async def test_a_late_turn_is_not_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that was busy for five intervals gets one sample, not five at once."""
    loop = asyncio.get_running_loop()
    behind, real = [0.0], loop.time
    monkeypatch.setattr(loop, "time", lambda: real() + behind[0])
    async with Timeline({"one": lambda: 1}, interval=1) as timeline:
        for _ in range(3):  # well below the limit of a test, which is told by the same clock
            behind[0] += 5
            for _ in range(5):
                await asyncio.sleep(0)
        times, _ = timeline.series("one")
        assert 3 <= len(times) <= 4
        assert [at - times[0] for at in times] == pytest.approx([5 * n for n in range(len(times))], abs=0.5)  # the grid


@simulated
async def test_peaks_between_samples() -> None:
    """900 texts for 10 ms between two looks: not in the samples, but in ``high_water``."""
    pipe = FakePipe()
    transport = Transport(pipe)
    async with Timeline({"depth": lambda: transport.queue_depth}, interval=1) as timeline:
        await asyncio.sleep(0.5)
        pipe.stall()
        for _ in range(901):
            await transport.send("x")
            timeline.note("depth", transport.queue_depth)
        await asyncio.sleep(0.01)
        pipe.flow()
        await asyncio.sleep(5)
        assert {sample.value for sample in timeline.samples} == {0}
        assert timeline.high_water == {"depth": transport.max_queue_depth} and transport.max_queue_depth >= 900
    await transport.close()


@simulated
async def test_a_broken_probe_blinds_nobody() -> None:
    """It reads nan, the others go on; and it may recover. A nan is no peak."""
    values = iter([1.0, 2.0])
    probes = {"bad": broken, "good": lambda: 7, "ends": lambda: next(values), "nan": lambda: math.nan}
    async with Timeline(probes, interval=1) as timeline:
        await asyncio.sleep(3.5)
        assert timeline.series("good")[1] == [7] * 4
        assert all(math.isnan(value) for value in timeline.series("bad")[1]) and len(timeline.series("bad")[1]) == 4
        assert timeline.series("ends")[1][:2] == [1, 2] and all(map(math.isnan, timeline.series("ends")[1][2:]))
        assert timeline.high_water == {"good": 7, "ends": 2}
        timeline.note("nan", math.nan)
        timeline.note("nan", 3)
        assert timeline.high_water["nan"] == 3


@simulated
async def test_bounded() -> None:
    """A night is not kept; the newest samples are."""
    count = iter(range(10**9))
    async with Timeline({"n": lambda: next(count)}, interval=1, keep=100) as timeline:
        await asyncio.sleep(3600.5)
        assert len(timeline.samples) == 100
        assert [sample.value for sample in timeline.samples] == list(range(3501, 3601))
        assert timeline.samples[-1] == Sample(pytest.approx(3600), "n", 3600)
        assert timeline.high_water == {"n": 3600}  # also of what is no longer kept


@simulated
async def test_cancelled() -> None:
    """No task stays behind; the last sample is that of the end, also when the body raises."""
    with pytest.raises(ZeroDivisionError):
        async with Timeline({"at": clock}, interval=10) as timeline:
            await asyncio.sleep(13)
            _ = 1 / 0
    assert [sample.value for sample in timeline.samples] == [0, 10, 13]
    running = asyncio.create_task(Timeline({"at": clock}).run())
    await asyncio.sleep(1)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()


@pytest.mark.parametrize("interval", [0, -1])
def test_an_interval_that_is_none(interval: float) -> None:
    with pytest.raises(ValueError, match="above 0 s"):
        Timeline({}, interval=interval)
