"""The parts of a world stand on their own: what the watches tell, and to whom."""

from __future__ import annotations

import pytest

from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab.frames import Call, CallResult, Frame, encode
from ocpp_lab.simulation import World, simulate
from ocpp_lab.simulation.book import Book
from ocpp_lab.simulation.central_system_watch import CentralSystemWatch
from ocpp_lab.simulation.invariants import Invariants
from ocpp_lab.simulation.watch import Watch
from ocpp_lab.trace import Event

BEAT = Call("1", "Heartbeat", {})
ASK, ASK_AGAIN = Call("1", "ClearCache", {}), Call("2", "ClearCache", {})


def event(mark: str, said: Frame | str, at: float = 1.0) -> Event:
    return Event(at, "CP_1", mark, said if isinstance(said, str) else encode(said))


def broken(invariants: Invariants) -> list[str]:
    return [violation.invariant for violation in invariants.violations]


def test_a_violation_tells_where_and_when() -> None:
    invariants = Invariants(lambda: 7.5)
    invariants.expect(1 == 1, "sums", "they hold")
    invariants.expect(1 == 2, "sums", "they do not", "CP_1")
    assert [str(violation) for violation in invariants.violations] == ["sums (CP_1), at 7.500 s: they do not"]


# The central system's ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("between", "expected"),
    [
        ([], ["one own call in flight"]),
        ([("<", CallResult("1", {"status": "Accepted"}))], []),
        ([("<", CallResult("7", {"status": "Accepted"}))], ["one own call in flight"]),
        ([("=", "disconnected (lost)")], []),
        ([("=", "power cut")], []),
    ],
)
def test_one_call_of_the_central_system_in_flight(between: list[tuple[str, Frame | str]], expected: list[str]) -> None:
    """J-spec 4.1.1; what ends a call is its reply, the connection's end, or the machine's."""
    watch = CentralSystemWatch(invariants := Invariants(lambda: 0.0))
    for mark, said in [(">", ASK), *between, (">", ASK_AGAIN)]:
        watch.hear(event(mark, said))
    assert broken(invariants) == expected


def test_a_request_of_the_central_system_that_does_not_fit() -> None:
    watch = CentralSystemWatch(invariants := Invariants(lambda: 0.0))
    watch.hear(event(">", Call("1", "Reset", {"type": "Lukewarm"})))
    assert broken(invariants) == ["every frame is valid"]


async def test_as_many_strange_replies_as_faults_made() -> None:
    """One that nobody ordered is a violation, also after a new life began."""
    watch = CentralSystemWatch(invariants := Invariants(lambda: 0.0))
    (central_system := CentralSystem()).faults.applied["wrong payload"] = 1
    watch.begin(central_system)
    watch.hear(event("<", BEAT))
    watch.hear(event(">", CallResult("1", {"surprise": True})))
    assert (watch.strange_replies, broken(invariants)) == (1, [])
    watch.hear(event(">", CallResult("1", {"surprise": True})))
    assert (watch.strange_replies, broken(invariants)) == (2, ["every frame is valid"])


# A charge point's ----------------------------------------------------------------------------------------------------


async def test_nothing_leaves_a_machine_without_power() -> None:
    """What a dying task still says is not heard; the next life is."""
    watch = Watch("CP_1", Book(), invariants := Invariants(lambda: 0.0))
    charge_point = ChargePoint("ws://cs:9000", "CP_1")
    for life in (1, 2):
        watch.hear(event(">", Call(f"{life}/dying", "Heartbeat", {})))
        watch.begin(charge_point)
        watch.hear(event(">", Call(f"{life}/alive", "Heartbeat", {})))
        watch.hear(event("=", "power cut"))
    assert list(watch.sent) == ["1/alive", "2/alive"]
    assert broken(invariants) == []


async def test_a_message_that_is_not_in_the_book() -> None:
    """Write, then send (core 3.7.1): what leaves was written down."""
    watch = Watch("CP_1", Book(), invariants := Invariants(lambda: 0.0))
    watch.begin(ChargePoint("ws://cs:9000", "CP_1"))
    watch.hear(event(">", Call("1", "MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": []})))
    assert "every message was written down first" in broken(invariants)


# The world -----------------------------------------------------------------------------------------------------------


def test_a_world_without_a_central_system_says_so() -> None:
    async def scenario(world: World) -> str:
        with pytest.raises(RuntimeError) as failure:
            _ = world.central_system
        assert world.machines == []
        return str(failure.value)

    assert "`start_central_system` builds one" in simulate(scenario)


def test_a_charge_point_alone_is_a_world_too() -> None:
    """It dials in vain, ends politely, and leaves nothing."""

    async def scenario(world: World) -> list[str]:
        charge_point = await world.start_charge_point("CP_1")
        await charge_point.wait_for("waiting")
        return [machine.name for machine in world.machines]

    assert simulate(scenario) == ["CP_1"]
