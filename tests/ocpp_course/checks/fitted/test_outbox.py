"""A learner's outbox in the stack: all that waits can be listed, also what an earlier life has left in its file."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from ocpp_course import fit
from ocpp_course.checks.authoring import load, pieces
from ocpp_course.checks.step import step
from ocpp_lab import CallFailed, ConnectionLost, Entry
from ocpp_lab import messages as m
from tests.learner import MyOutbox
from tests.ocpp_course.checks.answers import authored
from tests.ocpp_course.checks.fitted.nonsense import nonsense
from tests.ocpp_lab.test_outbox import number_of, start, stop
from tests.simulated import simulated

ACCEPTED = m.StartTransactionResponse(transaction_id=7, id_tag_info=m.IdTagInfo(status="Accepted"))


def fresh() -> Any:
    return fit(outbox=nonsense("outbox", MyOutbox)())["outbox"]


def kinds() -> dict[str, type]:
    """Outboxes with a file: our answer to step 3.4, and every other right one."""
    names: dict[str, type] = {}
    its = authored("3")["3.4"]
    for variant in (None, *its.right):
        names[variant.name if variant else "ours"] = pieces(step("3.4"), load(authored("3"), "3.4", variant))[0]
    return names


KINDS = kinds()


def numbers(outbox: Any) -> list[int]:
    return [number_of(entry.request) for entry in outbox.entries()]


async def nobody() -> bool:
    return True


async def drain(outbox: Any, call: Any, **told: Any) -> None:
    await outbox.drain(call, nobody, attempts=2, retry_interval=1.0, **told)


def test_what_waits_is_listed() -> None:
    """Oldest first, as `Entry`, whatever the piece's own entries are."""
    outbox = fresh()
    assert (outbox.entries(), outbox.head(), len(outbox)) == ([], None, 0)
    keys = [outbox.put(start(number), f"T{number}") for number in range(3)]
    assert outbox.entries() == [Entry(key, start(n), f"T{n}", 0) for n, key in enumerate(keys)]
    assert outbox.head() == outbox.entries()[0]
    outbox.failed(keys[0])
    assert [entry.failures for entry in outbox.entries()] == [1, 0, 0]
    outbox.delete(keys[1])
    assert numbers(outbox) == [0, 2] and len(outbox) == 2
    outbox.close()


@simulated
async def test_what_was_sent_is_not_listed() -> None:
    """The piece strikes it out by itself; those that were told of an entry are told of an `Entry`."""
    outbox, told, listed = fresh(), [], []

    async def call(request: Any) -> Any:
        listed.append(numbers(outbox))
        if number_of(request) == 2:
            raise ConnectionLost("cut")
        return ACCEPTED

    for number in range(4):
        outbox.put(start(number), f"T{number}")
    with pytest.raises(ConnectionLost):
        await drain(outbox, call, on_result=lambda entry, response: told.append((entry, response)))
    assert listed == [[0, 1, 2, 3], [1, 2, 3], [2, 3]]
    assert told == [(Entry(n + 1, start(n), f"T{n}", 0), ACCEPTED) for n in range(2)]
    assert numbers(outbox) == [2, 3]


@simulated
async def test_what_is_given_up_is_counted() -> None:
    outbox, dropped = fresh(), []

    async def call(request: Any) -> Any:
        raise CallFailed("InternalError")

    outbox.put(start(1), "T1")
    outbox.put(stop(2), "T1")
    await drain(outbox, call, on_drop=dropped.append)
    assert outbox.drops == {"attempts": 2}
    assert [(type(entry), number_of(entry.request)) for entry in dropped] == [(Entry, 1), (Entry, 2)]
    await drain(outbox, call)
    assert outbox.entries() == []


def test_it_has_no_bound() -> None:
    outbox = fresh()
    for number in range(1500):
        outbox.put(start(number))
    assert len(outbox) == 1500 < outbox.limit and not outbox.drops


@pytest.mark.parametrize("kind", KINDS)
def test_what_an_earlier_life_has_left(kind: str, tmp_path: Path) -> None:
    """A piece shows its head only; the adapter turns it once, and order, transactions and failures stay."""
    path = str(tmp_path / "outbox")
    first = KINDS[kind](path)
    for number in range(4):
        first.put(start(number), f"T{number}")
    first.failed(first.head().key)
    first.close()
    for left in (4, 3):
        outbox = fit(outbox=KINDS[kind](path))["outbox"]
        assert numbers(outbox) == list(range(4))[-left:] and len(outbox) == left
        assert [entry.transaction for entry in outbox.entries()] == [f"T{n}" for n in range(4)][-left:]
        assert [entry.failures for entry in outbox.entries()] == [1, 0, 0, 0][-left:]
        assert outbox.head() == outbox.entries()[0]
        assert outbox.piece.head().key == outbox.head().key
        outbox.delete(outbox.head().key)
        outbox.close()


def test_a_single_message_is_not_turned(tmp_path: Path) -> None:
    """The head shows it, so nothing is written."""
    path = str(tmp_path / "outbox")
    first = KINDS["ours"](path)
    key = first.put(start(1), "T1")
    outbox = fit(outbox=first)["outbox"]
    assert outbox.entries() == [Entry(key, start(1), "T1", 0)]
    outbox.close()


def test_a_power_cut_while_it_is_turned_loses_nothing(tmp_path: Path) -> None:
    """Each message is put at the end before it is struck out at the front: cut anywhere, all of them are there."""
    for steps in range(7):
        path = str(tmp_path / f"outbox{steps}")
        first = KINDS["ours"](path)
        for number in range(3):
            first.put(start(number), f"T{number}")
        first.close()
        before = KINDS["ours"](path)
        with pytest.raises(_Power) if steps < 6 else nullcontext():
            fit(outbox=_Blinks(before, steps))
        before.close()
        after = fit(outbox=KINDS["ours"](path))["outbox"]
        assert set(numbers(after)) == {0, 1, 2}
        after.close()


def test_messages_that_were_put_behind_its_back() -> None:
    """They are counted, and nobody pretends that the list is whole."""
    outbox = fresh()
    outbox.put(start(1))
    outbox.piece.put(start(2))
    assert len(outbox) == 2
    with pytest.raises(LookupError, match="1 in the outbox were not"):
        outbox.entries()


class _Power(Exception):
    """It is gone."""


class _Blinks:
    """An outbox whose power goes after so many writes."""

    def __init__(self, box: Any, writes: int) -> None:
        self.box, self.left = box, writes
        self.head = box.head

    def __len__(self) -> int:
        return len(self.box)

    def _write(self, work: Any, *arguments: Any) -> Any:
        if not self.left:
            raise _Power
        self.left -= 1
        return work(*arguments)

    def put(self, *arguments: Any) -> Any:
        return self._write(self.box.put, *arguments)

    def delete(self, key: int) -> None:
        self._write(self.box.delete, key)
