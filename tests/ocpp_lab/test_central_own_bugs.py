"""Whatever somebody plugged into the central system raises: its Call gets an end, and everybody else goes on."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from ocpp_lab import Call, CentralSystem, Event, Faults, Ledger, Policy, Trace
from ocpp_lab import messages as m
from tests.fakes import NOON
from tests.learner import MyRouter
from tests.pair import central_system_alone, charge_point_alone, pair, simulated, simulated_now
from tests.plain import boot, closed_with, dialled, facing

SOON: dict[str, Any] = {"now": simulated_now, "delays": lambda: itertools.repeat(10.0)}
START = m.StartTransactionRequest(connector_id=1, id_tag="TAG", meter_start=0, timestamp=NOON)
STOP = m.StopTransactionRequest(transaction_id=1, id_tag="TAG", meter_stop=9, timestamp=NOON)


class Broken(MyRouter):
    async def answer(self, call: Call) -> Any:
        if call.action == "Authorize":
            raise LookupError("a bug of the router")
        return await super().answer(call)


class BrokenFaults(Faults):
    """It raises as often as it is told."""

    bugs = 0

    def pick(self, *args: Any, **options: Any) -> Any:
        if self.bugs:
            self.bugs -= 1
            raise LookupError("a bug of the faults")
        return super().pick(*args, **options)


class BrokenPolicy(Policy):
    def register(self, identity: str) -> m.RegistrationStatus:
        if identity == "CP_9":
            raise LookupError("a bug of the policy")
        return super().register(identity)

    def authorize(self, id_tag: str) -> m.IdTagInfo:
        raise LookupError("a bug of the policy")


# A call ---------------------------------------------------------------------------------------------------------------


@simulated
async def test_a_router_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    """InternalError for that call; the connection lives, and so does everybody else's."""
    async with central_system_alone(router=Broken()) as central_system:
        async with facing(central_system) as peer, facing(central_system, "CP_2") as other:
            for _ in range(2):
                assert (await peer.ask("id", "Authorize", {"idTag": "TAG"}))[:3] == [4, "id", "InternalError"]
                await peer.is_served()
            await other.is_served()
    assert "a bug of the router" in caplog.text and "Traceback" in caplog.text


@simulated
async def test_faults_that_raise(caplog: pytest.LogCaptureFixture) -> None:
    faults = BrokenFaults()
    async with central_system_alone(faults=faults) as central_system, facing(central_system) as peer:
        faults.bugs = 1
        assert (await peer.ask("id", "Heartbeat", {}))[:3] == [4, "id", "InternalError"]
        await peer.is_served()
    assert "a bug of the faults" in caplog.text and "Traceback" in caplog.text


@simulated
async def test_a_policy_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    """A boot and an Authorize get InternalError: nothing was done, and they may be asked again."""
    async with central_system_alone(policy=BrokenPolicy()) as central_system:
        async with facing(central_system, "CP_9", boots=False) as unlucky, facing(central_system) as peer:
            assert await boot(unlucky) == "InternalError"
            assert (await peer.ask("id", "Authorize", {"idTag": "TAG"}))[:3] == [4, "id", "InternalError"]
            await peer.is_served()
            assert central_system.registrations == {"CP_1": "Accepted"}
    assert "a bug of the policy" in caplog.text and "Traceback" in caplog.text


@simulated
async def test_a_policy_that_raises_over_a_transaction(caplog: pytest.LogCaptureFixture) -> None:
    """The transaction is kept already: three InternalErrors, and the charge point would destroy it (core 3.7.1). So the
    start says Invalid, and the stop, whose driver is gone, says nothing of the tag."""
    async with pair(BrokenPolicy(), **SOON) as (central_system, point):
        await point.wait_for("online")
        started = await point.call(START)
        assert (started.transaction_id, started.id_tag_info.status) == (1, "Invalid")
        assert (await point.call(STOP)).id_tag_info is None
        [row] = central_system.ledger.rows()  # type: ignore[attr-defined]
        assert row["meter_stop"] == 9
    assert "a bug of the policy" in caplog.text and "Traceback" in caplog.text


