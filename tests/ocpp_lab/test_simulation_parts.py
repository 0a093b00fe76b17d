"""The parts of a world stand on their own: what the watches tell, and to whom."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from ocpp_lab import CentralSystem, ChargePoint, Store, StoreFailed
from ocpp_lab.frames import Call, CallResult, Frame, encode
from ocpp_lab.simulation import World, simulate
from ocpp_lab.simulation.bad_disk import FULL, LOCKED, BadDisk
from ocpp_lab.simulation.book import Book
from ocpp_lab.simulation.boots import Boots
from ocpp_lab.simulation.central_system_watch import CentralSystemWatch
from ocpp_lab.simulation.ends import Ends
from ocpp_lab.simulation.invariants import Invariants
from ocpp_lab.simulation.machine_clock import MachineClock
from ocpp_lab.simulation.real_ids import REAL_ID, RealIds
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
    watch.begin(central_system, ":memory:")
    watch.hear(event("<", BEAT))
    watch.hear(event(">", CallResult("1", {"surprise": True})))
    assert (watch.strange_replies, broken(invariants)) == (1, [])
    watch.hear(event(">", CallResult("1", {"surprise": True})))
    assert (watch.strange_replies, broken(invariants)) == (2, ["every frame is valid"])


async def test_what_a_dead_central_system_answers_is_no_answer() -> None:
    """It was committed a turn after the power went, into a file that nobody reads (seed 248 of `chaos`)."""
    watch = CentralSystemWatch(Invariants(lambda: 0.0))
    for said in ("in time", "too late"):
        watch.begin(CentralSystem(), ":memory:")
        watch.hear(event("<", Call(said, "StartTransaction", {"connectorId": 1})))
        if said == "too late":
            watch.hear(event("=", "power cut"))
        watch.hear(event(">", CallResult(said, {"idTagInfo": {"status": "Accepted"}, "transactionId": 8})))
    assert len(watch.answered) == 1


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
    """Write, then send (core 3.7): what leaves was written down."""
    watch = Watch("CP_1", Book(), invariants := Invariants(lambda: 0.0))
    watch.begin(ChargePoint("ws://cs:9000", "CP_1"))
    watch.hear(event(">", Call("1", "MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": []})))
    assert "every message was written down first" in broken(invariants)


# Our own side --------------------------------------------------------------------------------------------------------

BOOT = Call("b", "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"})


def disk_of(store: Store) -> BadDisk:
    disk = BadDisk(lambda: 0.0)
    disk.put_under(store)
    return disk


def write(store: Store) -> None:
    store.execute("INSERT INTO transaction_ids VALUES (?, '1')", (str(next(numbers)),))


def count(store: Store) -> int:
    return int(store.execute("SELECT count(*) FROM transaction_ids")[0][0])


numbers = itertools.count()


def test_a_full_disk_refuses_what_writes_and_nothing_else() -> None:
    """From the statement on that finds no room; a transaction that cannot end is undone."""
    disk = disk_of(store := Store())
    write(store)
    disk.fail(FULL, spared=1)
    with pytest.raises(StoreFailed, match="full"), store.transaction():
        write(store)  # the last one that has room; the COMMIT has none
    assert (count(store), disk.refused) == (1, 1)
    disk.heal()
    write(store)
    assert (count(store), disk.bad) == (2, False)


def test_a_locked_disk_refuses_whoever_has_no_lock() -> None:
    disk = disk_of(store := Store())
    with store.transaction():
        disk.fail(LOCKED)
        write(store)
    for attempt in (write, lambda store: store.transaction().__enter__()):
        with pytest.raises(StoreFailed, match="locked"):
            attempt(store)
    assert (count(store), disk.refused) == (1, 2)


def test_the_spells_of_a_bad_disk() -> None:
    """What was bad, and what still is, as far as it lies between two instants."""
    times = iter([10.0, 15.0, 20.0, 30.0, 30.0])
    disk = BadDisk(lambda: next(times))
    disk.fail(FULL)
    disk.heal()
    disk.fail(FULL)
    assert disk.bad_between(12.0, 25.0) == [3.0, 5.0]
    assert disk.bad_between(0.0, 5.0) == []


def test_a_clock_that_is_set() -> None:
    noon = datetime(2030, 6, 1, 12, tzinfo=UTC)
    clock = MachineClock(lambda: noon)
    clock.jump(-60)
    assert (clock.now() - noon).total_seconds() == -60
    clock.forget()
    assert clock.now() == datetime(1970, 1, 1, tzinfo=UTC)


def test_which_calls_have_no_end() -> None:
    ends = Ends()
    ends.came(ASK, 1.0)
    ends.came(ASK_AGAIN, 2.0)
    assert ends.older_than(2.0) == {"1": "ClearCache"}
    ends.went(CallResult("1", {}))
    assert ends.older_than(9.0) == {"2": "ClearCache"}
    ends.clear()
    assert ends.older_than(9.0) == {}


def test_a_boot_before_its_interval() -> None:
    """Core 4.2; a trigger, a reset or a new life ends the interval, a reply that comes again does not begin it."""

    def after(*calls: Call) -> list[str]:
        boots = Boots("CP_1", invariants := Invariants(lambda: 0.0))
        boots.left(BOOT, 1.0)
        boots.answered(CallResult("b", {"status": "Pending", "interval": 60}), 2.0)
        for call in calls:
            boots.asked(call, 3.0)
        boots.left(BOOT, 10.0)
        return broken(invariants)

    assert after() == ["boots wait"]
    assert after(Call("1", "Reset", {"type": "Soft"})) == []
    assert after(Call("1", "TriggerMessage", {"requestedMessage": "BootNotification"})) == []
    assert after(Call("1", "TriggerMessage", {"requestedMessage": "Heartbeat"})) == ["boots wait"]


def test_a_reset_that_takes_its_time_ends_the_interval_when_it_is_done() -> None:
    """A boot in between, which was triggered, had its own answer."""
    for closes, verdict in ((True, []), (False, ["boots wait"])):
        boots = Boots("CP_1", invariants := Invariants(lambda: 0.0))
        boots.asked(Call("1", "Reset", {"type": "Soft"}), 1.0)
        boots.left(BOOT, 2.0)
        boots.answered(CallResult("b", {"status": "Pending", "interval": 60}), 3.0)
        if closes:
            boots.closing(30.0)
        boots.left(BOOT, 31.0)
        assert broken(invariants) == verdict


def test_a_storm_of_boots() -> None:
    boots = Boots("CP_1", invariants := Invariants(lambda: 0.0))
    for second in range(8):
        boots.left(BOOT, float(second))
        boots.answered(CallResult("b", {"status": "Accepted", "interval": 60}), float(second))
    assert broken(invariants) == []
    boots.left(BOOT, 9.0)
    assert broken(invariants) == ["boots wait"]


def test_the_first_id_wins() -> None:
    """What came in the instant of a power cut nobody could write down."""
    ids = RealIds("CP_1", invariants := Invariants(lambda: 0.0))
    ids.came("a", 7, 1.0)
    ids.came("a", 8, 2.0)
    ids.came("b", 9, 3.0)
    ids.power_went(3.0)
    ids.stop_left("a", 7)
    ids.stop_left("b", -1)
    assert broken(invariants) == []
    ids.stop_left("a", -1)
    assert broken(invariants) == [REAL_ID]


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
