"""`Faults` over real loopback: every kind, against a real charge point, and what the charge point makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from ocpp_lab import (
    Call,
    CallFailed,
    CallTimeout,
    CentralSystem,
    ChargePoint,
    ConnectionLost,
    Faults,
    MalformedReply,
    OcppError,
    Session,
)
from ocpp_lab import messages as m
from tests.integration.wire import AT_ONCE, facing, plain_client, until

SOON = 0.05
"""Seconds that a call waits which nobody will answer."""

NOW = m.Timestamp.fromisoformat("2030-12-31T23:59:59+00:00")
START = m.StartTransactionRequest(connector_id=1, id_tag="TAG", meter_start=0, timestamp=NOW)
STARTED = [("CP_1", "TAG")]


@asynccontextmanager
async def lab(**options: Any) -> AsyncIterator[tuple[CentralSystem, ChargePoint]]:
    """A central system with no faults yet, and a charge point that has said all it wants to."""
    async with CentralSystem(**options) as central_system:
        async with ChargePoint(central_system.url, "CP_1", delays=AT_ONCE) as charge_point:
            await until(lambda: len(central_system.answers.statuses) == 2)
            yield central_system, charge_point


def session_of(charge_point: ChargePoint) -> Session:
    assert charge_point.session is not None
    return charge_point.session


def transactions(central_system: CentralSystem) -> list[tuple[str, str]]:
    return [(row["identity"], row["id_tag"]) for row in central_system.ledger.rows()]


async def error_of(call: Awaitable[Any]) -> OcppError | None:
    try:
        await call
    except OcppError as error:
        return error
    return None


async def is_sound(central_system: CentralSystem, charge_point: ChargePoint) -> None:
    """With the faults gone, the next call is answered, on this line or, if it was lost, on the next one."""
    central_system.faults.clear()
    await until(lambda: charge_point.session and charge_point.session.ended_at is None)
    await charge_point.wait_for("online")
    await charge_point.call(m.HeartbeatRequest())


@pytest.mark.parametrize("effect", [False, True])
async def test_ignore(effect: bool) -> None:
    """Silence: indefinite to the charge point, whether the request was acted on or not."""
    async with lab() as (central_system, charge_point):
        central_system.faults.ignore("StartTransaction", effect=effect)
        assert isinstance(await error_of(charge_point.call(START, timeout=SOON)), CallTimeout)
        assert transactions(central_system) == (STARTED if effect else [])
        assert central_system.faults.applied == {"ignore": 1}
        await is_sound(central_system, charge_point)


async def test_lost_reply_then_resend_has_one_effect() -> None:
    """Core 3.7.1 and DESIGN.md decision 6: a repeat under a new unique id finds the transaction that it began."""
    async with lab() as (central_system, charge_point):
        central_system.faults.ignore("StartTransaction", effect=True, times=1)
        assert isinstance(await error_of(charge_point.call(START, timeout=SOON)), CallTimeout)
        response = await charge_point.call(START)
        assert [row["id"] for row in central_system.ledger.rows()] == [response.transaction_id]


async def test_delay() -> None:
    """A late answer is still an answer if the caller waits; other calls are answered meanwhile."""
    async with CentralSystem() as central_system, facing(central_system) as peer:
        central_system.faults.delay("DataTransfer", seconds=0.1)
        await peer.say(2, "slow", "DataTransfer", {"vendorId": "x"})
        await peer.is_served()
        assert (await peer.hear())[:2] == [3, "slow"]
        assert central_system.faults.applied == {"delay": 1}


async def test_delay_beyond_the_timeout() -> None:
    """The caller gives up first; the answer is then a late reply, and the request was acted on."""
    async with lab() as (central_system, charge_point):
        central_system.faults.delay("StartTransaction", seconds=3 * SOON)
        assert isinstance(await error_of(charge_point.call(START, timeout=SOON)), CallTimeout)
        counts = session_of(charge_point).pending.counts
        await until(lambda: counts["late"] == 1)
        assert transactions(central_system) == STARTED
        await is_sound(central_system, charge_point)


@pytest.mark.parametrize("effect", [False, True])
async def test_call_error(effect: bool) -> None:
    """J-spec 4.2.3: the charge point is told that nothing was done. With an effect, the central system lies."""
    async with lab() as (central_system, charge_point):
        central_system.faults.call_error(
            "StartTransaction", code="ProtocolError", description="on purpose", effect=effect
        )
        error = await error_of(charge_point.call(START))
        assert isinstance(error, CallFailed)
        assert (error.code, error.description) == ("ProtocolError", "on purpose")
        assert transactions(central_system) == (STARTED if effect else [])
        await is_sound(central_system, charge_point)


async def test_answer_twice() -> None:
    """Acted on once, answered twice: the first counts, the second is repeated."""
    async with lab() as (central_system, charge_point):
        central_system.faults.answer_twice("StartTransaction")
        response = await charge_point.call(START)
        assert response.id_tag_info.status == "Accepted"
        await is_sound(central_system, charge_point)
        assert session_of(charge_point).pending.counts["repeated"] == 1
        assert transactions(central_system) == STARTED


async def test_wrong_id() -> None:
    """An answer to nobody's question: an orphan, and the question times out."""
    async with lab() as (central_system, charge_point):
        central_system.faults.wrong_id("StartTransaction")
        assert isinstance(await error_of(charge_point.call(START, timeout=SOON)), CallTimeout)
        await until(lambda: session_of(charge_point).pending.counts["orphan"] == 1)
        assert transactions(central_system) == STARTED
        await is_sound(central_system, charge_point)


