"""When our own file fails while the central system asks for something: written first, then done; else a no.

The connection lives. On simulated time; see `tests.own_side` for the ways to fail.
"""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CentralSystem, ChargePoint, Transport
from ocpp_lab import messages as m
from tests.fakes import power_cut
from tests.own_side import START, STOP, begin, broken, fail, invoices, memory_of, online, refusing, told
from tests.pair import action_of, actions, payloads, simulated
from tests.simulated import clock, fresh_path

ASK = {"AuthorizeRemoteTxRequests": "true"}


async def ask(central_system: CentralSystem, request: m.Request[Any]) -> str:
    status: str = (await central_system["CP_1"].call(request)).status
    return status


# A no, and nothing has changed ----------------------------------------------------------------------------------------

REFUSED: list[tuple[m.Request[Any], str]] = [
    (m.ChangeConfigurationRequest(key="HeartbeatInterval", value="77"), "Rejected"),
    (m.ChangeConfigurationRequest(key="AuthorizationKey", value="ff" * 16), "Rejected"),
    (m.ChangeAvailabilityRequest(connector_id=0, type="Inoperative"), "Rejected"),
    (m.ClearCacheRequest(), "Rejected"),
    (m.RemoteStartTransactionRequest(connector_id=2, id_tag="TAG_B"), "Rejected"),
    (m.RemoteStopTransactionRequest(transaction_id=1), "Rejected"),
    (m.ResetRequest(type="Soft"), "Rejected"),  # core 5.14: its stops could not be written
    (m.UnlockConnectorRequest(connector_id=1), "UnlockFailed"),  # core 5.18: the transaction is finished first
    (m.TriggerMessageRequest(requested_message="MeterValues"), "Rejected"),
]


@simulated(seed=1)
@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize(("request_", "status"), REFUSED, ids=lambda value: getattr(value, "action", value))
async def test_refused(request_: Any, status: str, nth: int, caplog: pytest.LogCaptureFixture) -> None:
    """The status that the response has for a no, and the reason in our log; the same works when the disk does."""
    caplog.set_level(logging.ERROR, logger="ocpp_lab")
    keys = {"AuthorizationCacheEnabled": "true", "LocalPreAuthorize": "true"}
    async with online(keys, connectors=2) as (central_system, charge_point):
        await begin(charge_point)
        charge_point.charging.plug_in(2)
        await asyncio.sleep(1)
        before, values = memory_of(charge_point), everything_else(charge_point)
        single = request_.action in ("ChangeConfiguration", "ClearCache")  # one statement, and no more
        with broken(charge_point, 1 if single else nth):
            assert await ask(central_system, request_) == status
        assert (memory_of(charge_point), everything_else(charge_point)) == (before, values)
        assert f"{request_.action} was not done" in caplog.text and "StoreFailed" in caplog.text
        await asyncio.sleep(1)
        assert (charge_point.state, charge_point.life.failures) == ("online", 0)
        assert await ask(central_system, request_) in ("Accepted", "Unlocked", "Scheduled")


def everything_else(charge_point: ChargePoint) -> Any:
    return (
        {key.name: key.value for key in charge_point.configuration.keys.values()},
        [place.operative for place in charge_point.connectors.values()],
        charge_point.cache.status("TAG_A", charge_point.now()),
        charge_point.dialler.password,
    )


@simulated
async def test_what_was_not_written_is_not_there_after_a_restart(tmp_path: Path) -> None:
    """Core 5.2, 5.3: memory and file say the same, before and after."""
    path = fresh_path(tmp_path, "cp")
    async with online(path=path) as (central_system, charge_point):
        with broken(charge_point):
            assert (
                await ask(central_system, m.ChangeAvailabilityRequest(connector_id=1, type="Inoperative")) == "Rejected"
            )
            assert await ask(central_system, REFUSED[0][0]) == "Rejected"
        left = power_cut(path)
    async with online(path=left) as (_, charge_point):
        assert charge_point.connectors[1].status == "Available"
        assert charge_point.configuration["HeartbeatInterval"] == "300"


@simulated
async def test_a_listener_to_a_key(caplog: pytest.LogCaptureFixture) -> None:
    """Core 5.3: written down, and whoever should obey it at once fails: that is RebootRequired."""
    async with online() as (central_system, charge_point):
        charge_point.configuration.effects["MessageTimeout"] = fail
        request = m.ChangeConfigurationRequest(key="MessageTimeout", value="7")
        assert await ask(central_system, request) == "RebootRequired"
        assert charge_point.configuration["MessageTimeout"] == "7" and charge_point.gate.timeout == 30
        assert "Bug: of ours" in caplog.text


# Remote start and stop ------------------------------------------------------------------------------------------------


