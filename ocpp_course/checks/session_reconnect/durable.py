"""3.4: transaction messages are written down, and survive."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from ocpp_lab.outbox import Entry, Outbox

from ..kit import Kit
from ..step import Step
from .boxes import Boxes, backwards, keys_in, messages, start

step = Step("3.4", "`Outbox`: write it down first", ("Outbox",), points=2, minutes=20, reference=lambda: Outbox)


def quietly(kit: Kit, action: Callable[[], Any], said: str) -> Any:
    """What an action returns that must not fail because there is nothing; any other error is told as what it is."""
    try:
        return action()
    except (LookupError, TypeError, ValueError, StopIteration) as error:
        kit.require(False, f"{type(error).__name__}: {error}", said)


@step.check("oldest first, also after closing and opening again")
def fifo(my: Any, kit: Kit) -> str:
    """Transaction messages are delivered in the order in which they happened (core 3.7), also after a restart."""
    said = "the head is the oldest message; this one came later."
    for world, why in ((nullcontext(), said), (backwards(), "SQL promises no order without ORDER BY.")):
        with world, Boxes(my.Outbox, kit) as boxes:
            box = boxes.open()
            first = quietly(kit, box.head, "`head()` of an empty box is None.")
            empty = "a new path is an empty outbox: `head()` is None and `len` is 0."
            kit.require(first is None and len(box) == 0, "not empty at first", empty)
            keys = [box.put(message) for message in messages(kit, 12)]
            kit.equal(len(box), len(keys), "`len` counts the messages that wait.")
            whole = all(isinstance(key, int) for key in keys)
            kit.require(whole, f"`put` returned {keys[0]!r}", "`put` returns the key of the message, a whole number.")
            kit.equal(len(set(keys)), len(keys), "two messages have one key.")
            box = boxes.reopened(box)
            kit.require(len(box), "empty after the restart", "after the restart the outbox was empty.")
            kit.equal(len(box), len(keys), "after the restart the number of messages is another.")
            _entry(kit, box.head())
            head, looked_again = box.head(), box.head()
            kept = looked_again is not None and looked_again.key == head.key
            kit.require(kept and len(box) == len(keys), "another head", "to look at the head changed it.")
            the_same = "the key in the `Entry` is the one that `put` returned."
            kit.require(head.key in keys, f"{head.key!r}, not {keys[0]!r}", the_same)
            kit.require(head.key == keys[0], "another head", why)
            came_out = keys_in(box)
            stays = "`delete(key)` was called, and the message with that key still is the head."
            kit.require(len(set(came_out)) == len(came_out), "the same head again", stays)
            kit.require(
                set(came_out) == set(keys), f"{len(came_out)} of 12 came out", "a message is missing, or is new."
            )
            kit.require(came_out == keys, "another order", why)
            kit.equal(len(boxes.reopened(box)), 0, "what was deleted came back after the restart.")
    return "oldest first"


def _entry(kit: Kit, head: Any) -> None:
    kit.require(head is not None, "`head()` gave None", "a message waits, and `head()` gave None.")
    missing = [name for name in Entry._fields if not hasattr(head, name)]
    said = f"`head()` gives an `Entry(key, request, transaction, failures)`, not a {type(head).__name__}."
    kit.require(not missing, f"`head()` gave a {type(head).__name__}", said)


@step.check("the file, copied the instant `put` returned, has the message")
def durable_on_return(my: Any, kit: Kit) -> str:
    """Offline, transaction messages MUST be queued (core 3.7); ours are on the disk, for the power may go too."""
    said = "a power cut here loses a transaction that the driver was told had started."
    with Boxes(my.Outbox, kit) as boxes:
        box = boxes.open()
        for number, message in enumerate(messages(kit, 5), 1):
            key = box.put(message)
            copy = boxes.after_power_cut()
            kit.require(len(copy) == number, f"{len(copy)} of {number} on the disk", said)
            kit.require(keys_in(copy)[-1] == key, "under another key")
            boxes.close(copy)
    return "5 of 5 on the disk"


@step.check("`head()` gives an equal request of its type, and its transaction")
def typed_back(my: Any, kit: Kit) -> str:
    """What is sent after the restart is what was to be sent before it (core 3.7)."""
    said = "the request did not come back as its type; store action and JSON."
    with Boxes(my.Outbox, kit) as boxes:
        box = boxes.open()
        sent = [(each, kit.rng.choice([None, f"our {number}"])) for number, each in enumerate(messages(kit, 8))]
        for message, transaction in sent:
            box.put(message, transaction)
        box = boxes.reopened(box)
        for message, transaction in sent:
            entry = box.head()
            came = f"a {type(entry.request).__name__}"
            kit.require(type(entry.request) is type(message), came, said)
            values = "the request came back with other values than it was put with."
            kit.require(entry.request == message, f"another {type(message).__name__}", values)
            kit.equal(entry.transaction, transaction, "the name of the transaction did not come back.")
            kit.equal(entry.failures, 0, "a message that never failed has 0 failures.")
            box.delete(entry.key)
    return "8 of 8 equal"


@step.check("`failed(key)`: 1, 2; after the restart 3, also in `head()`")
def failures_survive(my: Any, kit: Kit) -> str:
    """TransactionMessageAttempts counts the sends of one message (core 3.7.1); a restart makes no new message of it."""
    said = "every restart granted three more attempts."
    with Boxes(my.Outbox, kit) as boxes:
        box = boxes.open()
        key, other = box.put(start(kit)), box.put(start(kit))
        kit.equal(box.head().failures, 0, "a message that never failed has 0 failures.")
        kit.equal([box.failed(key), box.failed(key)], [1, 2], "`failed` returns the new count.")
        kit.equal(box.head().failures, 2, "`head()` does not tell the failures that were counted.")
        on_disk = boxes.after_power_cut().head().failures
        box = boxes.reopened(box)
        kept = box.head().failures
        kit.require(
            kept == 2, f"{kept} after the restart", said if kept == 0 else "after the restart the count is other."
        )
        forgot = "a power cut here forgets failures that were counted already."
        kit.require(on_disk == 2, f"{on_disk} after a power cut", forgot)
        kit.equal(box.failed(key), 3, "after the restart `failed` counts on: 3.")
        box.delete(key)
        kit.equal(box.head().key, other, "one of two messages was deleted; the head is the other one.")
        kit.equal(box.head().failures, 0, "another message's failure was counted.")
        last = box.put(start(kit))
        counts = "`failed` counts for the message with that key, not for the head."
        kit.equal([box.failed(other), box.failed(last), box.failed(last)], [1, 1, 2], counts)
        kit.equal(box.head().failures, 1, counts)
    return "1, 2, restart, 3"


@step.check("a key is never given twice, not even after a restart")
def keys_never_reused(my: Any, kit: Kit) -> str:
    """A late delete must hit the message it was meant for, or none."""
    said = "the key of a deleted message came back; a late delete would remove the wrong one."
    with Boxes(my.Outbox, kit) as boxes:
        box = boxes.open()
        keys = [box.put(start(kit)) for _ in range(3)]
        box.delete(keys[-1])
        keys.append(box.put(start(kit)))
        kit.require(len(set(keys)) == 4, "used again at once", said)
        for key in (keys[0], keys[1], keys[3]):
            box.delete(key)
        box = boxes.reopened(box)
        keys.append(box.put(start(kit)))
        kit.require(len(set(keys)) == 5, "used again after a restart", said)
        for number, transaction in enumerate((None, "ours"), 1):
            twice = start(kit)
            pair = (box.put(twice, transaction), box.put(twice, transaction))
            said = "two equal messages are two; each has a key of its own."
            if transaction:
                said = "two equal messages of one transaction became one; they are two, each with a key of its own."
            kit.require(pair[0] != pair[1], "one key for both", said)
            kit.equal(len(box), 1 + 2 * number, said)
    return "9 keys, 9 messages"


@step.check("the message with that key is gone, and no other; also on the disk")
def deletes_that_one(my: Any, kit: Kit) -> str:
    """A message that was answered is never sent again, and one that was not answered stays (core 3.7)."""
    with Boxes(my.Outbox, kit) as boxes:
        box = boxes.open()
        keys = [box.put(message, "ours") for message in messages(kit, 4)]
        box.delete(keys[1])
        quietly(kit, lambda: box.delete(keys[1]), "a message that is gone already is deleted without an error.")
        kit.require(len(box) == 3, f"{len(box)} of 3 left", "`delete` strikes out one message, and a late one none.")
        copy = boxes.after_power_cut()
        back = "deleted, and it comes back after a power cut."
        gone = "a power cut here loses messages that were not deleted."
        kit.require(len(copy) == 3, f"{len(copy)} on the disk, not 3", back if len(copy) > 3 else gone)
        said = "`delete` struck out another message than the one with that key."
        kit.require(keys_in(copy) == [keys[0], *keys[2:]], "another one is gone", said)
    return "3 of 4 left"


@step.check("two paths are two boxes")
def two_paths_two_boxes(my: Any, kit: Kit) -> str:
    """A machine may have two charge points, each with a file of its own."""
    with Boxes(my.Outbox, kit) as boxes:
        one, two = boxes.open(), boxes.open(kit.path("other.db"))
        one.put(start(kit), "one")
        two.put(start(kit), "two")
        two.put(start(kit), "two")
        kit.equal((len(one), len(two)), (1, 2), "they share what they hold.")
        kit.equal((one.head().transaction, two.head().transaction), ("one", "two"), "they share what they hold.")
        two.failed(two.head().key)
        two.delete(two.head().key)
        kit.equal((len(one), one.head().failures), (1, 0), "they share what they hold.")
    return "1 and 2 messages"