@pytest.mark.parametrize("payload", [None, {}, {"transactionId": "one", "idTagInfo": {"status": "Accepted"}}])
@pytest.mark.parametrize("effect", [False, True])
async def test_wrong_payload(payload: Any, effect: bool) -> None:
    """A CallResult that is not the response: indefinite, reported."""
    async with lab() as (central_system, charge_point):
        central_system.faults.wrong_payload("StartTransaction", payload=payload, effect=effect)
        error = await error_of(charge_point.call(START))
        assert isinstance(error, MalformedReply)
        assert error.definite is False
        assert transactions(central_system) == (STARTED if effect else [])
        await is_sound(central_system, charge_point)


@pytest.mark.parametrize("effect", [False, True])
async def test_garbage(effect: bool) -> None:
    """A text that is no frame answers nothing; it is counted, and the session lives."""
    async with lab() as (central_system, charge_point):
        central_system.faults.garbage("StartTransaction", text="[3,,]", effect=effect)
        session = session_of(charge_point)
        assert isinstance(await error_of(charge_point.call(START, timeout=SOON)), CallTimeout)
        await until(lambda: session.counts["bad frame"] == 1)
        assert transactions(central_system) == (STARTED if effect else [])
        await is_sound(central_system, charge_point)
        assert session_of(charge_point) is session


@pytest.mark.parametrize("effect", [False, True])
async def test_close(effect: bool) -> None:
    """The line is closed in place of an answer, with the code that was asked for; the charge point comes back."""
    async with lab() as (central_system, charge_point):
        central_system.faults.close("StartTransaction", code=1012, reason="restart", effect=effect)
        error = await error_of(charge_point.call(START))
        assert isinstance(error, ConnectionLost)
        assert (error.code, error.reason) == (1012, "restart")
        assert error.call_error.code == "ConnectionClosed"
        assert transactions(central_system) == (STARTED if effect else [])
        await is_sound(central_system, charge_point)


@pytest.mark.parametrize("effect", [False, True])
async def test_abort(effect: bool) -> None:
    """The TCP connection is cut without a close frame (RFC 6455 7.1.5: code 1006)."""
    async with lab() as (central_system, charge_point):
        central_system.faults.abort("StartTransaction", effect=effect)
        error = await error_of(charge_point.call(START))
        assert isinstance(error, ConnectionLost)
        assert error.code == 1006
        assert transactions(central_system) == (STARTED if effect else [])
        await is_sound(central_system, charge_point)


@pytest.mark.parametrize("end", ["resume_reading", "remove", "clear"])
async def test_stop_reading_until_resumed(end: str) -> None:
    """This call is answered, the next one times out; when it is read after all, its answer is late."""
    async with lab() as (central_system, charge_point):
        faults = central_system.faults
        rule = faults.stop_reading("StartTransaction")
        await charge_point.call(START)
        assert isinstance(await error_of(charge_point.call(m.HeartbeatRequest(), timeout=SOON)), CallTimeout)
        pipe: Any = central_system["CP_1"].transport.pipe
        {"resume_reading": pipe.resume_reading, "remove": lambda: faults.remove(rule), "clear": faults.clear}[end]()
        await is_sound(central_system, charge_point)
        assert session_of(charge_point).pending.counts["late"] == 1
        assert transactions(central_system) == STARTED


async def test_stop_reading_for_a_while() -> None:
    """Nothing is lost: what is sent meanwhile waits on the line and arrives in order."""
    async with CentralSystem() as central_system, facing(central_system) as peer:
        central_system.faults.stop_reading("DataTransfer", seconds=SOON)
        assert (await peer.ask("0", "DataTransfer", {"vendorId": "x"}))[:2] == [3, "0"]
        for n in range(1, 50):
            await peer.say(2, str(n), "Heartbeat", {})
        assert [(await peer.hear())[1] for _ in range(1, 50)] == [str(n) for n in range(1, 50)]


@pytest.mark.parametrize("end", ["central system stops", "replaced", "peer leaves"])
async def test_stop_reading_holds_up_no_end(end: str) -> None:
    """A line that is no longer read ends like any other, whoever ends it."""
    async with CentralSystem() as central_system, facing(central_system) as peer:
        central_system.faults.stop_reading("DataTransfer")
        await peer.ask("0", "DataTransfer", {"vendorId": "x"})
        await peer.say(2, "1", "Heartbeat", {})
        match end:
            case "central system stops":
                await central_system.stop()
            case "replaced":
                async with facing(central_system, boots=False) as newer:
                    await until(lambda: central_system.sessions["CP_1"] is not peer.session)
                    newer.session = central_system["CP_1"]
                    await newer.is_served()
            case "peer leaves":
                await peer.websocket.close()
                await until(lambda: "CP_1" not in central_system)
        async with asyncio.timeout(10):
            await peer.session.wait_closed()


