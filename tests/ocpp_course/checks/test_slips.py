"""A learner's own slips: the first line says what is wrong, with its line, and speaks of nothing else.

Each row takes our answer to a step, makes one slip in it, and says with which words the first line must begin or what
it must contain. The line and its source are looked up in the changed cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from ocpp_course.checks import Result, run_step, step
from ocpp_course.checks.authoring import before, run
from tests.ocpp_course.checks.answers import authored


@dataclass(frozen=True)
class Slip:
    """``old`` becomes ``new`` in our answer to a step. The first line has ``says``, and the line of ``at``."""

    step: str
    old: str
    new: str
    says: str
    at: str = ""
    """A line of the changed cell, as it begins; "" if the sentence needs no line."""


AWAIT = "is not awaited"
SLIPS = [
    # a forgotten await: the value dropped, used, returned, in a task, in a callback
    Slip("1.3", "await self._pipe.send(text)", "self._pipe.send(text)", AWAIT, "self._pipe.send(text)"),
    Slip("1.3", "await self._queue.put(text)", "self._queue.put(text)", AWAIT, "self._queue.put(text)"),
    Slip("1.3", "text = await self._queue.get()", "text = self._queue.get()", AWAIT, "text = self._queue.get()"),
    Slip("1.4", "await self._pipe.close(code, reason)", "self._pipe.close(code, reason)", AWAIT, "self._pipe.close("),
    Slip("1.4", "await self._queue.join()", "self._queue.join()", AWAIT, "self._queue.join()"),
    Slip("2.4", "response = await handler(request)", "response = handler(request)", AWAIT, "response = handler("),
    Slip("3.3", "await asyncio.sleep(next(waits))", "asyncio.sleep(next(waits))", AWAIT, "asyncio.sleep(next"),
    Slip("3.3", "pipe = await dial()", "pipe = dial()", "`dial()` was not awaited"),
    Slip("3.3", "await serve(pipe, good.set)", "serve(pipe, good.set)", AWAIT, "serve(pipe, good.set)"),
    Slip(
        "4.6",
        "await self._transport.send(encode(call))",
        "self._transport.send(encode(call))",
        AWAIT,
        "self._transport.send(",
    ),
    Slip(
        "4.6",
        "return await self._pending.expect(",
        "return self._pending.expect(",
        AWAIT,
        "return self._pending.expect(",
    ),
    Slip(
        "4.7",
        "reply = await self._router.answer(call)",
        "reply = self._router.answer(call)",
        AWAIT,
        "reply = self._router",
    ),
    Slip(
        "4.7",
        "                await self._send(reply)",
        "                self._send(reply)",
        AWAIT,
        "self._send(reply)",
    ),
    Slip("5.2", "await asyncio.sleep(wait)", "asyncio.sleep(wait)", AWAIT, "asyncio.sleep(wait)"),
    Slip("5.2", "response = await call(request)", "response = call(request)", AWAIT, "response = call(request)"),
    Slip("5.3", "await self.changed.wait()", "self.changed.wait()", AWAIT, "self.changed.wait()"),
    Slip("5.5", "await ping()", "ping()", AWAIT, "ping()"),
    Slip("5.6", "await session.run()", "session.run()", AWAIT, "session.run()"),
    Slip("6.3", "await asyncio.sleep(next_at", "asyncio.sleep(next_at", AWAIT, "asyncio.sleep(next_at"),
    # typos: names, keywords, attributes
    Slip(
        "1.1",
        "return Call(unique_id, action, payload or {})",
        "return Call(unique_id, acton, payload or {})",
        "NameError: name 'acton' is not defined. Did you mean: 'action'?",
        "return Call(unique_id, acton",
    ),
    Slip(
        "1.1",
        "case [int(3), str(unique_id), dict() | None as payload]:\n            return CallResult(unique_id, payload",
        "case [int(3), str(unique_id), *more, dict() | None as payload]:\n"
        "            return CallResult(unique_id, *more, payload",
        "TypeError: Extra positional arguments provided",
        "return CallResult(unique_id, *more, payload",
    ),
    Slip("1.2", "allow_nan=False", "allow_nans=False", "TypeError: ", "return json.dumps("),
    Slip("1.3", "self._queue.put(text)", "self._que.put(text)", "AttributeError: ", "await self._que.put(text)"),
    Slip(
        "1.3", "await self._pipe.send(text)", "await self._pipe.sen(text)", "AttributeError: ", "await self._pipe.sen("
    ),
    Slip("2.2", "said = str(error)", "said = str(eror)", "NameError: name 'eror' is not defined", "said = str(eror)"),
    Slip(
        "2.4",
        "return CallResult(call.unique_id, self._checked",
        "return CallResult(call.uniqe_id, self._checked",
        "AttributeError: ",
        "return CallResult(call.uniqe_id",
    ),
    Slip(
        "3.1",
        "rng.randint(0, random_range)\n    yield wait\n    for",
        "rng.randinit(0, random_range)\n    yield wait\n    for",
        "AttributeError: ",
        "wait = wait_minimum + rng.randinit",
    ),
    Slip(
        "3.2",
        "edges = self.table[self.state]",
        "edges = self.tabel[self.state]",
        "AttributeError: ",
        "edges = self.tabel",
    ),
    Slip(
        "3.4",
        "encode_payload(request)",
        "encode_payloads(request)",
        "NameError: ",
        "row = (request.action, bytes(encode_payloads",
    ),
    Slip(
        "4.2",
        "future.set_result(response)",
        "future.set_results(response)",
        "AttributeError: ",
        "future.set_results(response)",
    ),
    Slip(
        "4.7",
        "group.create_task(self._answer(frame))",
        "group.create_task(self._anwser(frame))",
        "AttributeError: ",
        "self._serving[frame.unique_id] = ",
    ),
    Slip(
        "5.2",
        "on_answer(response)\n            if",
        "on_anwser(response)\n            if",
        "NameError: ",
        "on_anwser(response)",
    ),
    Slip(
        "5.6",
        "response = await session.call(request)\n        proof()",
        "response = await session.call(request)\n        prof()",
        "NameError: ",
        "prof()",
    ),
    Slip("6.1", "self.started.labels", "self.startd.labels", "AttributeError: ", "self.startd.labels"),
    Slip("6.2", "return math.nan", "return maths.nan", "NameError: ", "return maths.nan"),
    # a stale name after a restart
    Slip(
        "5.5",
        "async with asyncio.timeout(timeout):",
        "async with asynci.timeout(timeout):",
        "NameError: ",
        "async with asynci.timeout",
    ),
    # wrong numbers of arguments, self, async, indentation
    Slip(
        "1.3",
        "async def send(self, text: str) -> None:",
        "async def send(self) -> None:",
        "TypeError: Transport.send() takes 1",
        "async def send(self)",
    ),
    Slip(
        "3.2",
        "def fire(self, event: str) -> str:",
        "def fire(event: str) -> str:",
        "Is `self` missing",
        "def fire(event",
    ),
    Slip(
        "4.1",
        "def __init__(self) -> None:",
        "def __init__(self, pipe) -> None:",
        "TypeError: Pending.__init__() missing 1",
        "def __init__(self, pipe)",
    ),
    Slip(
        "4.6", "Call(next(self._ids), request.action, payload)", "Call(next(self._ids))", "TypeError: ", "call = Call("
    ),
    Slip("5.5", "asyncio.timeout(timeout)", "asyncio.timeout()", "TypeError: ", "async with asyncio.timeout()"),
    Slip(
        "6.1",
        "    def call_started(self, action",
        "    async def call_started(self, action",
        "is `async def`, but the step calls it without `await`",
        "async def call_started",
    ),
    Slip(
        "4.1",
        "    def settle(self",
        "    async def settle(self",
        "`settle` is no coroutine: the reader calls it, and does not wait",
    ),
    Slip("4.1", "    def settle(self", "    def setle(self", "Your `Pending` has no `settle`; it has `setle`"),
    # a missing return
    Slip(
        "1.2", "    return json.dumps(", "    json.dumps(", "`encode` has no `return`, so it gives None", "def encode("
    ),
    Slip(
        "3.4",
        "return self.db.execute(sql, row).lastrowid",
        "self.db.execute(sql, row).lastrowid",
        "`Outbox.put` has no `return`, so it gives None",
        "def put(",
    ),
    # shared between instances
    Slip(
        "4.1",
        "def __init__(self) -> None:\n        self._entries: dict[str, tuple[asyncio.Future, type[Response]]] = {}",
        "def __init__(self, entries={}) -> None:\n        self._entries = entries",
        "The default `{}` is made once",
        "def __init__(self, entries={})",
    ),
    # what holds the loop
    Slip(
        "3.3",
        "await asyncio.sleep(next(waits))",
        "import time; time.sleep(next(waits))",
        "puts the whole thread to sleep",
    ),
    Slip(
        "5.5",
        "await (asyncio.sleep(interval) if interval else asyncio.Event().wait())",
        "import time; time.sleep(interval)",
        "puts the whole thread to sleep",
    ),
    Slip("3.1", "    while True:\n        yield wait", "    while True:\n        wait += 0", "computes without end"),
    Slip(
        "1.3",
        "            text = await self._queue.get()\n",
        "            text = ''\n            continue\n",
        "computes without end",
    ),
]


def judged(slip: Slip) -> tuple[Result, str]:
    """What is said of our answer with this slip in it, and the changed cell."""
    ours = authored(slip.step[0])[slip.step].answer
    assert ours.count(slip.old) >= 1, f"our answer to {slip.step} has no {slip.old!r}"
    head, _, tail = ours.rpartition(slip.old)
    cell = head + slip.new + tail
    names = before(authored(slip.step[0]), slip.step)
    run(cell, f"<cell of {slip.step} with {slip.new}>", names)
    this = step(slip.step)
    return run_step(this, tuple(names[name] for name in this.names)), cell


def name_of(slip: Slip) -> str:
    return f"{slip.step}-{slip.new.strip()[:40]}"


@pytest.mark.parametrize("slip", SLIPS, ids=name_of)
def test_a_slip_is_said_first(slip: Slip) -> None:
    result, cell = judged(slip)
    assert result.state == "wrong"
    assert slip.says in result.first_line, f"{result.first_line}\n\n{result}"
    if slip.at:
        number, text = next(
            (n, line) for n, line in enumerate(cell.splitlines(), 1) if line.strip().startswith(slip.at)
        )
        assert f"line {number}" in result.first_line, result.first_line
        assert text.strip() in result.first_line, result.first_line
