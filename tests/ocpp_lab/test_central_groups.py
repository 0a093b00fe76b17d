"""A central system whose ledger is a file: what was answered is on its disk, and who wrote nothing waits for nobody.

A `Witness` opens the file itself, as another program would: it sees what is committed, and nothing else.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from ocpp_course.checks.fitted import fit
from ocpp_lab import Call, CallFailed, CallResult, CentralSystem, Event, Ledger, Trace
from ocpp_lab import messages as m
from ocpp_lab.central_system import Records
from ocpp_lab.session import current_session
from ocpp_lab.simulation.witness import Witness
from tests.fakes import NOON, power_cut
from tests.house import scaled
from tests.integration.wire import BOOT, Peer
from tests.learner import MyRouter
from tests.pair import central_system_alone, charge_point_alone, simulated, simulated_now
from tests.plain import boot, closed_with, facing

START = m.StartTransactionRequest(connector_id=1, id_tag="TAG", meter_start=0, timestamp=NOON)
START_PAYLOAD = {"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": "2030-06-01T12:00:00Z"}
SOON: dict[str, Any] = {"now": simulated_now, "delays": lambda: itertools.repeat(10.0)}
_files = itertools.count()  # one for each seed


def a_ledger(tmp_path: Path) -> Ledger:
    return Ledger(str(tmp_path / f"{next(_files)}.db"))


def path_of(ledger: Ledger) -> str:
    """Ask early: whoever asks a ledger, outside an answer, finds all committed."""
    [(_, _, path)] = [tuple(row.values()) for row in ledger.query("PRAGMA database_list")]
    return str(path)


class Statements:
    """``ledger.before``: the verbs of all statements; those that begin with ``failing`` fail."""

    def __init__(self, failing: str = "nothing") -> None:
        self.failing = failing
        self.verbs: list[str] = []

    def __call__(self, sql: str) -> None:
        self.verbs.append(sql.split()[0])
        if sql.startswith(self.failing):
            raise sqlite3.OperationalError("disk I/O error")


@asynccontextmanager
async def crowd(central_system: CentralSystem, size: int) -> AsyncIterator[list[Peer]]:
    async with AsyncExitStack() as stack:
        peers = [facing(central_system, f"CP_{number}") for number in range(size)]
        yield [await stack.enter_async_context(peer) for peer in peers]


def in_one_turn(central_system: CentralSystem, peers: list[Peer], action: str, payload: Any) -> None:
    """A call of each, as if all had been read in the same turn of the loop."""
    for peer in peers:
        serve(peer, Call(f"{action} {peer.session.identity}", action, payload))


def serve(peer: Peer, call: Call) -> None:
    dispatcher = peer.session._dispatcher
    dispatcher._home.copy().run(dispatcher.serve, call, 100)


# One commit -----------------------------------------------------------------------------------------------------------


@simulated(seeds=scaled(1, 4))
async def test_two_hundred_starts_in_one_turn(tmp_path: Path) -> None:
    """One commit, and no answer before it: each has its row when it leaves."""
    ledger = a_ledger(tmp_path)
    path = path_of(ledger)
    there: list[bool] = []

    def listen(event: Event) -> None:
        if event.mark == ">" and isinstance(event.frame, CallResult) and "transactionId" in str(event.frame.payload):
            there.append(witness.kept(event.identity, "StartTransaction", START_PAYLOAD, event.frame.payload))

    async with central_system_alone(ledger=ledger, trace=Trace(listener=listen)) as central_system:
        with closing(Witness(path)) as witness:
            async with crowd(central_system, 200) as peers:
                statements = ledger.before = Statements()
                in_one_turn(central_system, peers, "StartTransaction", START_PAYLOAD)
                assert there == []
                await asyncio.gather(*(peer.hear() for peer in peers))
                assert statements.verbs.count("COMMIT") == statements.verbs.count("BEGIN") == 1
                assert there == [True] * 200
    ledger.close()


@simulated
async def test_who_wrote_nothing_is_answered_at_once(tmp_path: Path) -> None:
    """In the very turn in which others wrote: before their commit."""
    ledger, story = a_ledger(tmp_path), list[str]()

    class Stubborn(Statements):
        def __call__(self, sql: str) -> None:
            story.extend(["commit"] * (sql == "COMMIT"))

    def listen(event: Event) -> None:
        story.extend(["answer"] * (event.mark == ">"))

    async with central_system_alone(ledger=ledger, trace=Trace(listener=listen)) as central_system:
        async with crowd(central_system, 2) as (one, two):
            ledger.before = Stubborn()
            story.clear()
            in_one_turn(central_system, [one], "StartTransaction", START_PAYLOAD)
            for action, payload in {
                "Heartbeat": {},
                "Authorize": {"idTag": "TAG"},
                "StatusNotification": {"connectorId": 1, "errorCode": "NoError", "status": "Available"},
                "BootNotification": BOOT,  # nothing new: it is Accepted already
                "MakeCoffee": {},
            }.items():
                in_one_turn(central_system, [two], action, payload)
            assert story == ["answer"] * 5
            await one.hear()
            assert story == ["answer"] * 5 + ["commit", "answer"]
    ledger.close()


class Plain:
    """A user's: the protocol, and nothing of ours but the operator's books."""

    def __init__(self, path: str) -> None:
        self.began: list[str] = []
        self.records = Records()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def called(*args: Any) -> Any:
            return {} if name in ("registrations", "keys", "profiles") else 7

        return called

    def start(self, identity: str, request: m.StartTransactionRequest) -> int:
        self.began.append(identity)
        return 7

    def close(self) -> None:
        return


class Exercise:
    """A learner's of step 3.7: a file of its own, and each statement on the disk on return."""

    def __init__(self, path: str) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.execute("CREATE TABLE starts (id INTEGER PRIMARY KEY, identity TEXT)")

    @property
    def began(self) -> list[str]:
        return [identity for (identity,) in self.db.execute("SELECT identity FROM starts")]

    def start(self, identity: str, request: m.StartTransactionRequest) -> int:
        return int(self.db.execute("INSERT INTO starts (id, identity) VALUES (7, ?)", (identity,)).lastrowid or 0)

    def stop(self, identity: str, request: m.StopTransactionRequest) -> None:
        return

    def close(self) -> None:
        self.db.close()


