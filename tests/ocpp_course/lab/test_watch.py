"""The line follows its probes without being asked, and ends."""

from __future__ import annotations

import asyncio

from ocpp_course.lab import Watch, until
from ocpp_course.lab.watch import REFRESH


async def test_it_says_what_the_probes_say() -> None:
    watch = Watch({"late": lambda: 0, "repeated": lambda: 2}, "CP_1")
    assert watch.text == "CP_1: late 0 · repeated 2"
    assert repr(watch) == watch._repr_mimebundle_()["text/plain"] == "Watch: CP_1: late 0 · repeated 2"
    assert watch.text in watch.line.value
    watch.close()


async def test_the_line_follows_a_change_until_it_is_closed() -> None:
    numbers = {"late": 0}
    watch = Watch({"late": lambda: numbers["late"]})
    numbers["late"] = 1
    await until(lambda: "late 1" in watch.line.value, timeout=5)
    watch.close()
    numbers["late"] = 2
    await asyncio.sleep(2 * REFRESH)
    assert "late 1" in watch.line.value


async def test_a_name_is_text_and_no_markup() -> None:
    watch = Watch({"<b>": lambda: 0.5})
    assert "&lt;b&gt; 0.5" in watch.line.value
    watch.close()
