"""The prediction of capstone 4: faults that the learner chooses, and the counts that they foretell."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from ocpp_lab.frames import Call, CallError, CallResult
from ocpp_lab.pending import Pending
from ocpp_lab.session import Session

from ..fitted import fit
from ..kit import Kit
from .bench import HEARTBEAT, Bench, Reaction, answer_to
from .patience import outcome

TIMEOUT = 10.0
LEAST = 10
FAULTS = ("none", "delay", "late", "answer twice", "wrong id", "wrong payload", "CallError")
"""What may happen to the answer of a call."""
WORDS = ("resolved", "failed", "malformed", "late", "repeated", "orphan")
PLAN = [*FAULTS, "late", "answer twice", "none"]
PREDICTED = {"resolved": 5, "failed": 1, "malformed": 1, "late": 2, "repeated": 2, "orphan": 1}
"""Ours: of three calls the answer never comes in time, so seven of ten end by a reply."""


def acceptable(kit: Kit, plan: Any, predicted: Any) -> None:
    """Refuse a plan that leaves a fault out, and a prediction that leaves a word out."""
    kit.require(isinstance(plan, list | tuple), f"a {type(plan).__name__}", "PLAN is a list of the names of faults.")
    unknown = [fault for fault in plan if fault not in FAULTS]
    kit.require(not unknown, f"{unknown[:1]}", f"there is no fault {unknown[0] if unknown else ''!r}; see the table.")
    missing = [fault for fault in FAULTS if fault not in plan]
    kit.require(
        not missing, f"{len(missing)} missing", f"the plan lacks {', '.join(missing)}; each comes at least once."
    )
    kit.require(len(plan) >= LEAST, f"{len(plan)} calls", f"the plan has {len(plan)} calls; it needs {LEAST} or more.")
    kit.require(
        isinstance(predicted, dict), f"a {type(predicted).__name__}", "PREDICTED is a dict from word to number."
    )
    absent = [word for word in WORDS if word not in predicted]
    kit.require(not absent, f"{len(absent)} missing", f"you did not predict {', '.join(absent)}.")
    for word in WORDS:
        number = predicted[word]
        said = f"PREDICTED[{word!r}] is {number!r}, a {type(number).__name__}; it has to be a number, without quotes."
        kit.require(isinstance(number, int | float), f"a {type(number).__name__}", said)


async def played(my: Any, kit: Kit, plan: list[str]) -> Counter[str]:
    """What the learner's pieces count when each call of the plan has its fault."""
    faults = iter(plan)

    def script(call: Call) -> Reaction:
        return _react(next(faults), call, again)

    def again(reply: CallResult) -> None:
        bench.begin(_later(bench, reply))

    its, pending = fitting(my)
    async with Bench(my, kit, script, timeout=TIMEOUT, run=True, pending=pending) as bench:
        for _ in plan:
            await kit.within(60.0, outcome(bench.call(HEARTBEAT)), "a call waits for ever", "every call ends.")
        await asyncio.sleep(10 * TIMEOUT)
        return Counter({word: its.counts[word] for word in WORDS})


def fitting(my: Any) -> tuple[Any, Any]:
    """The learner's `Pending`, whose counts are judged, and what a session gets: the same, or made whole by `fit`.

    No step asks for all that the package's `Session` wants of its `Pending`; for a learner's no more is added.
    """
    its = my.Pending()
    if not (isinstance(my.Session, type) and issubclass(my.Session, Session)):
        return its, its
    return its, its if isinstance(its, Pending) else fit(pending=lambda: its)["pending"]()


def _react(fault: str, call: Call, again: Callable[[CallResult], None]) -> Reaction:
    answer = answer_to(call)
    match fault:
        case "delay":
            return 0.5 * TIMEOUT, answer
        case "late":
            return 1.5 * TIMEOUT, answer
        case "answer twice":
            again(answer)
        case "wrong id":
            return 0.1, CallResult(f"not-{call.unique_id}", answer.payload)
        case "wrong payload":
            return 0.1, CallResult(call.unique_id, {"surprise": True})
        case "CallError":
            return 0.1, CallError(call.unique_id, "InternalError")
    return 0.1, answer


async def _later(bench: Bench, reply: CallResult) -> None:
    await asyncio.sleep(0.2)
    await bench.says(reply)