@simulated
@pytest.mark.parametrize("kind", [Plain, Exercise])
async def test_a_ledger_that_is_none_of_ours_is_as_ever(kind: Callable[[str], Any], tmp_path: Path) -> None:
    """Nobody asks it for groups: what its `start` returns is answered in the same step."""
    mine = kind(str(tmp_path / f"{next(_files)}.db"))
    ledger = fit(ledger=mine)["ledger"] if isinstance(mine, Exercise) else mine
    async with central_system_alone(ledger=ledger) as central_system, facing(central_system) as peer:
        in_one_turn(central_system, [peer], "StartTransaction", START_PAYLOAD)
        assert mine.began == ["CP_1"]
        assert central_system.trace.events[-1].mark == ">"
        assert (await peer.hear())[2]["transactionId"] == 7
    mine.close()


# Undone ---------------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("failing", ["COMMIT", "INSERT INTO transactions", "BEGIN"])
async def test_every_answer_of_the_group_ends_alike(failing: str, tmp_path: Path) -> None:
    """No answer and 1011: what others wrote may be gone with it. They come again, and are charged once."""
    ledger = a_ledger(tmp_path)
    async with central_system_alone(ledger=ledger) as central_system:
        async with crowd(central_system, 3) as peers:
            ledger.before = Statements(failing)
            in_one_turn(central_system, peers, "StartTransaction", START_PAYLOAD)
            assert [await closed_with(peer.websocket) for peer in peers] == [1011] * 3
        ledger.before = Statements()
        assert ledger.rows() == [] and central_system.groups.failures == {"COMMIT": 1, "BEGIN": 0}.get(failing, 3)
        async with crowd(central_system, 3) as peers:
            in_one_turn(central_system, peers, "StartTransaction", START_PAYLOAD)
            assert [(await peer.hear())[0] for peer in peers] == [3, 3, 3]
        assert len(ledger.rows()) == 3
    ledger.close()