class Slow(Transport):
    """Takes a second for each text, as a bad modem does."""

    async def _write(self) -> None:
        await asyncio.sleep(1)
        await super()._write()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._offer = lambda text: False


@simulated
@pytest.mark.parametrize("transport", [Transport, Slow])
@pytest.mark.parametrize("verb", [START, STOP])
async def test_written_before_and_sent_after_the_answer(verb: str, transport: Any) -> None:
    """Core 5.11, 5.12: when "Accepted" goes out, the file has it; on the wire the answer is first."""
    async with online(transport=transport) as (central_system, charge_point):
        charge_point.charging.plug_in(1)
        request: m.Request[Any] = m.RemoteStartTransactionRequest(id_tag="TAG_A")
        if verb == STOP:
            await charge_point.charging.present(1, "TAG_A")
            await asyncio.sleep(10)
            request = m.RemoteStopTransactionRequest(transaction_id=1)
        await asyncio.sleep(10)
        put, before = charge_point.outbox.put, len(charge_point.trace)

        def write(request: Any, transaction: str | None = None) -> int:
            key = put(request, transaction)
            charge_point.note("=", f"{request.action} is written")
            return key

        charge_point.outbox.put = write  # type: ignore[method-assign]
        assert await ask(central_system, request) == "Accepted"
        await asyncio.sleep(10)
        story = [f"{event.mark} {action_of(event) or event.text}" for event in list(charge_point.trace)[before:]]
        result = next(each for each in story if '"Accepted"' in each)
        expected = [f"< Remote{verb}", f"= {verb} is written", result, f"> {verb}"]
        assert [each for each in story if each in expected] == expected
        assert story.index(result) < story.index("> StatusNotification")


@simulated
async def test_accepted_and_then_not_written(caplog: pytest.LogCaptureFixture) -> None:
    """Core 5.11: with AuthorizeRemoteTxRequests "Accepted" means that it will try. Told, counted, as before."""
    async with online(ASK) as (central_system, charge_point):
        charge_point.charging.plug_in(1)
        with refusing(charge_point, "INSERT INTO transactions"):
            assert await ask(central_system, m.RemoteStartTransactionRequest(id_tag="TAG_A")) == "Accepted"
            await asyncio.sleep(10)
        assert charge_point.chores.bugs == {"RemoteStartTransaction 1": 1} and "StoreFailed" in caplog.text
        assert charge_point.connectors[1].status == "Preparing" and not list(charge_point.transactions)
        assert (charge_point.state, charge_point.life.failures) == ("online", 0)
        assert await ask(central_system, m.RemoteStartTransactionRequest(id_tag="TAG_A")) == "Accepted"
        await asyncio.sleep(1)
        assert len(invoices(central_system)) == 1 and told(central_system)[-2:] == ["Preparing", "Charging"]


# Reset ----------------------------------------------------------------------------------------------------------------


@simulated
async def test_a_hard_reset_is_always_done() -> None:
    """Core 5.14, core errata 3.36: the last resort. No energy flows; the stop follows when it can be written."""
    async with online(connectors=2) as (central_system, charge_point):
        await begin(charge_point, 1)
        await begin(charge_point, 2)
        await asyncio.sleep(9)
        with broken(charge_point):
            assert await ask(central_system, m.ResetRequest(type="Hard")) == "Accepted"
            assert [place.power for place in charge_point.connectors.values()] == [0, 0, 0]
            await asyncio.sleep(0.5)
        await asyncio.sleep(20)
        assert actions(central_system).count("BootNotification") == 2 and charge_point.state == "online"
        assert invoices(central_system) == [(0, 10, "HardReset"), (0, 9, "HardReset")]


@simulated
async def test_a_soft_reset_ends_all_or_none() -> None:
    """Core 5.14: gracefully. Rejected, nobody has stopped charging, and nobody goes down."""
    async with online(connectors=2) as (central_system, charge_point):
        await begin(charge_point, 1)
        await begin(charge_point, 2)
        with broken(charge_point, 8):  # in the second stop
            assert await ask(central_system, m.ResetRequest(type="Soft")) == "Rejected"
        await asyncio.sleep(10)
        assert [place.power for place in charge_point.connectors.values()] == [0, 3600, 3600]
        assert actions(central_system).count("BootNotification") == 1
        assert await ask(central_system, m.ResetRequest(type="Soft")) == "Accepted"
        await asyncio.sleep(10)
        assert [reason for _, _, reason in invoices(central_system)] == ["SoftReset"] * 2
        assert actions(central_system).count("BootNotification") == 2
        stopped = [each["transactionId"] for each in payloads(central_system, STOP)]
        assert list(dict.fromkeys(stopped)) == [1, 2] and clock() > 20  # one whose answer the reset cut off comes again
