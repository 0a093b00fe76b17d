"""``lenient=True`` and ``--lenient`` at both ends, over real sockets: what is answered, and what is counted."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ocpp_lab import PayloadError
from ocpp_lab import messages as m
from ocpp_lab.metrics import watch_central_system, watch_charge_point
from tests.integration.wire import Peer, facing_central_system, facing_charge_point, plain_client
from tests.program import listening, running

START = {
    "connectorId": "1",
    "idTag": "TAG_A",
    "meterStart": 100.0,
    "timestamp": "2030-12-31T23:59:59",
    "vendor": {"firmware": "0.1"},
}
"""A StartTransaction with everything that is let pass."""
KINDS = ["integer as float", "integer as text", "timestamp without offset", "unknown field"]


async def test_a_lenient_central_system() -> None:
    """The transaction is opened with the values that were meant, and each kind is counted once."""
    async with facing_central_system(lenient=True) as peer:
        metrics = watch_central_system(peer.ours)
        reply = await peer.ask("1", "StartTransaction", START)
        assert reply[0] == 3, reply
        (row,) = peer.ours.ledger.rows()
        assert (row["connector"], row["meter_start"], row["started"][:19]) == (1, 100, "2030-12-31T23:59:59")
        assert sorted(peer.ours.router.notes) == KINDS
        assert [metrics.value("ocpp_forgiven_payloads_total", reason=kind) for kind in KINDS] == [1, 1, 1, 1]


async def test_a_strict_one() -> None:
    """The default: refused with the code of the first violation, and nothing is opened."""
    async with facing_central_system() as peer:
        reply = await peer.ask("1", "StartTransaction", START)
        assert reply[:3] == [4, "1", "TypeConstraintViolation"]
        assert not peer.ours.ledger.rows() and not peer.ours.router.notes


async def test_a_lenient_charge_point() -> None:
    async with facing_charge_point(lenient=True) as peer:
        payload = {"connectorId": "1", "type": "Operative", "when": "now"}
        assert (await peer.ask("1", "ChangeAvailability", payload))[:2] == [3, "1"]
        assert peer.ours.router.notes == {"integer as text": 1, "unknown field": 1}


async def asked(peer: Peer, payload: Any) -> Any:
    """What the charge point makes of this answer to its Authorize."""
    calling = asyncio.create_task(peer.ours.call(m.AuthorizeRequest(id_tag="TAG_A")))
    call = await peer.hear()
    await peer.say(3, call[1], payload)
    return await calling


async def test_a_reply_with_an_unknown_field_is_read() -> None:
    """By a strict charge point too, and the page tells of it."""
    async with facing_charge_point() as peer:
        metrics = watch_charge_point(peer.ours)
        answer = await asked(peer, {"idTagInfo": {"status": "Accepted", "language": "nl"}, "cached": False})
        assert answer.id_tag_info == m.IdTagInfo(status="Accepted")
        assert metrics.value("ocpp_forgiven_payloads_total", reason="unknown field") == 1


async def test_what_is_sent_is_valid_whatever_is_read() -> None:
    """Strict out: a lenient end sends no integer as text."""
    async with facing_central_system(lenient=True) as peer:
        with pytest.raises(PayloadError):
            await peer.session.call(m.RemoteStopTransactionRequest(transaction_id="7"))  # type: ignore[arg-type]


@pytest.mark.sockets("another process")
async def test_the_command_line() -> None:
    """``--lenient``: answered, and at the end it says what was let pass."""
    async with running("central-system", "--port", "0", "--lenient", "--no-require-boot") as central_system:
        url = await listening(central_system)
        async with plain_client(url) as websocket:
            await websocket.send('[2,"1","Heartbeat",{"mood":"good"}]')
            assert str(await websocket.recv()).startswith('[3,"1",')
        await central_system.until("disconnected")
        assert await central_system.stop() == 0
        assert "! payloads that were let pass, by what was wrong with them: unknown field: 1\n" in central_system.said


@pytest.mark.sockets("another process")
async def test_the_command_line_of_a_charge_point() -> None:
    async with facing_central_system() as peer:
        async with running("charge-point", peer.ours.url, "--identity", "CP_2", "--lenient") as charge_point:
            await charge_point.until("→ online")
            session = await peer.ours.connected("CP_2")
            await session.transport.send('[2,"1","ChangeAvailability",{"connectorId":"1","type":"Operative"}]')
            await charge_point.until("> CP_2 +ChangeAvailability +CallResult")
            assert await charge_point.stop() == 0
        assert "integer as text: 1" in charge_point.said
