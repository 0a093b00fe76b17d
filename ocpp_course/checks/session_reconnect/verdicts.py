"""3.5: what to do with a transaction message that was not answered."""

from __future__ import annotations

from typing import Any

from ocpp_lab.errors import (
    CallFailed,
    CallTimeout,
    ConnectionLost,
    HandshakeRefused,
    IllegalTransition,
    MalformedReply,
    NotAccepted,
    NotConnected,
    PayloadError,
)
from ocpp_lab.outbox import verdict

from ..kit import Kit
from ..step import Step

step = Step("3.5", "`verdict`: keep, retry or drop", ("verdict",), points=2, minutes=15, reference=lambda: verdict)

Verdict = tuple[str, float]
HALT: Verdict = ("halt", 0.0)
DROP: Verdict = ("drop", 0.0)
OTHER = "VendorSecurity"
"""A code of nobody's, which has a part of SecurityError in it."""
REFUSALS = ("InternalError", "GenericError", "NotSupported", "FormationViolation", "ProtocolError")


def ask(
    my: Any,
    kit: Kit,
    error: Exception,
    failures: int = 0,
    *,
    alive: bool = True,
    attempts: int = 3,
    interval: float = 60.0,
) -> Verdict:
    """The verdict, which is refused if it raises or has another shape than the contract says."""
    try:
        came = my.verdict(error, failures, alive=alive, attempts=attempts, retry_interval=interval)
    except type(error):
        said = f"{type(error).__name__} is no bug here; it needs a verdict."
        kit.require(False, f"{type(error).__name__} was raised", said)
    pair = isinstance(came, tuple) and len(came) == 2 and isinstance(came[0], str) and isinstance(came[1], int | float)
    kit.require(pair, f"{came!r}", "a verdict is a pair: the word, and the wait in seconds.")
    kit.require(came[0] in ("retry", "drop", "halt"), f"{came[0]!r}", "the word is retry, drop or halt.")
    no_wait = came[0] == "retry" or not came[1]
    kit.require(no_wait, told(came), "only a retry waits; the seconds of drop and halt are 0.0.")
    return str(came[0]), float(came[1])


def refused(kit: Kit) -> CallFailed:
    return CallFailed(kit.rng.choice(REFUSALS), "not today")


def told(came: Verdict) -> str:
    return f"{came[0]}, {came[1]:g} s"


def same(came: Verdict, wanted: Verdict) -> bool:
    return came[0] == wanted[0] and abs(came[1] - wanted[1]) < 1e-9


def expect(kit: Kit, came: Verdict, wanted: Verdict, diagnosis: str | None = None) -> None:
    kit.require(same(came, wanted), told(came), diagnosis)


@step.check("`attempts=1`: the first failure drops; so does one too many")
def attempts_one(my: Any, kit: Kit) -> str:
    """TransactionMessageAttempts is how often a message is sent, the first time included (core 3.7.1)."""
    said = "TransactionMessageAttempts counts all sends, not the repeats."
    never = "after so many failures the message is dropped; this retries it for ever."
    for error in (refused(kit), MalformedReply("no transactionId")):
        came = ask(my, kit, error, 0, attempts=1)
        kit.require(came[0] != "halt", told(came), f"{type(error).__name__} is a failure: the peer has the message.")
        ends = came == DROP or ask(my, kit, error, 50, attempts=1) == DROP
        expect(kit, came, DROP, said if ends else never)
    over = ask(my, kit, refused(kit), 5, attempts=3)
    expect(kit, over, DROP, "the operator may lower the attempts: five failures are more than three, too.")
    return "drop"


@step.check("3 attempts, 60 s: retry after 60, retry after 120, drop")
def sixty_then_twice(my: Any, kit: Kit) -> str:
    """The wait before a repeat is the interval times the number of transmissions before it (core 3.7.1)."""
    cases = [(3, 60.0)] + [(kit.rng.randint(3, 9), kit.rng.uniform(1, 99)) for _ in range(5)]
    for attempts, interval in cases:
        for error in (refused(kit), MalformedReply("no transactionId"), CallFailed(OTHER, "not today")):
            for failures in range(attempts):
                came = ask(my, kit, error, failures, attempts=attempts, interval=interval)
                wanted = DROP if failures == attempts - 1 else ("retry", interval * (failures + 1))
                expect(kit, came, wanted, _failure(error, came, failures + 1, attempts, interval))
                deaf = ask(my, kit, error, failures, alive=False, attempts=attempts, interval=interval)
                expect(kit, deaf, wanted, "`alive` tells something after a CallTimeout only; this error is an answer.")
    return "60, 120, drop"


