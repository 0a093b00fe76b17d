"""6.4: every start has exactly one end, or is pending."""

from __future__ import annotations

from random import Random
from typing import Any

from ocpp_lab.messages import ACTIONS

from ..kit import Kit, short
from ..step import Step
from .ours import imbalance

step = Step("6.4", "`imbalance`: the books", ("imbalance",), points=3, minutes=20, reference=lambda: imbalance)

TURNED = "the sign is turned round: it is started minus ended, so a call without an end counts as +1."
OUTCOMES = ("result", "error", "timeout", "lost", "cancelled")


def started(action: str) -> str:
    return f'ocpp_calls_started_total{{action="{action}"}}'


def ended(action: str, outcome: str) -> str:
    return f'ocpp_calls_total{{action="{action}",outcome="{outcome}"}}'


def books(rng: Random, actions: list[str]) -> dict[str, float]:
    """A snapshot that balances, with series of other names around it."""
    snapshot = {
        'ocpp_frames_total{direction="in",kind="call"}': 3.0,
        "ocpp_pending_calls": 0.0,
        'ocpp_call_seconds_bucket{le="+Inf",outcome="result"}': 12.0,
        'ocpp_call_errors_total{code="InternalError"}': 2.0,
        'ocpp_calls_created{action="Heartbeat",outcome="result"}': 1.9e9,
        "ocpp_connected_seconds_total": 812.25,
    }
    for action in actions:
        ends = {outcome: float(rng.randrange(1, 200)) for outcome in OUTCOMES}
        snapshot[started(action)] = sum(ends.values())
        snapshot |= {ended(action, outcome): count for outcome, count in ends.items()}
        snapshot |= {again(action, outcome): count for outcome, count in ends.items()}
    return snapshot


def again(action: str, outcome: str) -> str:
    """The histogram counts each end once more, with an action where somebody wants to know."""
    return f'ocpp_call_seconds_count{{action="{action}",outcome="{outcome}"}}'


def some(rng: Random, number: int = 4) -> list[str]:
    return rng.sample(sorted(ACTIONS), number)


@step.check("books that balance: {}")
def balanced(my: Any, kit: Kit) -> str:
    """Result, error, timeout, lost, cancelled: one of five, once, for every call."""
    for _ in range(20):
        actions = some(kit.rng)
        snapshot = books(kit.rng, actions)
        got = my.imbalance(dict(snapshot), {})
        kit.require(isinstance(got, dict), short(got), "answer a dict: {} if all is well.")
        cancelled = {action: snapshot[ended(action, "cancelled")] for action in actions}
        kit.require(got != cancelled, short(got), "cancelled calls have an end too.")
        twice = {action: -sum(snapshot[ended(action, outcome)] for outcome in OUTCOMES) for action in actions}
        counted = "`ocpp_call_seconds_count` counts the same calls once more; only `ocpp_calls_total` is an end."
        kit.require(got != twice, short(got), counted)
        instants = any(abs(calls) > 1e8 for calls in got.values())
        kit.require(not instants, short(got), "`_created` is an instant, and no count; take the names as they are.")
        told = [action for action in got if got[action] == 0]
        kit.require(not told, short(got), "an action that balances is left out; only differences are told.")
        kit.equal(dict(got), {})
    return "{}"


@step.check("two calls without an end, found by action")
def finds_leak(my: Any, kit: Kit) -> str:
    """One equation for each action: what is missing here is not to be found there."""
    for _ in range(20):
        leaky, double, fine = some(kit.rng, 3)
        snapshot = books(kit.rng, [leaky, double, fine])
        lost = float(kit.rng.randrange(1, 9))
        snapshot[started(leaky)] += lost
        got = dict(my.imbalance(dict(snapshot), {}))
        kit.equal(got, {leaky: lost}, TURNED if got == {leaky: -lost} else None)
        snapshot[ended(double, "result")] += lost
        got = my.imbalance(dict(snapshot), {})
        kit.require(got, "{}", "one action's leak hid behind another's double.")
        kit.require(got.get(leaky) == lost, short(got))
    return "by action"


@step.check("one end too many: −1")
def finds_double(my: Any, kit: Kit) -> str:
    """More ends than starts: somebody counted an end twice. That is another bug than a call without an end."""
    for _ in range(20):
        (action,) = some(kit.rng, 1)
        snapshot = books(kit.rng, [action])
        snapshot[ended(action, kit.rng.choice(OUTCOMES))] += 1
        got = my.imbalance(dict(snapshot), {})
        if got == {action: 1}:
            leaky = books(Random(0), [action])
            leaky[started(action)] += 1
            turned = dict(my.imbalance(leaky, {})) == {action: -1}
            kit.require(False, short(got), TURNED if turned else "the sign tells leak from double.")
        kit.require(got, "{}", "one end more than starts: that is -1, and no balance.")
        kit.equal(dict(got), {action: -1})
    return "−1"


