"""The slider runs a scenario for the seed that it shows, away from the event loop."""

from __future__ import annotations

import threading

import pytest

from ocpp_course.lab import Picture, SeedSlider


def draw(seed: int, result: int) -> Picture:
    return Picture(b"png", f"seed {seed} gave {result}", 10)


async def test_a_new_seed_runs_in_a_thread_and_is_shown() -> None:
    threads: list[bool] = []

    def run(seed: int) -> int:
        threads.append(threading.current_thread() is threading.main_thread())
        return seed * seed

    slider = SeedSlider(run, draw, seed=2)
    assert "seed 2 gave 4" in slider.drawing.value
    slider.set(5)
    await slider.settle()
    assert slider.result == 25 and "seed 5 gave 25" in slider.drawing.value and "seed 5" in slider.status.value
    assert threads == [True, False]
    assert repr(slider) == slider._repr_mimebundle_()["text/plain"] == "SeedSlider: seed 5"
    await slider.close()


async def test_of_several_seeds_that_wait_the_newest_is_run() -> None:
    ran: list[int] = []

    def run(seed: int) -> int:
        ran.append(seed)
        return seed

    slider = SeedSlider(run, draw)
    for seed in (1, 2, 3):
        slider.set(seed)
    await slider.settle()
    assert ran == [0, 3] and slider.seed == 3


async def test_a_run_that_fails_says_so_and_the_next_one_works() -> None:
    def run(seed: int) -> int:
        if seed == 1:
            raise RuntimeError("an invariant broke")
        return seed

    slider = SeedSlider(run, draw)
    slider.set(1)
    with pytest.raises(RuntimeError, match="invariant"):
        await slider.settle()
    assert "an invariant broke" in slider.status.value and slider.seed == 0
    slider.set(2)
    await slider.settle()
    assert slider.seed == 2


async def test_a_picture_that_fails_says_so_too() -> None:
    """Otherwise "seed 1 runs …" would stand there for ever."""

    def no_draw(seed: int, result: int) -> Picture:
        if seed:
            raise RuntimeError("no colours left")
        return draw(seed, result)

    slider = SeedSlider(lambda seed: seed, no_draw)
    slider.set(1)
    with pytest.raises(RuntimeError, match="colours"):
        await slider.settle()
    assert "seed 1 failed" in slider.status.value and "no colours left" in slider.status.value
    assert slider.seed == slider.result == 0
