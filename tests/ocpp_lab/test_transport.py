"""`Transport`: one writer, one bounded queue, a close that never hangs (DESIGN.md, milestone 1)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

import pytest

from ocpp_lab.pipe import pipe_pair
from ocpp_lab.transport import Transport, utf8_length
from tests.fakes import FakePipe
from tests.simulated import clock, quiet, simulated

SENDERS, EACH = 10, 1000


# One writer -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write_time", [0.0, 0.01])
@pytest.mark.parametrize("limit", [1, 1000])
@simulated(seeds=1)
async def test_ten_senders_of_a_thousand_texts(write_time: float, limit: int) -> None:
    """All arrive, each sender's in order, and the pipe never sees a second send before the first returned."""
    pipe = FakePipe(write_time=write_time)
    transport = Transport(pipe, limit=limit)

    async def sender(name: int) -> None:
        for number in range(EACH):
            await transport.send(f"{name}:{number}")

    await asyncio.gather(*(sender(name) for name in range(SENDERS)))
    await transport.close(timeout=1000)
    assert len(pipe.sent) == SENDERS * EACH
    for name in range(SENDERS):
        assert [text for text in pipe.sent if text.startswith(f"{name}:")] == [f"{name}:{n}" for n in range(EACH)]
    assert transport.max_writes_in_flight == pipe.most_in_progress == 1
    assert transport.frames_sent == SENDERS * EACH
    assert transport.max_queue_depth <= limit


@simulated
async def test_send_returns_when_the_text_is_queued() -> None:
    """Not when it is written: a stalled connection holds nobody up until the queue is full."""
    pipe = FakePipe()
    pipe.stall()
    transport = Transport(pipe, limit=3)
    for number in range(4):  # one with the writer, three in the queue
        await transport.send(str(number))
    assert clock() == 0
    assert (transport.queue_depth, transport.writes_in_flight, pipe.sent) == (3, 1, [])
    pipe.flow()
    await transport.close()
    assert pipe.sent == ["0", "1", "2", "3"]


@simulated
async def test_an_idle_line_is_written_to_at_once() -> None:
    """No task switch between `send` and the wire when nothing is in the way."""
    near, far = pipe_pair()
    transport = Transport(near)
    await transport.send("hello")
    assert await anext(aiter(far)) == "hello"
    await transport.close()


@simulated
async def test_order_is_kept_between_waiting_and_new_senders() -> None:
    """First come, first served, also when a sender that waited and one that comes later meet at a free place."""
    pipe = FakePipe(write_time=0.1)
    transport = Transport(pipe, limit=1)
    senders = []
    for number in range(8):
        senders.append(asyncio.create_task(transport.send(str(number))))
        await asyncio.sleep(0.03)
    await asyncio.gather(*senders)
    await transport.close()
    assert pipe.sent == [str(number) for number in range(8)]


# Back-pressure --------------------------------------------------------------------------------------------------------


@simulated
async def test_a_full_queue_makes_the_sender_wait() -> None:
    """DESIGN.md, decision 9: the depth stops at the limit; a slow peer costs time, not memory."""
    pipe = FakePipe()
    pipe.stall()
    transport = Transport(pipe, limit=5)
    done: list[int] = []

    async def flood() -> None:
        for number in range(100):
            await transport.send(str(number))
            done.append(number)

    flooding = asyncio.create_task(flood())
    await asyncio.sleep(3600)
    assert len(done) == 6  # five in the queue and one with the writer
    assert (transport.queue_depth, transport.max_queue_depth, pipe.in_progress) == (5, 5, 1)
    pipe.flow()
    await flooding
    await transport.close()
    assert len(pipe.sent) == 100
    assert transport.max_queue_depth == 5


@simulated
async def test_a_queue_is_full_of_characters_too() -> None:
    """A thousand long texts are too many; a single text that is longer than the bound still passes."""
    pipe = FakePipe()
    transport = Transport(pipe, limit=1000, max_characters=100)
    for _ in range(3):  # what was counted in is counted out again
        pipe.stall()
        senders = [asyncio.create_task(transport.send("x" * 60)) for _ in range(10)]
        await quiet()
        assert (transport.queue_depth, transport.has_room) == (2, False)
        gives_up = next(sender for sender in senders if not sender.done())
        gives_up.cancel()
        senders.remove(gives_up)
        pipe.flow()
        await asyncio.gather(*senders)
        await quiet()
        assert (transport.queue_depth, transport.has_room) == (0, True)
    await transport.send("x" * 1000)
    await transport.close()
    assert list(map(len, pipe.sent)) == [60] * 27 + [1000]


@pytest.mark.parametrize("at_once", [False, True])
@simulated
async def test_a_cancelled_sender_takes_its_text_back(at_once: bool) -> None:
    """Whoever gave up while the queue was full did not send, even if room appears in that instant; others go on."""
    pipe = FakePipe()
    pipe.stall()
    transport = Transport(pipe, limit=1)
    await transport.send("written")
    await transport.send("queued")
    waiting = {name: asyncio.create_task(transport.send(name)) for name in ("first", "second", "third")}
    await quiet()
    waiting["first"].cancel()
    waiting["second"].cancel()
    if not at_once:
        await quiet()
        assert waiting["first"].cancelled() and not waiting["third"].done()
    pipe.flow()
    await waiting["third"]
    await transport.close()
    assert pipe.sent == ["written", "queued", "third"]