@simulated
async def test_the_statement_of_one_undoes_the_start_of_another(tmp_path: Path) -> None:
    """A reading that the disk cannot take; sqlite has room for the start, and undoes it all the same."""
    ledger = a_ledger(tmp_path)
    reading = {
        "connectorId": 1,
        "meterValue": [{"timestamp": "2030-06-01T12:00:00Z", "sampledValue": [{"value": "1" * 100_000}]}],
    }
    async with central_system_alone(ledger=ledger) as central_system, crowd(central_system, 3) as peers:
        [pages] = ledger.query("PRAGMA page_count")
        ledger.query(f"PRAGMA max_page_count = {pages['page_count'] + 1}")
        in_one_turn(central_system, peers[:1], "StartTransaction", START_PAYLOAD)
        in_one_turn(central_system, peers[1:2], "MeterValues", reading)
        in_one_turn(central_system, peers[2:], "StartTransaction", START_PAYLOAD)
        assert [await closed_with(peer.websocket) for peer in peers[:2]] == [1011] * 2
        assert (await peers[2].hear())[0] == 3, "the next group is another one"
        assert [row["identity"] for row in ledger.rows()] == ["CP_2"]
    ledger.close()


@simulated
async def test_a_repeat_that_saw_what_was_undone(tmp_path: Path) -> None:
    """It wrote nothing, and got an id that is not on the disk, perhaps never will be: it waits for the same group."""
    ledger = a_ledger(tmp_path)
    async with central_system_alone(ledger=ledger) as central_system, facing(central_system) as peer:
        ledger.before = Statements("COMMIT")
        for unique_id in ("first", "again"):
            serve(peer, Call(unique_id, "StartTransaction", START_PAYLOAD))
        assert await closed_with(peer.websocket) == 1011
        assert not [event for event in central_system.trace if event.mark == ">" and "transactionId" in event.text]
    ledger.close()


@simulated
async def test_any_other_answer_of_the_group_is_an_internal_error(tmp_path: Path) -> None:
    """A router of a user that writes for a DataTransfer; the connection lives."""
    ledger = a_ledger(tmp_path)

    class Booking(MyRouter):
        async def answer(self, call: Call) -> Any:
            if call.action == "DataTransfer":
                ledger.start("CP_1", START)
                return CallResult(call.unique_id, {"status": "Accepted"})
            return await super().answer(call)

    async with central_system_alone(ledger=ledger, router=Booking(), require_boot=False) as central_system:
        async with facing(central_system, boots=False) as peer:
            ledger.before = Statements("COMMIT")
            assert (await peer.ask("id", "DataTransfer", {"vendorId": "V"}))[:3] == [4, "id", "InternalError"]
            ledger.before = Statements()
            assert (await peer.ask("id", "DataTransfer", {"vendorId": "V"}))[:2] == [3, "id"]
            assert len(ledger.rows()) == 1
    ledger.close()


@simulated
async def test_a_learner_router_holds_its_promise_too(tmp_path: Path) -> None:
    """Nobody told it of groups: its answer leaves when its write is on the disk."""
    ledger, there = a_ledger(tmp_path), list[bool]()
    path = path_of(ledger)

    class Mine(MyRouter):
        async def answer(self, call: Call) -> Any:
            if call.action != "StartTransaction":
                return await super().answer(call)
            number = ledger.start(current_session().identity, START)
            with closing(Witness(path)) as witness:
                there.append(witness.kept("CP_1", call.action, call.payload, {"transactionId": number}))
            return CallResult(call.unique_id, {"transactionId": number, "idTagInfo": {"status": "Accepted"}})

    def listen(event: Event) -> None:
        if event.mark == ">" and "transactionId" in event.text:
            with closing(Witness(path)) as witness:
                there.append(witness.kept("CP_1", "StartTransaction", START_PAYLOAD, {"transactionId": 1}))

    options: dict[str, Any] = {"ledger": ledger, "router": Mine(), "trace": Trace(listener=listen)}
    async with central_system_alone(**options, require_boot=False) as central_system:
        async with facing(central_system, boots=False) as peer:
            assert (await peer.ask("id", "StartTransaction", START_PAYLOAD))[0] == 3
            assert there == [False, True]
    ledger.close()