async def test_refuse() -> None:
    """The door stays shut with an HTTP status; the charge point comes again until it opens (J-errata 3.3)."""
    async with CentralSystem() as central_system:
        central_system.faults.refuse(status=503, times=3)
        async with ChargePoint(central_system.url, "CP_1", delays=AT_ONCE) as charge_point:
            await charge_point.wait_for("online")
        shut = [event.text for event in central_system.trace if event.text.startswith("refused with HTTP 503")]
        assert len(shut) == central_system.faults.applied["refuse"] == 3
        assert len(central_system.received) >= 1


async def test_refuse_is_for_the_door_only() -> None:
    """A refusing central system still answers who is inside, and refuses by identity."""
    async with CentralSystem() as central_system, facing(central_system, "inside") as inside:
        central_system.faults.refuse(status=500, identity="unlucky")
        await inside.is_served()
        with pytest.raises(InvalidStatus) as refused:
            async with plain_client(central_system.url, "unlucky"):
                pass
        assert refused.value.response.status_code == 500
        async with facing(central_system, "lucky") as lucky:
            await lucky.is_served()


async def test_by_action_and_identity() -> None:
    """A rule meets those calls that it names, and no others."""
    async with CentralSystem() as central_system:
        async with facing(central_system, "CP_1") as one, facing(central_system, "CP_2") as two:
            central_system.faults.call_error("DataTransfer", identity="CP_2")
            assert (await one.ask("id", "DataTransfer", {"vendorId": "x"}))[0] == 3
            assert (await two.ask("id", "DataTransfer", {"vendorId": "x"}))[0] == 4
            await two.is_served()  # with a Heartbeat
            central_system.faults.call_error(identity="CP_1")
            assert (await one.ask("id", "Heartbeat", {}))[0] == 4
            await two.is_served()


async def test_script_by_times() -> None:
    """Rules are tried in order and used up: two boots ignored, one refused with a CallError, then all is well."""
    async with CentralSystem() as central_system:
        central_system.faults.ignore("BootNotification", times=2)
        central_system.faults.call_error("BootNotification", times=1)
        async with ChargePoint(
            central_system.url, "CP_1", delays=AT_ONCE, timeout=SOON, retry_interval=0.01
        ) as charge_point:
            await charge_point.wait_for("online")
            frames = [event.frame for event in central_system.received]
            assert [call.action for call in frames if isinstance(call, Call)].count("BootNotification") >= 4
            assert central_system.faults.applied == {"ignore": 2, "CallError": 1}
            assert charge_point.registration == "Accepted"


async def test_removed_rule_ends() -> None:
    """One rule goes, the other stays."""
    async with CentralSystem() as central_system, facing(central_system) as peer:
        rule = central_system.faults.call_error("DataTransfer")
        central_system.faults.call_error("Authorize")
        central_system.faults.remove(rule)
        assert (await peer.ask("id", "DataTransfer", {"vendorId": "x"}))[0] == 3
        assert (await peer.ask("id", "Authorize", {"idTag": "x"}))[0] == 4


async def failures(seed: int, probability: float) -> list[bool]:
    async with CentralSystem(faults=Faults(seed)) as central_system, facing(central_system) as peer:
        central_system.faults.call_error("Heartbeat", probability=probability)
        return [(await peer.ask(str(n), "Heartbeat", {}))[0] == 4 for n in range(100)]


async def test_probability_with_a_seed() -> None:
    """Chance comes from the seed: the same seed fails the same calls, another seed others."""
    first = await failures(1, 0.3)
    assert first == await failures(1, 0.3)
    assert first != await failures(2, 0.3)
    assert 10 < sum(first) < 50
    assert not any(await failures(1, 0.0))
    assert all(await failures(1, 1.0))


async def test_boot_fault_with_effect_registers() -> None:
    """A boot whose answer is lost was accepted all the same: the next call is served (J-errata 3.8)."""
    async with CentralSystem() as central_system, facing(central_system, boots=False) as peer:
        central_system.faults.ignore("BootNotification", effect=True, times=1)
        await peer.say(2, "boot", "BootNotification", {"chargePointVendor": "Plain", "chargePointModel": "Client"})
        await peer.is_served()


@pytest.mark.parametrize("code", [1005, 1006, 1015, 999, 5000])
async def test_close_code_that_cannot_be_sent(code: int) -> None:
    """RFC 6455 7.4: some codes never go over the wire; better told when the rule is made."""
    with pytest.raises(ValueError, match="close code"):
        Faults().close(code=code)


async def test_status_that_cannot_refuse() -> None:
    """A handshake is refused with an HTTP status that refuses."""
    for status in (101, 200, 302, 799):
        with pytest.raises(ValueError, match="HTTP status"):
            Faults().refuse(status=status)
