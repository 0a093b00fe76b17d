"""No number from a peer kills, floods, or sends somebody to the car park. On simulated time."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab import messages as m
from ocpp_lab.charge_point.keys import fresh_keys
from ocpp_lab.charge_point.registration import LONGEST_WAIT, boot_wait
from tests.house import scaled
from tests.own_side import METER, START, STOP, begin, online
from tests.pair import actions, calls, on, pair, payloads, simulated, simulated_now
from tests.simulated import fresh_path
from tests.simulated import simulated as with_limit

BOOT, BEAT = "BootNotification", "Heartbeat"
EVERY = scaled(4, 1)
ABSURD = [int("9" * 400), 10**18, 2**63, -(10**18), -int("9" * 400)][::EVERY]
KINDS = ["400 digits", "10**18", "2**63", "-10**18", "-400 digits"][::EVERY]


def boot_answer(status: str, interval: int) -> dict[str, Any]:
    return {"status": status, "interval": interval, "currentTime": "2030-06-01T12:00:00Z"}


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [(0, 60), (-1, 60), (1, 1), (300, 300), (86_400, 86_400), (86_401, 86_400), (10**18, 86_400), (10**400, 86_400)],
    ids=["0", "-1", "1", "300", "a day", "a second more", "10**18", "400 digits"],
)
def test_how_long_a_boot_waits(interval: int, seconds: float) -> None:
    """What was asked for, a day at most; our own choice if nothing sensible was."""
    assert boot_wait(interval, 60.0) == seconds


@with_limit(limit=1e6)
@pytest.mark.parametrize("interval", ABSURD, ids=KINDS)
@pytest.mark.parametrize("status", ["Pending", "Rejected"])
async def test_an_absurd_interval_before_the_next_boot(status: str, interval: int) -> None:
    """Seen before: OverflowError, dead for good. Now a day at most, or our own minute if it is below zero."""
    async with pair(now=simulated_now) as (central_system, charge_point):
        central_system.faults.wrong_payload(BOOT, payload=boot_answer(status, interval), times=1)
        await charge_point.wait_for(status.lower())
        await charge_point.wait_for("online")
        first, second = [at for at, action in calls(central_system) if action == BOOT][-2:]
        assert second - first == (LONGEST_WAIT if interval > 0 else 60)
        assert charge_point.life.failures == 0


@with_limit(limit=1e6)
@pytest.mark.parametrize("interval", ABSURD, ids=KINDS)
async def test_an_absurd_heartbeat_interval(interval: int) -> None:
    """A heartbeat a day is what J-spec 5.3 recommends anyway; below zero it keeps the one that it has."""
    async with pair(now=simulated_now) as (central_system, charge_point):
        central_system.faults.wrong_payload(BOOT, payload=boot_answer("Accepted", interval), times=1)
        await charge_point.wait_for("online")
        expected = LONGEST_WAIT if interval > 0 else 300
        assert charge_point.configuration.seconds("HeartbeatInterval") == expected
        await asyncio.sleep(expected + 1)
        assert [at for at, action in calls(central_system) if action == BEAT] == [expected]


async def change(central_system: CentralSystem, key: str, value: str) -> str:
    return (await central_system["CP_1"].call(m.ChangeConfigurationRequest(key=key, value=value))).status


NUMBERS = [
    name
    for name, key in fresh_keys().items()
    if key.access == "RW" and key.valid(key.value) and key.value.isdigit() and name != "SecurityProfile"
]
"""Every key whose value is a number, and no word for something else."""


def most(name: str) -> int:
    """The largest number that this key takes."""
    key = fresh_keys()[name]
    return max(number for number in (0, 100, 3600, 86_400, 100_000) if key.valid(str(number)))


@simulated(seed=1)
@pytest.mark.parametrize("key", NUMBERS)
async def test_the_largest_value_of_every_key(key: str) -> None:
    """It is in force, and everything still works: a transaction, a call, a reconnect, the end."""
    async with online() as (central_system, charge_point):
        for value in ("999999999", "9" * 40, str(most(key) + 1)):
            assert await change(central_system, key, value) == "Rejected"
        assert await change(central_system, key, str(most(key))) == "Accepted"
        await begin(charge_point)
        await asyncio.sleep(100)
        await charge_point.call(m.HeartbeatRequest())
        await on("cs", central_system["CP_1"].close(1001))
        await charge_point.wait_for("waiting")
        await charge_point.wait_for("online")
        charge_point.charging.unplug(1)
        charge_point.charging.plug_in(1)
        await asyncio.sleep(100)
        assert actions(central_system).count(STOP) == 1 and charge_point.life.failures == 0


@simulated
@pytest.mark.parametrize("digits", [19, 400, 4000])
async def test_a_transaction_id_of_any_length(digits: int, tmp_path: Path) -> None:
    """The file keeps it as text: it goes back as it came, also after a restart, and can be stopped by it."""
    path, transaction_id = fresh_path(tmp_path, "cp"), int("9" * digits)
    async with online({"MeterValueSampleInterval": "10"}, path=path, resume_transactions=True) as (server, point):
        payload = {"transactionId": transaction_id, "idTagInfo": {"status": "Accepted"}}
        server.faults.wrong_payload(START, payload=payload)
        server.faults.wrong_payload(METER, payload={})  # our own ledger takes 64 bits
        await begin(point)
        await asyncio.sleep(11)
        assert [each["transactionId"] for each in payloads(server, METER)] == [transaction_id]
    async with online(path=path, resume_transactions=True) as (server, point):
        server.faults.wrong_payload(STOP, payload={})
        stop = m.RemoteStopTransactionRequest(transaction_id=transaction_id)
        assert (await server["CP_1"].call(stop)).status == "Accepted"
        await asyncio.sleep(1)
        assert [each["transactionId"] for each in payloads(server, STOP)] == [transaction_id]
        assert point.life.failures == 0


@simulated(seed=1)
@pytest.mark.parametrize("number", ABSURD, ids=KINDS)
async def test_an_absurd_connector(number: int) -> None:
    """There is no such connector, and that is said."""
    async with online() as (central_system, charge_point):
        session = central_system["CP_1"]
        requests: list[tuple[Any, str]] = [
            (m.ChangeAvailabilityRequest(connector_id=max(number, 2), type="Inoperative"), "Rejected"),
            (m.RemoteStartTransactionRequest(connector_id=max(number, 2), id_tag="TAG"), "Rejected"),
            (m.RemoteStopTransactionRequest(transaction_id=number), "Rejected"),
            (m.UnlockConnectorRequest(connector_id=max(number, 2)), "NotSupported"),
            (m.TriggerMessageRequest(requested_message="MeterValues", connector_id=max(number, 2)), "Rejected"),
        ]
        for request, status in requests:
            assert (await session.call(request)).status == status
        assert charge_point.state == "online"


@simulated(seed=1)
@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z"])
async def test_the_ends_of_time(instant: str) -> None:
    """As the central system's clock, and as the day on which a tag expires."""
    async with online({"AuthorizationCacheEnabled": "true", "LocalPreAuthorize": "true"}) as (server, point):
        server.faults.wrong_payload(BEAT, payload={"currentTime": instant})
        server.faults.wrong_payload(BOOT, payload=boot_answer("Accepted", 300) | {"currentTime": instant})
        info = {"status": "Accepted", "expiryDate": instant}
        server.faults.wrong_payload("Authorize", payload={"idTagInfo": info})
        assert await point.charging.authorize("TAG_A") == "Accepted"
        expired = instant.startswith("0001")
        assert point.cache.status("TAG_A", point.now()) == ("Expired" if expired else "Accepted")
        await asyncio.sleep(400)
        await point.reboot("again")
        await asyncio.sleep(400)
        assert (point.state, point.life.failures) == ("online", 0)
        assert point.heartbeat.clock_offset is not None
        assert abs(timedelta(seconds=point.heartbeat.clock_offset)) > timedelta(days=300_000)


