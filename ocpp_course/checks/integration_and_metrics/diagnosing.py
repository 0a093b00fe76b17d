"""6.5: a fault, found by its numbers alone."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from ocpp_lab.messages import ACTIONS

from ..kit import Kit
from ..step import Step
from .hours import SECONDS, SEEDS, VERDICTS, Pair, Snapshot, example
from .ours import diagnose, is_counter

step = Step("6.5", "`diagnose`: what happened tonight", ("diagnose",), points=3, minutes=25, reference=lambda: diagnose)

BROKEN = VERDICTS[1:]
HOURS = 5
"""Drawn of those that were played."""
LINK = ("link-cut", "half-open")
FROM_A_QUARTER = ("0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "20.0", "30.0", "60.0", "+Inf")
BUSY = {
    'ocpp_calls_started_total{action="Authorize"}': 10_000.0,
    'ocpp_calls_total{action="Authorize",outcome="result"}': 9_996.0,
    'ocpp_calls_total{action="Authorize",outcome="timeout"}': 2.0,
    'ocpp_calls_total{action="Authorize",outcome="error"}': 1.0,
    'ocpp_calls_total{action="Authorize",outcome="lost"}': 1.0,
    'ocpp_call_seconds_count{outcome="result"}': 9_996.0,
    'ocpp_call_seconds_sum{outcome="result"}': 812.0,
    'ocpp_call_errors_total{code="InternalError"}': 1.0,
    "ocpp_connection_losses_total": 1.0,
    'ocpp_dials_total{outcome="connected"}': 1.0,
    'ocpp_dials_total{outcome="unreachable"}': 1.0,
    "ocpp_connected_seconds_total": 3560.0,
} | {f'ocpp_call_seconds_bucket{{le="{bound}",outcome="result"}}': 9_996.0 for bound in FROM_A_QUARTER}  # fmt: skip


def grown(before: Snapshot, after: Snapshot, times: float = 1.0) -> Snapshot:
    """What the counters of an hour counted, so many times over; gauges as they are in the end."""
    fresh = {key: times * (value - before.get(key, 0.0)) for key, value in after.items() if is_counter(key)}
    fresh = {key: value if "_seconds" in key else float(round(value)) for key, value in fresh.items()}
    return {key: value for key, value in after.items() if not is_counter(key)} | fresh


def week(kit: Kit, times: int = 50) -> Snapshot:
    """What a bad week has counted: each fault, many times."""
    total: defaultdict[str, float] = defaultdict(float)
    for verdict in BROKEN:
        for key, value in example(verdict, kit.rng.choice(SEEDS))[1].items():
            if is_counter(key):
                total[key] += times * value
    return dict(total)


def plus(one: Snapshot, other: Snapshot) -> Snapshot:
    return {key: one.get(key, 0.0) + other.get(key, 0.0) for key in one | other}


def hours(kit: Kit, verdict: str) -> list[tuple[Snapshot, Snapshot]]:
    """The one that the notebook shows, and others."""
    return [example(verdict, seed) for seed in (SEEDS[0], *kit.rng.sample(SEEDS[1:], HOURS - 1))]


def judge(
    my: Any, kit: Kit, wanted: str, tonight: Pair, seconds: float, why: str | None, plain: Pair | None = None
) -> None:
    """Refuse the answer unless it says what this hour was.

    ``plain`` is the same fault without what makes this hour special. Whoever does not know that either errs for another
    reason than ``why``.
    """
    got = my.diagnose(dict(tonight[0]), dict(tonight[1]), seconds)
    if got == wanted:
        return
    known = plain is None or my.diagnose(dict(plain[0]), dict(plain[1]), SECONDS) == wanted
    kit.require(False, f"{wanted}: {got!s:.30}", why if known else None)


@step.check("7 faults, 5 hours each: named", seconds=8)
def each_fault(my: Any, kit: Kit) -> str:
    """Each fault moves two numbers and leaves another alone; how much they move differs from hour to hour."""
    said = {fault: [my.diagnose(*pair, SECONDS) for pair in hours(kit, fault)] for fault in BROKEN}
    for fault, got in said.items():
        strange = [each for each in got if each not in VERDICTS]
        kit.require(not strange, f"{fault}: {strange[:1]!r:.30}", "answer one of the eight words.")
    shown = {fault: next((each for each in got if each != fault), fault) for fault, got in said.items()}
    link = "a wrong key also loses the connection; look at the outcomes of the dials."
    kit.require(not set(said["credentials"]) & set(LINK), f"credentials: {shown['credentials']}", link)
    silent = "silent peer and cut connection differ: look at lost calls and at the dials."
    kit.require(not set(said["peer-silent"]) & set(LINK), f"peer-silent: {shown['peer-silent']}", silent)
    for fault, got in said.items():
        sometimes = "right at one strength only." if fault in got else _never(fault, shown[fault])
        kit.require(set(got) == {fault}, f"{fault}: {shown[fault]}", sometimes)
    return f"{len(BROKEN) * HOURS} hours"


def _never(fault: str, got: str) -> str:
    return f"{fault} was taken for {got}; which number moves in one of them and not in the other?"


@step.check("two timeouts, one lost connection in 10,000 calls: healthy")
def healthy(my: Any, kit: Kit) -> str:
    """Some calls fail on any night; a fault is a share of the calls, not a number."""
    said = my.diagnose({}, dict(BUSY), 3600.0)
    friday = "two in ten thousand is a Friday, not a fault."
    other = "of 10,000 calls four failed, with one lost connection: that is healthy."
    kit.require(said == "healthy", f"healthy: {said!s:.30}", friday if said == "peer-silent" else other)
    for pair in hours(kit, "healthy"):
        judge(my, kit, "healthy", pair, SECONDS, "less than 2 calls in 100 failed: that is healthy.")
    full = BUSY | {'ocpp_dials_total{outcome="refused_503"}': 3.0}
    busy = "`refused_503` is a busy central system, and no matter of the key; that is `refused_401`."
    judge(my, kit, "healthy", ({}, full), 3600.0, busy)
    quiet = "no call at all is no fault, and 0 divides nothing."
    try:
        judge(my, kit, "healthy", (BUSY, BUSY), 60.0, quiet)
    except ZeroDivisionError:
        kit.require(False, "ZeroDivisionError", quiet)
    return "healthy"


@step.check("6 calls in 100 fail, of any action: a fault; 1 in 100: none")
def shares(my: Any, kit: Kit) -> str:
    """Less than 2 in 100 is a Friday, 5 in 100 and more a fault; any action may be the one that fails."""
    for outcome, verdict in (("error", "peer-refuses"), ("timeout", "peer-silent"), ("lost", "link-cut")):
        for percent, wanted in ((1, "healthy"), (6, verdict), (100, verdict)):
            many: Pair | None = ({}, failing(kit, outcome, 40)) if wanted == verdict else None
            said = "6 calls in 100 fail; a fault hits 5 in 100 at least, of whatever action."
            if many is None:
                said = "1 call in 100 fails; less than 2 in 100 is healthy."
            judge(my, kit, wanted, ({}, failing(kit, outcome, percent)), 3600.0, said, many)
    _few_calls(my, kit)
    _slow_answers(my, kit)
    taken_back = failing(kit, "cancelled", 10)
    said = "10 calls in 100 were cancelled by their callers: that is no failure."
    judge(my, kit, "healthy", ({}, taken_back), 3600.0, said)
    for waiting, wanted in ((2.0, "healthy"), (3.0, "link-stalled")):
        page = BUSY | {"ocpp_write_queue_depth": waiting, "ocpp_writes_in_flight": 1.0}
        said = f"`ocpp_write_queue_depth` is {waiting:g}; on a stalled connection it is 3 at least."
        judge(my, kit, wanted, ({}, page), 3600.0, said)
    return "at 6 in 100"


def _few_calls(my: Any, kit: Kit) -> None:
    """In a quiet night one call is a large share, or a small one."""
    for calls, wanted in ((20, "peer-silent"), (60, "healthy")):
        page = {
            'ocpp_calls_total{action="Authorize",outcome="result"}': calls - 1.0,
            'ocpp_calls_total{action="Authorize",outcome="timeout"}': 1.0,
        } | seconds_of("result", calls - 1.0, 0.08)
        said = f"one call of {calls} timed out; a series that is not in `before` was 0 then."
        judge(my, kit, wanted, ({}, page), 3600.0, said, (dict.fromkeys(page, 0.0), page))


def _slow_answers(my: Any, kit: Kit) -> None:
    for took, wanted in ((0.95, "healthy"), (3.0, "peer-slow"), (7.0, "peer-slow")):
        calls = {'ocpp_calls_total{action="Authorize",outcome="result"}': 100.0}
        whole = calls | seconds_of("result", 100.0, took)
        said = f"each answer took {took:g} s; a healthy one takes less than 1 s, a slow one 3 s or more."
        judge(my, kit, wanted, ({}, whole), 3600.0, said)
        page = {key: value for key, value in whole.items() if value}
        judge(my, kit, wanted, ({}, page), 3600.0, "a bucket that is not on the page holds no call: it is 0.")


def failing(kit: Kit, outcome: str, percent: int) -> Snapshot:
    """A night of four actions, of whose calls so many in a hundred end so."""
    calls, ended, results = 1000.0, 10.0 * percent, 1000.0 - 10.0 * percent
    page: Snapshot = {}
    for action in kit.rng.sample(sorted(ACTIONS), 4):
        page[f'ocpp_calls_started_total{{action="{action}"}}'] = calls
        page[f'ocpp_calls_total{{action="{action}",outcome="{outcome}"}}'] = ended
        page[f'ocpp_calls_total{{action="{action}",outcome="result"}}'] = results
    took = {"error": 0.08, "timeout": 30.0, "lost": 2.0, "cancelled": 2.0}[outcome]
    page |= seconds_of(outcome, 4 * ended, took) | seconds_of("result", 4 * results, 0.08)
    if outcome == "lost":
        page["ocpp_connection_losses_total"] = page['ocpp_dials_total{outcome="connected"}'] = 4 * ended
    return {key: value for key, value in page.items() if value}


def seconds_of(outcome: str, calls: float, took: float) -> Snapshot:
    """The histogram of so many calls that all took as long."""
    reached = {bound: calls * (took <= float(bound)) for bound in FROM_A_QUARTER}
    page = {f'ocpp_call_seconds_bucket{{le="{bound}",outcome="{outcome}"}}': n for bound, n in reached.items()}
    totals = {"count": calls, "sum": calls * took}
    return page | {f'ocpp_call_seconds_{what}{{outcome="{outcome}"}}': n for what, n in totals.items()}


@step.check("the same after a bad week: only the difference counts")
def differences(my: Any, kit: Kit) -> str:
    """A counter counts since its process started; tonight is the difference of two snapshots (Prometheus)."""
    for verdict in VERDICTS:
        for pair in hours(kit, verdict)[1:3]:
            past = week(kit)
            before, after = plus(pair[0], past), plus(pair[1], past)
            said = "what was counted before the first snapshot is not of tonight."
            judge(my, kit, verdict, (before, after), SECONDS, said, pair)
            waited = before | {"ocpp_write_queue_depth": 40.0, "ocpp_writes_in_flight": 1.0}
            gauge = "a gauge is what it is now: take it from `after`, and no difference."
            judge(my, kit, verdict, (waited, after), SECONDS, gauge, pair)
    return "the same"


@step.check("the same if the counters went back to 0 in between")
def restart(my: Any, kit: Kit) -> str:
    """A restarted process counts from 0. One counter that went back tells it, and then all of them began again."""
    for number, verdict in enumerate(VERDICTS):
        for pair in hours(kit, verdict)[1:3]:
            tonight, past = grown(*pair), week(kit, times=1000)
            higher = {key: max(value, 2 * tonight.get(key, 0.0) + 1) for key, value in past.items()}
            judge(my, kit, verdict, (higher, tonight), SECONDS, "the counter restarted; count from 0.", pair)
            gone = {key: value for key, value in tonight.items() if value}
            said = "a series that nobody touched since the restart is 0."
            judge(my, kit, verdict, (higher, gone), SECONDS, said, pair)
            most = max((key for key in gone if key.startswith("ocpp_calls_total")), key=lambda key: gone[key])
            one_back = gone | {most: 10 * gone[most]}  # all others stood where they stand now
            said = "one counter went back, so all of them began again at 0."
            judge(my, kit, verdict, (one_back, gone), SECONDS, said, ({}, gone))
        key = VANISHED[number % len(VANISHED)]
        said = f"`{key.partition('{')[0]}` is a counter, and it is not there any more: all began again at 0."
        judge(my, kit, verdict, (gone | {key: 1.0}, gone), SECONDS, said, ({}, gone))
    return "the same"


VANISHED = (
    'ocpp_call_errors_total{code="NotSupported"}',
    'ocpp_call_seconds_count{outcome="cancelled"}',
    'ocpp_call_seconds_sum{outcome="cancelled"}',
    'ocpp_call_seconds_bucket{le="60.0",outcome="cancelled"}',
)
"""One counter of each kind, which none of the hours has. When it is gone, nothing else tells that all began again."""


@step.check("the same in 60 s or 3600 s, at a fleet or at one")
def rates(my: Any, kit: Kit) -> str:
    """A busy hour and a quiet one have the same faults: what counts is the share of the calls."""
    for verdict in VERDICTS:
        for pair in hours(kit, verdict)[1:3]:
            for times, seconds in ((1, 60.0), (1, 3600.0), (0.25, 3600.0), (40, 3600.0), (40, 60.0)):
                tonight = grown(*pair, times)
                said = "judge shares of the calls: the same night, counted longer or at a quieter place, was another."
                judge(my, kit, verdict, ({}, tonight), seconds, said, pair)
    return "the same"