@step.check("series that are not there yet count as 0")
def missing_series(my: Any, kit: Kit) -> str:
    """A series appears with its first event; until then it is 0 (Prometheus)."""
    said = "a series nobody touched is 0."
    cases: list[tuple[dict[str, float], dict[str, int], dict[str, float]]] = [
        ({}, {}, {}),
        ({started("Heartbeat"): 5.0, ended("Heartbeat", "result"): 5.0}, {}, {}),
        ({started("Heartbeat"): 5.0}, {}, {"Heartbeat": 5.0}),
        ({ended("Heartbeat", "lost"): 2.0}, {}, {"Heartbeat": -2.0}),
        ({started("Authorize"): 1.0, ended("Heartbeat", "error"): 1.0}, {}, {"Authorize": 1.0, "Heartbeat": -1.0}),
    ]
    for snapshot, pending, wanted in cases:
        try:
            got = my.imbalance(snapshot, pending)
        except KeyError as error:
            if not str(error).startswith("'ocpp_calls"):
                raise
            kit.require(False, "KeyError", said)
        zeros = {key: 0.0 for action in {*wanted, "Heartbeat"} for key in _all_of(action)}
        whole = dict(my.imbalance(zeros | snapshot, pending)) == wanted
        kit.equal(dict(got), wanted, said if whole else None)
    invented = "`other` has books too: what a peer invents is counted there."
    kit.equal(dict(my.imbalance({started("other"): 2.0}, {})), {"other": 2.0}, invented)
    return "0"


def _all_of(action: str) -> list[str]:
    """Every series of an action."""
    return [started(action), *(ended(action, outcome) for outcome in OUTCOMES)]


@step.check("started 10, ended 9, pending 1: {}")
def pending_counts(my: Any, kit: Kit) -> str:
    """What is on the wire has started, and has no end yet."""
    for _ in range(20):
        one, other = some(kit.rng, 2)
        snapshot = books(kit.rng, [one, other])
        balances = dict(my.imbalance(dict(snapshot), {})) == {}
        snapshot[started(one)] += 1
        said = "a call that is pending has started and not ended; it is no leak." if balances else None
        page, under_way = dict(snapshot), {one: 1}
        kit.equal(dict(my.imbalance(page, under_way)), {}, said)
        kit.require(under_way == {one: 1}, short(under_way), "`pending` was changed; leave what is handed in as it is.")
        kit.require(page == snapshot, "another snapshot", "`snapshot` was changed; leave what is handed in as it is.")
        kit.equal(dict(my.imbalance(dict(snapshot), {one: 1, other: 0})), {}, said)
        kit.equal(dict(my.imbalance(dict(snapshot), {one: 2})), {one: -1})
        kit.equal(dict(my.imbalance(dict(snapshot), {one: 1, other: 2})), {other: -2})
    unseen = "what is pending counts for an action without a series, too."
    kit.equal(dict(my.imbalance({}, {one: 2})), {one: -2}, unseen)
    return "{}"


@step.check("labels in any order, and one more of them")
def label_order(my: Any, kit: Kit) -> str:
    """Labels are a set; whoever writes the page may order them as they like, and add one (Prometheus' format)."""
    said = "parse labels, not positions."
    ends_alike = 'the label "transaction" ends in "action" too; match the whole name of a label.'
    for _ in range(20):
        (action,) = some(kit.rng, 1)
        counts = {outcome: kit.rng.randrange(1, 99) for outcome in OUTCOMES}
        in_order = dict(my.imbalance(_labelled(Random(0), action, counts, shuffled=False), {})) == {action: 3.0}
        kit.require(in_order, "wrong", "three calls of this action have no end; its labels stand in their usual order.")
        try:
            got = my.imbalance(_labelled(kit.rng, action, counts), {})
        except (KeyError, IndexError, ValueError) as error:
            kit.require(False, type(error).__name__, said)
        kit.equal(dict(got), {action: 3.0}, said)
        one = _labelled(kit.rng, action, counts, charge_point="CP_1")
        more = "there may be more labels than `action` and `outcome`; here `charge_point`."
        kit.equal(dict(my.imbalance(dict(one), {})), {action: 3.0}, more)
        kit.equal(
            dict(my.imbalance(_labelled(kit.rng, action, counts, transaction="7"), {})), {action: 3.0}, ends_alike
        )
        both = one | _labelled(kit.rng, action, counts, charge_point="CP_2")
        kit.equal(dict(my.imbalance(both, {action: 1})), {action: 5.0}, "two series of one action: add them up.")
    return "parsed"


def _labelled(
    rng: Random, action: str, counts: dict[str, int], *, shuffled: bool = True, **more: str
) -> dict[str, float]:
    """The series of one action, three of whose calls have no end; each series may have one label more."""

    def key(name: str, **labels: str) -> str:
        return _key(rng if shuffled else None, name, action=action, **labels, **more)

    ends = {key("ocpp_calls_total", outcome=how): float(n) for how, n in counts.items()}
    return ends | {key("ocpp_calls_started_total"): sum(counts.values()) + 3.0}


def _key(rng: Random | None, name: str, **labels: str) -> str:
    pairs = [f'{label}="{value}"' for label, value in labels.items()]
    if rng is not None:
        usual = list(pairs)
        rng.shuffle(pairs)
        if pairs == usual:
            pairs.reverse()
    return f"{name}{{{','.join(pairs)}}}"