# A flood of one message -----------------------------------------------------------------------------------------------


@simulated
@pytest.mark.parametrize("retry_interval", ["0", "1", "2"])
async def test_a_second_between_two_attempts(retry_interval: str) -> None:
    """Core 3.7.1 lets the key say how long, times the sends so far; we never send one message twice in a second."""
    keys = {"TransactionMessageAttempts": "100", "TransactionMessageRetryInterval": retry_interval}
    async with online(keys) as (central_system, charge_point):
        central_system.faults.call_error(START)
        await begin(charge_point)
        await asyncio.sleep(200)
        sent = [at for at, action in calls(central_system) if action == START]
        waits = [round(later - earlier) for earlier, later in itertools.pairwise(sent)]
        factor = max(1, int(retry_interval))
        assert waits[:4] == [factor, 2 * factor, 3 * factor, 4 * factor]
        assert len(sent) < 25


@simulated
async def test_a_flood_cannot_be_asked_for() -> None:
    """Seen before: attempts 999999999, interval 0: 9,637 StartTransactions in 8.5 s."""
    async with online() as (central_system, charge_point):
        assert await change(central_system, "TransactionMessageAttempts", "999999999") == "Rejected"
        assert await change(central_system, "TransactionMessageAttempts", "101") == "Rejected"
        assert await change(central_system, "TransactionMessageRetryInterval", "0") == "Accepted"
        assert await change(central_system, "TransactionMessageAttempts", "100") == "Accepted"
        central_system.faults.call_error(START)
        await begin(charge_point)
        await asyncio.sleep(8)
        assert actions(central_system).count(START) <= 5
        await asyncio.sleep(5100)
        assert actions(central_system).count(START) == 100
        assert charge_point.outbox.drops == {"attempts": 1}


def test_a_file_that_says_more_than_a_key_takes_now(tmp_path: Path) -> None:
    """Written by an edition that took anything: left out, as is what is no value at all."""
    path = str(tmp_path / "cp.db")

    async def live() -> dict[str, str]:
        point = ChargePoint("ws://127.0.0.1:9", "CP_1", path=path)
        point.memory.store.execute("INSERT INTO configuration VALUES ('TransactionMessageAttempts', '999999999')")
        await point.stop()
        point = ChargePoint("ws://127.0.0.1:9", "CP_1", path=path)
        await point.stop()
        return {name: key.value for name, key in point.configuration.keys.items()}

    assert asyncio.run(live())["TransactionMessageAttempts"] == "3"
