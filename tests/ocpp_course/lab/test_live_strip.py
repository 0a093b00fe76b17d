"""The live strip follows its trace without being asked, and ends."""

from __future__ import annotations

import asyncio

from ocpp_course.lab import LiveStrip, until
from ocpp_course.lab.live_strip import _word
from ocpp_lab import Timeline, Trace


async def test_it_follows_until_it_is_closed() -> None:
    trace = Trace()
    trace.note("CP_1", "=", "disconnected → connecting (connect)")
    trace.note("CP_1", "=", "connecting → online (resumed)")
    strip = LiveStrip(trace, Timeline({}), window=30, every=0.05)
    assert "online · 0 deaths" in strip.status.value
    trace.note("CP_1", "=", "online → waiting (lost)")
    await until(lambda: "waiting · 1 death, 0 returns" in strip.status.value)
    assert "1 death, 0 returns" in strip.strip.value and "width:760px" in strip.strip.value
    await strip.close()
    drawn = strip.drawn
    await asyncio.sleep(0.2)
    assert strip.drawn == drawn


async def test_its_text_is_the_same_in_every_run() -> None:
    strip = LiveStrip(Trace(), Timeline({}))
    assert repr(strip) == strip._repr_mimebundle_()["text/plain"] == "LiveStrip: the last 60 s, drawn every 2 s"
    await strip.close()


def test_what_was_done_to_a_proxy_is_named_as_on_its_panel() -> None:
    assert [_word(what) for what in ("cut", "half_open both", "latency 0.1")] == ["cut", "half-open", "latency"]