# Slow handlers --------------------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("fails", ["", "first", "second"])
async def test_a_handler_that_waits_between_two_writes(fails: str, tmp_path: Path) -> None:
    """Whichever of its groups is undone, there is no answer; and nothing is written after the first was."""
    ledger = a_ledger(tmp_path)

    class Slow(MyRouter):
        async def answer(self, call: Call) -> Any:
            if call.action != "StartTransaction":
                return await super().answer(call)
            number = ledger.start("CP_1", START)
            await asyncio.sleep(10)
            ledger.start("CP_1", replace(START, connector_id=2))
            return CallResult(call.unique_id, {"transactionId": number, "idTagInfo": {"status": "Accepted"}})

    async with central_system_alone(ledger=ledger, router=Slow(), require_boot=False) as central_system:
        async with facing(central_system, boots=False) as peer:
            ledger.before = Statements("COMMIT" if fails == "first" else "nothing")
            await peer.say(2, "id", "StartTransaction", START_PAYLOAD)
            await asyncio.sleep(5)
            ledger.before = Statements("COMMIT" if fails == "second" else "nothing")
            if fails:
                assert await closed_with(peer.websocket) == 1011
            else:
                assert (await peer.hear())[0] == 3
            ledger.before = Statements()
            connectors = [row["connector"] for row in ledger.rows()]
            assert connectors == {"": [1, 2], "first": [], "second": [1]}[fails]
    ledger.close()


@simulated
async def test_a_handler_tells_nobody_else_before(tmp_path: Path) -> None:
    """Its own call to the charge point waits like the answer, and is not sent if what it tells of was undone."""
    ledger, outcomes = a_ledger(tmp_path), list[str]()

    class Telling(MyRouter):
        async def answer(self, call: Call) -> Any:
            if call.action == "StartTransaction":
                ledger.start("CP_1", START)
                try:
                    await current_session().call(m.ClearCacheRequest())
                except Exception as error:
                    outcomes.append(type(error).__name__)
            return await super().answer(call)

    async with central_system_alone(ledger=ledger, router=Telling(), require_boot=False) as central_system:
        async with facing(central_system, boots=False) as peer:
            ledger.before = Statements("COMMIT")
            await peer.say(2, "id", "StartTransaction", START_PAYLOAD)
            assert await closed_with(peer.websocket) == 1011
            assert outcomes == ["StoreFailed"]
            assert not any("ClearCache" in event.text for event in central_system.trace)
    ledger.close()


# What is known in memory ----------------------------------------------------------------------------------------------


@simulated
async def test_a_boot_that_was_undone_is_not_known(tmp_path: Path) -> None:
    """InternalError; it boots again. Memory never knows more than the file, in no turn."""
    ledger = a_ledger(tmp_path)
    async with central_system_alone(ledger=ledger) as central_system:
        async with facing(central_system, boots=False) as peer:
            ledger.before = Statements("COMMIT")
            assert await boot(peer) == "InternalError"
            assert central_system.registrations == {}
            assert (await peer.ask("id", "Heartbeat", {}))[2] == "SecurityError"
            ledger.before = Statements()
            in_one_turn(central_system, [peer], "BootNotification", BOOT)
            assert central_system.registrations == {}
            frames = [await peer.hear(), await peer.hear()]
            assert "Accepted" in str(frames) and central_system.registrations == {"CP_1": "Accepted"}
    ledger.close()


@simulated
async def test_two_boots_in_one_turn(tmp_path: Path) -> None:
    """The last word is in the file and in memory; the second is written although memory knows nothing of the first."""
    ledger = a_ledger(tmp_path)
    async with central_system_alone(ledger=ledger) as central_system, facing(central_system) as peer:
        for number, status in enumerate(["Pending", "Accepted"]):
            central_system.policy.registration = status  # type: ignore[assignment]
            serve(peer, Call(f"{number}", "BootNotification", BOOT))
        frames = {frame[1]: frame[2]["status"] for frame in [await peer.hear(), await peer.hear()]}
        assert frames == {"0": "Pending", "1": "Accepted"}
        assert central_system.registrations == ledger.registrations() == {"CP_1": "Accepted"}
        assert not central_system._registrar._coming
    ledger.close()


