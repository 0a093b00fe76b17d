"""*Mine instead of yours* is one argument: the pieces of `tests.learner` in the place of ours, on simulated time."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from ocpp_course import fit
from ocpp_lab import (
    Call,
    CallFailed,
    CallResult,
    CallTimeout,
    CentralSystem,
    Heartbeat,
    Ledger,
    Machine,
    Outbox,
    Pending,
    Policy,
    Router,
    Session,
    Trace,
    Transport,
    encode,
    watch_charge_point,
)
from ocpp_lab import messages as m
from ocpp_lab.charge_point.delivery import TransactionMessages
from ocpp_lab.charge_point.uplink import Beating, Speaking, States
from ocpp_lab.session import Awaiting, Carrying
from tests.learner import MINE, MyLedger, MyOutbox, MyPending, MyRouter, MyTransport, made, my_delays
from tests.pair import actions, calls, connections, pair, simulated, simulated_now

CHOICES = [*([name] for name in MINE), ["transport", "session", "pending"], list(MINE)]
NO_FITTING = ("delays",)  # functions and routers have nothing to add


def fitted(pieces: dict[str, Any]) -> dict[str, Any]:
    """As they go into the stack."""
    return pieces | fit(**{name: piece for name, piece in pieces.items() if name not in NO_FITTING})


@simulated
@pytest.mark.parametrize("names", CHOICES, ids="+".join)
async def test_a_charge_point_with_a_learners_pieces(names: list[str]) -> None:
    """It boots, beats, answers, comes back, boots again after a reset; each piece is used, and nothing is left."""
    made.clear()
    pieces = {name: MINE[name] for name in names}
    async with pair(Policy(interval=100), **fitted(pieces)) as (central_system, charge_point):
        await charge_point.wait_for("online")
        await asyncio.sleep(250)
        assert [at for at, action in calls(central_system) if action == "Heartbeat"] == [100, 200]
        session = central_system["CP_1"]
        asked = await session.call(m.GetConfigurationRequest(key=["NumberOfConnectors"]))
        assert asked.configuration_key == [m.KeyValue(key="NumberOfConnectors", readonly=True, value="1")]
        await session.call(m.ResetRequest(type="Soft"))
        await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")
        assert actions(central_system).count("BootNotification") == 2
        assert connections(central_system) == 2
        central_system.faults.call_error("Authorize", code="NotSupported", times=1)
        with pytest.raises(CallFailed, match="NotSupported"):
            await charge_point.call(m.AuthorizeRequest(id_tag="TAG"))
        central_system.faults.ignore("Heartbeat")
        with pytest.raises(CallTimeout):
            await charge_point.call(m.HeartbeatRequest())
    assert set(made) == set(names)


OURS = {
    "transport": ["closed", "lost", "has_room", "bytes_sent", "bytes_received"],
    "pending": ["drop", "spoil", "counts"],
    "outbox": ["entries"],
}
"""What our pieces have beyond the contracts of the exercises."""


@simulated
@pytest.mark.parametrize("piece", OURS)
async def test_names_of_a_learners_own(piece: str) -> None:
    """What is beyond the contract may be called as ours is, and mean something else."""

    made.clear()
    plain = {"transport": MyTransport, "pending": MyPending, "outbox": MyOutbox}[piece]
    own = type("Own", (plain,), dict.fromkeys(OURS[piece], object()))
    mine: dict[str, Any] = {piece: own() if piece == "outbox" else own}
    async with pair(Policy(interval=100), **fitted(mine)) as (central_system, charge_point):
        await charge_point.wait_for("online")
        await asyncio.sleep(250)
        session = central_system["CP_1"]
        await session.transport.send(encode(CallResult("nobody's", {})))
        await session.transport.send('[3, "cut off"]')
        await session.call(m.ResetRequest(type="Soft"))
        await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")
        await asyncio.sleep(10)
        assert charge_point.tally.imbalance() == {}
    assert made[piece]


@simulated
async def test_live_configuration_with_a_learners_pieces() -> None:
    """What the central system changes reaches them: the heartbeat at once, the key at the next dial."""
    options: dict[str, Any] = fitted(MINE) | {"password": "00" * 16}
    server = {"passwords": {"CP_1": "00" * 16}}
    async with pair(Policy(interval=100), server=server, **options) as (central_system, charge_point):
        await charge_point.wait_for("online")
        session = central_system["CP_1"]
        await session.call(m.ChangeConfigurationRequest(key="HeartbeatInterval", value="10"))
        await asyncio.sleep(35)
        assert [at for at, action in calls(central_system) if action == "Heartbeat"] == [10, 20, 30]
        central_system.passwords["CP_1"] = "ff" * 16
        await session.call(m.ChangeConfigurationRequest(key="AuthorizationKey", value="ff" * 16))
        await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")


@simulated
async def test_factories_get_what_the_contracts_say() -> None:
    """The charge point's own ids, timeout, table and first state are passed on, by the names of the contracts.

    What goes beyond them, `fit` takes: who speaks, where trouble is told, where calls are counted.
    """
    seen: dict[str, Any] = {}
    make = fit(session=MINE["session"])["session"]

    def session(transport: Any, router: Any, pending: Any, *, ids: Any, timeout: float, **beyond: Any) -> Any:
        seen.update(ids=ids, timeout=timeout, router=router, beyond=set(beyond))
        return make(transport, router, pending, ids=ids, timeout=timeout, **beyond)

    def machine(table: Any, state: str, on_change: Any) -> Any:
        seen.update(table=table, state=state)
        return MINE["machine"](table, state, on_change)

    ids = map(str, range(100))
    async with pair(session=session, machine=machine, ids=ids, timeout=7.0) as (central_system, charge_point):
        await charge_point.wait_for("online")
        assert (seen["ids"], seen["timeout"], seen["router"]) == (ids, 7.0, charge_point)
        assert seen["beyond"] == {"identity", "trouble", "tally", "closing"}
        assert (seen["state"], "booting" in seen["table"]) == ("disconnected", True)
        assert central_system.last_boot_id == "0"


@simulated
async def test_a_charge_point_with_a_learners_outbox() -> None:
    """Exercises 3.4 and 3.6 are all that it needs: a transaction across a loss, and one whose start is given up."""
    made.clear()
    outbox = fit(outbox=MyOutbox())["outbox"]
    async with pair(outbox=outbox, now=simulated_now, delays=my_delays) as (central_system, charge_point):
        await charge_point.wait_for("online")
        assert charge_point.outbox is outbox
        for call_errors in (0, 1, 3):
            central_system.faults.call_error("StartTransaction", times=call_errors)
            charge_point.charging.plug_in(1)
            await charge_point.charging.present(1, "TAG_A")
            await asyncio.sleep(100)
            await central_system["CP_1"].close(1001)
            await charge_point.wait_for("waiting")
            charge_point.charging.unplug(1)
            await asyncio.sleep(400)
        assert len(outbox) == 0
        assert [row["reason"] for row in central_system.ledger.rows()] == ["EVDisconnected"] * 2
        assert {each["id"] for each in central_system.ledger.orphans()} == {-1}
    assert made["outbox"] == 1


# The central system's -------------------------------------------------------------------------------------------------


@simulated
async def test_a_router_that_only_answers() -> None:
    """An object with `answer(call)` is enough; whoever it accepts is accepted (J-errata 3.8)."""
    made.clear()
    async with pair(server={"router": MyRouter()}) as (central_system, charge_point):
        await charge_point.wait_for("online")
        await asyncio.sleep(250)
        assert [at for at, action in calls(central_system) if action == "Heartbeat"] == [100, 200]
        assert central_system.registrations == {"CP_1": "Accepted"}
        with pytest.raises(CallFailed, match="NotSupported"):
            await charge_point.call(m.DataTransferRequest(vendor_id="x"))
    assert made["router"] == len(actions(central_system))


@simulated
async def test_a_router_for_each_identity() -> None:
    """A function gets the identity and returns what answers it; an empty `Router` is a router too."""
    asked: list[str] = []

    def choose(identity: str) -> Any:
        asked.append(identity)
        return MyRouter()

    async with pair(server={"routers": choose}) as (_, charge_point):
        await charge_point.wait_for("online")
        assert asked == ["CP_1"]
    with pytest.raises(ValueError, match="came both"):
        CentralSystem(router=MyRouter(), routers=choose)
    async with pair(server={"router": Router("CentralSystem")}) as (central_system, charge_point):
        await asyncio.sleep(1)
        assert charge_point.state == "booting"
        assert "NotSupported" in str(list(central_system.trace))


@simulated
async def test_a_router_that_is_pending_first() -> None:
    """Whatever the answer was: it is the newest that counts."""

    class Slow(MyRouter):
        boots = 0

        async def answer(self, call: Call) -> Any:
            reply = await super().answer(call)
            if call.action == "BootNotification":
                self.boots += 1
                status = "Pending" if self.boots == 1 else "Accepted"
                return CallResult(call.unique_id, {**reply.payload, "status": status})
            return reply

    async with pair(server={"router": Slow()}) as (central_system, charge_point):
        await charge_point.wait_for("pending")
        assert central_system.registrations == {"CP_1": "Pending"}
        await charge_point.wait_for("online")
        assert central_system.registrations == {"CP_1": "Accepted"}


@simulated
async def test_a_learners_ledger() -> None:
    """An object with `start` and `stop`, even one that is empty and therefore false."""
    mine = MyLedger()
    ledger = fit(ledger=mine)["ledger"]
    async with pair(server={"ledger": ledger}) as (central_system, charge_point):
        await charge_point.wait_for("online")
        assert central_system.ledger is ledger
        now = charge_point.now()
        start = m.StartTransactionRequest(connector_id=1, id_tag="TAG", meter_start=0, timestamp=now)
        assert (await charge_point.call(start)).transaction_id == 41
        await charge_point.call(m.StopTransactionRequest(transaction_id=41, meter_stop=9, timestamp=now))
    assert mine.rows == [("CP_1", "start", "TAG"), ("CP_1", "stop", 41)]


@simulated(seed=1)
async def test_an_empty_trace_is_a_trace() -> None:
    """One trace for both ends, handed in before anything is in it."""
    trace = Trace()
    async with pair(server={"trace": trace}, trace=trace) as (central_system, charge_point):
        await charge_point.wait_for("online")
        assert central_system.trace is trace is charge_point.trace
        assert {event.mark for event in trace} == {">", "<", "="}


@simulated(seed=1)
async def test_the_package_s_own_fit_too() -> None:
    """The defaults passed in by hand."""
    async with pair(server={"ledger": Ledger(), "router": None}) as (central_system, charge_point):
        await charge_point.wait_for("online")
        assert isinstance(central_system, CentralSystem)


# No more than the protocols say ---------------------------------------------------------------------------------------


class Bare:
    """Lets through what a protocol names, and nothing else of the piece."""

    def __init__(self, piece: Any, *protocols: type[Any]) -> None:
        names = {name for each in protocols for base in each.__mro__ for name in {**vars(base), **_annotated(base)}}
        object.__setattr__(self, "_piece", piece)
        object.__setattr__(self, "_names", {name for name in names if not name.startswith("_")})

    def __getattr__(self, name: str) -> Any:
        if name not in self._names:
            raise AttributeError(f"{name}, which no protocol names")
        return getattr(self._piece, name)

    def __setattr__(self, name: str, value: Any) -> None:
        assert name in self._names, name
        setattr(self._piece, name, value)

    def __len__(self) -> int:
        return len(self._piece)

    def __aiter__(self) -> Any:
        return aiter(self._piece)


def _annotated(kind: type[Any]) -> dict[str, Any]:
    return inspect.get_annotations(kind)


BARE: dict[str, Any] = {
    "transport": lambda pipe: Bare(Transport(pipe), Carrying),
    "pending": lambda: Bare(Pending(), Awaiting),
    "session": lambda *pieces, **options: Bare(Session(*pieces, **options), Speaking),
    "heartbeat": lambda *pieces, **options: Bare(Heartbeat(*pieces, **options), Beating),
    "machine": lambda *pieces: Bare(Machine(*pieces), States),
}


@simulated
@pytest.mark.parametrize("names", [*([name] for name in BARE), list(BARE)], ids="+".join)
async def test_what_a_protocol_says_is_enough(names: list[str]) -> None:
    """A piece of somebody's own that has what `Pieces` names: a whole life, its page of metrics, and its end."""
    outbox = Bare(Outbox(), TransactionMessages)
    pieces = {name: BARE[name] for name in names} | {"outbox": outbox}
    async with pair(Policy(interval=100), now=simulated_now, delays=my_delays, **pieces) as (central_system, point):
        await point.wait_for("online")
        page = watch_charge_point(point)
        point.charging.plug_in(1)
        await point.charging.present(1, "TAG_A")
        await asyncio.sleep(250)
        assert page.value("ocpp_clock_offset_seconds") == pytest.approx(0, abs=0.1)
        session = central_system["CP_1"]
        await session.call(m.ChangeConfigurationRequest(key="HeartbeatInterval", value="10"))
        await session.call(m.ChangeConfigurationRequest(key="MessageTimeout", value="5"))
        await session.call(m.TriggerMessageRequest(requested_message="Heartbeat"))
        await session.close(1001)
        await point.wait_for("waiting")
        await point.wait_for("online")
        central_system.faults.call_error("Heartbeat", code="SecurityError", times=1)
        await point.wait_for("forgotten")
        await point.wait_for("online")
        point.charging.unplug(1)
        await central_system["CP_1"].call(m.ResetRequest(type="Hard"))
        await point.wait_for("waiting")
        await point.wait_for("online")
        await asyncio.sleep(60)
        assert 'ocpp_connection_state{state="online"} 1' in page.text()
        assert len(outbox) == 0 and len(central_system.ledger.rows()) == 1
    assert point.tally.imbalance() == {}