def _failure(error: Exception, came: Verdict, number: int, attempts: int, interval: float) -> str:
    """What is wrong with the verdict on failure number so and so of so many."""
    name = "a CallError" if isinstance(error, CallFailed) else "an unreadable result"
    if came[0] == "halt" and isinstance(error, CallFailed) and error.code == OTHER:
        return f"a CallError with the code {OTHER} is a failure; only the code SecurityError itself is a halt."
    if came[0] == "halt":
        return f"{name} is a failure, and counts; halt is for a peer that is gone or must be booted first."
    if number < attempts and came[0] == "drop":
        return f"{name} is retried up to the attempts."
    if number < attempts and same(came, ("retry", interval)):
        return "the wait grows with the transmissions: 60, then 120."
    if number < attempts:
        return f"this is failure number {number}, so the wait is `retry_interval` · {number}: {interval * number:g} s."
    return f"this is failure number {number}, and `attempts` is {attempts}: drop."


@step.check("ConnectionLost, NotConnected: halt, however often")
def loss_costs_nothing(my: Any, kit: Kit) -> str:
    """A message is given up only if the peer reports that it failed; a lost connection reports nothing (core 3.7.1)."""
    thrown = "three tunnels and the transaction was thrown away; nobody refused it."
    counted = "a retry counts a failure, and nobody refused it: halt."
    for error in (ConnectionLost(), NotConnected("offline"), HandshakeRefused(503)):
        for failures in (0, 1, 2, 7):
            came = ask(my, kit, error, failures, alive=kit.rng.random() < 0.5)
            expect(kit, came, HALT, thrown if came[0] == "drop" else counted)
    return "halt"


@step.check("CallTimeout, alive: counts like a refusal")
def silence_alive_counts(my: Any, kit: Kit) -> str:
    """Silence of a peer that lives counts too: our choice, for core 3.7.1 speaks of reported failures only."""
    said = "one message that the peer swallows blocks every transaction behind it for ever."
    for failures, wanted in enumerate((("retry", 60.0), ("retry", 120.0), DROP)):
        came = ask(my, kit, CallTimeout(), failures, alive=True)
        other = f"silence of a peer that lives counts as a refusal does: {told(wanted)}."
        expect(kit, came, wanted, said if came[0] == "halt" else other)
    late = ask(my, kit, CallTimeout(), 4, alive=True, attempts=6, interval=7.5)
    expect(kit, late, ("retry", 37.5), "silence counts by `attempts` and `retry_interval`, as a refusal does.")
    return "60, 120, drop"


@step.check("CallTimeout, not alive: halt")
def silence_dead_halts(my: Any, kit: Kit) -> str:
    """Who answers nothing at all has refused nothing; the connection is dead, and the message is kept (core 3.7.1)."""
    said = (
        "the whole central system hangs, and a few minutes later every transaction is thrown away; ask whether it "
        "lives before you count."
    )
    for failures in (0, 1, 2, 7):
        expect(kit, ask(my, kit, CallTimeout(), failures, alive=False), HALT, said)
    return "halt"


@step.check("CallFailed with SecurityError: halt")
def security_error_halts(my: Any, kit: Kit) -> str:
    """SecurityError may mean that our boot is not accepted (J-errata 3.8). To boot again, then send, is our choice."""
    said = "the peer forgot us; three refusals later the invoice is gone. Boot again, then send."
    for failures in (0, 2, 7):
        came = ask(my, kit, CallFailed("SecurityError", "who are you?"), failures, attempts=kit.rng.randint(1, 5))
        expect(kit, came, HALT, said)
    return "halt"


BUGS = (
    TypeError("a bug"),
    KeyError("a bug"),
    NotAccepted("boot first"),
    IllegalTransition("a", "b", []),
    PayloadError("TypeConstraintViolation", "a bug"),
    OSError("disk full"),
    TimeoutError("whose?"),
)


@step.check("TypeError, NotAccepted and all others: raised again")
def bugs_escape(my: Any, kit: Kit) -> str:
    """Only what a connection or a peer may do gets a verdict; a bug has to be seen."""
    same_again = "raise the same error again, not a new one, and no verdict."
    for error in BUGS:
        try:
            came = my.verdict(error, 0, alive=kit.rng.random() < 0.5, attempts=3, retry_interval=60.0)
        except type(error) as raised:
            kit.require(raised is error, "another error", same_again)
        except Exception as raised:
            kit.require(False, f"{type(error).__name__} became {type(raised).__name__}", same_again)
        else:
            retried = isinstance(error, TypeError) and str(came).count("retry")
            said = "a TypeError is retried for ever." if retried else same_again
            kit.require(False, f"{type(error).__name__} got a verdict", said)
    return "raised again"


@step.check("the same question gets the same answer, in any order")
def pure(my: Any, kit: Kit) -> str:
    """A decision that remembers nothing can be tested, and gives the same after a restart."""
    errors = [refused(kit), MalformedReply("no transactionId"), CallTimeout(), ConnectionLost()]
    asked = [(error, failures, alive) for error in errors for failures in range(4) for alive in (True, False)]
    first = [ask(my, kit, error, failures, alive=alive, attempts=4) for error, failures, alive in asked]
    for number in kit.rng.sample(range(len(asked)), len(asked)):
        error, failures, alive = asked[number]
        came = ask(my, kit, error, failures, alive=alive, attempts=4)
        expect(kit, came, first[number], "asked again it decided otherwise; it remembers something.")
    return f"{len(asked)} questions, twice"