@simulated
async def test_a_ledger_with_a_bug() -> None:
    """What is no failure of its file is reported: to keep the message for ever would block all that come after it."""

    class Buggy(Ledger):
        def start(self, identity: str, request: m.StartTransactionRequest) -> int:
            raise LookupError("a bug of the ledger")

    async with central_system_alone(ledger=Buggy()) as central_system, facing(central_system) as peer:
        payload = {"connectorId": 1, "idTag": "TAG", "meterStart": 0, "timestamp": "2030-06-01T12:00:00Z"}
        assert (await peer.ask("id", "StartTransaction", payload))[:3] == [4, "id", "InternalError"]
        [kept] = central_system.ledger.quarantine()  # type: ignore[attr-defined]
        assert kept["reason"].startswith("InternalError")


@simulated
async def test_a_listener_that_raises() -> None:
    """Of every single event, from the handshake to the end."""

    def listen(event: Event) -> None:
        raise LookupError("a bug of the listener")

    trace = Trace(listener=listen)
    async with central_system_alone(trace=trace) as central_system, facing(central_system) as peer:
        await peer.is_served()
        async with charge_point_alone("CP_2", **SOON) as point:
            await point.wait_for("online")
    assert trace.listener_failures == len(trace) > 10


# A connection ---------------------------------------------------------------------------------------------------------


@simulated
async def test_routers_that_raise(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody to answer: closed with 1011 and logged. Others are served, and the next dial asks again."""
    unlucky = {"CP_1"}

    def choose(identity: str) -> Any:
        if identity in unlucky:
            raise LookupError("a bug of the routers")
        return MyRouter()

    async with central_system_alone(routers=choose) as central_system:
        async with facing(central_system, "CP_2") as other:
            async with dialled("CP_1") as unanswered:
                assert await closed_with(unanswered) == 1011
            assert list(central_system._newest) == list(central_system.sessions) == ["CP_2"]
            await other.is_served()
            unlucky.clear()
            async with facing(central_system) as lucky:
                await lucky.is_served()
        assert [event.text for event in central_system.trace if event.mark == "!"] == ["no router for it, closed"]
    assert "CP_1: nobody answers it, closing with 1011" in caplog.text
    assert "a bug of the routers" in caplog.text and "Traceback" in caplog.text


@simulated
async def test_a_handshake_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    """HTTP 500, counted as any refusal is; the charge point dials again."""
    faults = BrokenFaults()
    faults.bugs = 2
    async with pair(server={"faults": faults}, **SOON) as (central_system, point):
        await point.wait_for("online")
        assert central_system.refused == {500: 2}
    assert "a bug of the faults" in caplog.text and "Traceback" in caplog.text


async def test_a_page_that_raises(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever scrapes gets HTTP 500; the next one gets the page."""
    bugs = [LookupError("a bug of the page")]

    def page() -> tuple[str, str]:
        if bugs:
            raise bugs.pop()
        return "text/plain", "well\n"

    async def get(server: CentralSystem) -> bytes:
        reader, writer = await asyncio.open_connection(server.host, server.port)
        writer.write(b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer

    async with CentralSystem() as server:
        server.pages["/page"] = page
        assert (await get(server)).startswith(b"HTTP/1.1 500")
        assert b"well" in await get(server)
    assert "a bug of the page" in caplog.text


# The end --------------------------------------------------------------------------------------------------------------


@simulated
async def test_stop_closes_all_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    """A close that raises is told when everybody else is gone and nobody listens any more; then all is over."""

    async def fail(*args: Any, **options: Any) -> None:
        raise LookupError("a bug of the close")

    async with central_system_alone() as central_system:
        async with facing(central_system, "CP_1") as stuck, facing(central_system, "CP_2") as other:
            central_system["CP_1"].close = fail  # type: ignore[method-assign]
            with pytest.raises(LookupError, match="a bug of the close"):
                await central_system.stop()
            assert await closed_with(other.websocket) == await closed_with(stuck.websocket) == 1001
            assert not central_system.sessions and not central_system.listening
        with pytest.raises(OSError):
            async with facing(central_system, "CP_3"):
                pass
        await central_system.stop()
    assert "a bug of the close" in caplog.text
