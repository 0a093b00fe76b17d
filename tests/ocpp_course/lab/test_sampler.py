"""A sampler reads on a timer, whatever happens or does not."""

from __future__ import annotations

import asyncio
import math

from ocpp_course.lab import Sampler


async def test_it_samples_in_silence_and_once_at_each_end() -> None:
    async with Sampler({"x": lambda: 1}, interval=0.01) as sampler:
        assert len(sampler.samples) == 1
        await asyncio.sleep(0.05)
    assert len(sampler.samples) >= 4


async def test_a_probe_that_raises_reads_as_nan_and_the_others_go_on() -> None:
    async with Sampler({"bad": lambda: 1 / 0, "good": lambda: 2}, interval=0.01) as sampler:
        pass
    assert [s.value for s in sampler.samples if s.name == "good"] == [2, 2]
    assert all(math.isnan(s.value) for s in sampler.samples if s.name == "bad")


async def test_it_keeps_the_newest() -> None:
    sampler = Sampler({"x": iter(range(100)).__next__}, keep=3)
    for _ in range(10):
        sampler.read()
    assert [s.value for s in sampler.samples] == [7, 8, 9]