@simulated
async def test_senders_that_give_up_leave_no_memory_behind() -> None:
    """A line that stalls for hours is tried again and again; what gave up does not pile up."""
    pipe = FakePipe()
    pipe.stall()
    transport = Transport(pipe, limit=1)
    await transport.send("written")
    await transport.send("queued")
    for _ in range(50):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await transport.send("x" * 1000)
    kept = [value for value in vars(transport).values() if hasattr(value, "__len__") and not isinstance(value, str)]
    assert sum(map(len, kept)) <= 2
    await transport.close(flush=False)


# Taken back -----------------------------------------------------------------------------------------------------------


@simulated
async def test_a_text_that_waits_can_be_taken_back() -> None:
    """It is never sent, its room is somebody else's; what is being written, or was, stays."""
    pipe = FakePipe()
    pipe.stall()
    transport = Transport(pipe, limit=2)
    for text in ("written", "first", "second"):
        await transport.send(text)
    waiting = asyncio.create_task(transport.send("third"))
    await quiet()
    assert transport.withdraw("written") is False and transport.withdraw("never heard of") is False
    assert transport.withdraw("first") is True and transport.withdraw("first") is False
    await waiting
    assert transport.queue_depth == 2
    pipe.flow()
    await quiet()
    assert transport.withdraw("second") is False
    await transport.close()
    assert pipe.sent == ["written", "second", "third"]
    assert transport.withdraw("third") is False


@pytest.mark.parametrize("room", [False, True])
@simulated
async def test_a_cancelled_sender_learns_whether_its_text_was_queued(room: bool) -> None:
    """If there was no room for it, it was not; if room appeared in that instant, it is taken out of the queue."""
    pipe = FakePipe()
    pipe.stall()
    transport = Transport(pipe, limit=1)
    for text in ("written", "queued"):
        await transport.send(text)
    text = "waiting"
    waiting = asyncio.create_task(transport.send(text))
    await quiet()
    if room:
        assert transport.withdraw("queued")
        assert transport.queue_depth == 1
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert transport.withdraw(text) is True and transport.withdraw(text) is False
    pipe.flow()
    await transport.close()
    assert pipe.sent == (["written"] if room else ["written", "queued"])


@simulated(seeds=40)
async def test_each_text_is_sent_or_taken_back() -> None:
    """Senders that lose patience at any instant, on a line that stalls and flows: True was never sent, False was."""
    rng = Random(asyncio.get_running_loop().seed)  # type: ignore[attr-defined]
    pipe = FakePipe(write_time=rng.choice([0.0, 0.1]))
    transport = Transport(pipe, limit=rng.choice([1, 3]))
    taken_back: dict[str, bool] = {}

    async def sender(number: int) -> None:
        text = f"text {number}"
        with suppress(TimeoutError):
            async with asyncio.timeout(rng.choice([0, 0.1, 0.5])):
                await transport.send(text)
                await asyncio.sleep(rng.choice([0, 0.2, 0.5]))
        taken_back[text] = transport.withdraw(text)

    senders = []
    for number in range(60):
        rng.choice([pipe.stall, pipe.flow])()
        senders.append(asyncio.create_task(sender(number)))
        await asyncio.sleep(rng.choice([0, 0, 0.1]))
    await asyncio.wait(senders)
    pipe.flow()
    await asyncio.sleep(100)
    assert sorted(pipe.sent) == sorted(text for text, back in taken_back.items() if not back)
    assert transport.queue_depth == 0 and transport._characters == 0
    await transport.close()


@simulated
async def test_reading_goes_on_while_writing_stalls() -> None:
    """Two directions, two tasks: a peer that does not read may still talk."""
    pipe = FakePipe()
    pipe.stall()
    transport = Transport(pipe, limit=1)
    await transport.send("stalled")
    heard: list[str | bytes] = []

    async def listen() -> None:
        async for text in transport:
            heard.append(text)

    listening = asyncio.create_task(listen())
    for number in range(3):
        pipe.arrive(str(number))
    await quiet()
    assert heard == ["0", "1", "2"]
    assert transport.frames_received == 3
    await transport.close(flush=False)
    await listening


@simulated
async def test_probes_tell_what_the_pipe_saw() -> None:
    """Counters are the pipe's own counts, bytes in UTF-8."""
    pipe = FakePipe()
    transport = Transport(pipe)
    for text in ("a", "é", "😀"):
        await transport.send(text)
        pipe.arrive(text)
    await quiet()
    pipe.peer_closes(1000)
    assert [text async for text in transport] == ["a", "é", "😀"]
    assert (transport.frames_sent, transport.bytes_sent) == (3, 1 + 2 + 4)
    assert (transport.frames_received, transport.bytes_received) == (3, 1 + 2 + 4)
    assert transport.writes_in_flight == transport.queue_depth == 0
    assert utf8_length(b"\xc3\xa9") == 2
    await transport.close()


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 text, came 0"):
        Transport(FakePipe(), limit=0)