@simulated
async def test_a_key_is_on_the_disk_before_it_is_sent(tmp_path: Path) -> None:
    """By whomever: a handler that changes a key waits for no group. What cannot be kept is neither sent nor known."""
    ledger = a_ledger(tmp_path)
    path = path_of(ledger)
    old, new = "a" * 20, "b" * 20
    seen: list[int] = []

    def listen(event: Event) -> None:
        if event.mark == ">" and "AuthorizationKey" in event.text:
            with closing(sqlite3.connect(path)) as other:
                seen.extend(other.execute("SELECT count(*) FROM keys").fetchone())

    class Changing(MyRouter):
        async def answer(self, call: Call) -> Any:
            if call.action == "Heartbeat":
                request = m.ChangeConfigurationRequest(key="AuthorizationKey", value=new)
                await current_session().call(request)
            return await super().answer(call)

    options: dict[str, Any] = {"ledger": ledger, "passwords": {"CP_1": old}, "trace": Trace(listener=listen)}
    async with central_system_alone(router=Changing(), require_boot=False, **options) as central_system:
        async with charge_point_alone(password=old, **SOON) as point:
            await point.wait_for("online")
            ledger.before = Statements("COMMIT")
            with pytest.raises(CallFailed):
                await point.call(m.HeartbeatRequest())
            assert seen == [] and ledger.keys() == {} == central_system._keyring._rings
            ledger.before = Statements()
            await point.call(m.HeartbeatRequest())
            await asyncio.sleep(1)
    assert seen == [2]
    ledger.close()


@simulated
async def test_what_was_refused_is_set_aside_before_it_is_told(tmp_path: Path) -> None:
    """And if that cannot be kept, it is refused alike, as ever: see `test_central_quarantine`."""
    ledger = a_ledger(tmp_path)
    path = path_of(ledger)
    async with central_system_alone(ledger=ledger) as central_system, facing(central_system) as peer:
        ledger.before = Statements()
        assert (await peer.ask("id", "StartTransaction", {}))[0] == 4
        with closing(sqlite3.connect(path)) as other:
            assert other.execute("SELECT count(*) FROM quarantine").fetchone() == (1,)
        ledger.before = Statements("COMMIT")
        assert (await peer.ask("id", "StopTransaction", {}))[0] == 4
        ledger.before = Statements()
        assert len(ledger.quarantine()) == 1
    ledger.close()


# The end --------------------------------------------------------------------------------------------------------------


@simulated
async def test_stop_commits_first(tmp_path: Path) -> None:
    """In its first step, whatever comes then."""
    ledger = a_ledger(tmp_path)
    async with central_system_alone(ledger=ledger) as central_system, facing(central_system) as peer:
        path = path_of(ledger)
        in_one_turn(central_system, [peer], "StartTransaction", START_PAYLOAD)
        with closing(Witness(path)) as witness:
            kept = partial(witness.kept, "CP_1", "StartTransaction", START_PAYLOAD, {"transactionId": 1})
            assert not kept()
            stopping = asyncio.Task(central_system.stop(), loop=asyncio.get_running_loop(), eager_start=True)
            assert kept() and not stopping.done()
        await stopping
    ledger.close()


@simulated
async def test_stop_commits_what_dying_handlers_write(tmp_path: Path) -> None:
    """They are cancelled when their connections are closed."""
    ledger = a_ledger(tmp_path)
    path = path_of(ledger)

    class Dying(MyRouter):
        async def answer(self, call: Call) -> Any:
            try:
                await asyncio.sleep(1000)
            finally:
                ledger.start("CP_1", replace(START, connector_id=2))

    async with central_system_alone(ledger=ledger, router=Dying(), require_boot=False) as central_system:
        async with facing(central_system, boots=False) as peer:
            await peer.say(2, "id", "StartTransaction", START_PAYLOAD)
            await asyncio.sleep(1)
            await central_system.stop()
            with closing(sqlite3.connect(power_cut(path))) as other:
                assert other.execute("SELECT count(*) FROM transactions").fetchone() == (1,)
    ledger.close()
