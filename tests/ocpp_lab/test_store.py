"""`Store`: one file for all of a charge point that survives a power cut, and it is nobody else's."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ocpp_lab import ChargePoint, Outbox, TransactionIds
from ocpp_lab import messages as m
from ocpp_lab.charge_point.authorization import AuthorizationCache
from ocpp_lab.charge_point.configuration import Configuration
from ocpp_lab.charge_point.transactions import Transactions
from ocpp_lab.errors import StoreFailed
from ocpp_lab.store import Store
from tests.fakes import NOON, Failing, power_cut
from tests.house import ROOT

START = m.StartTransactionRequest(connector_id=1, id_tag="TAG", meter_start=0, timestamp=NOON)


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "cp.db")


def test_one_file_for_everything(path: str) -> None:
    """Whatever is written through one is in the copy that a power cut leaves, whoever opens it."""
    store = Store(path, "CP_1")
    Outbox(store).put(START, "T")
    TransactionIds(store).learn("T", 7)
    Transactions(store).open("T", 1, "TAG", NOON, 0)
    AuthorizationCache(store).learn("TAG", m.IdTagInfo(status="Blocked"))
    Configuration(store).change("HeartbeatInterval", "7")
    left = Store(power_cut(path), "CP_1")
    configuration = Configuration(left)
    configuration.restore()
    assert [entry.request for entry in Outbox(left).entries()] == [START]
    assert TransactionIds(left).get("T") == 7
    assert [each.name for each in Transactions(left)] == ["T"]
    assert AuthorizationCache(left).status("TAG", NOON) == "Blocked"
    assert configuration["HeartbeatInterval"] == "7"
    left.close()
    store.close()


@pytest.mark.parametrize("nth", range(1, 6))
def test_what_belongs_together(nth: int, path: str) -> None:
    """A transaction is open *and* its StartTransaction queued, or neither, whichever statement fails."""
    store = Store(path, "CP_1")
    outbox, transactions = Outbox(store), Transactions(store)
    store.before = Failing(nth)
    with pytest.raises(StoreFailed):
        with transactions.together():
            transactions.open("T", 1, "TAG", NOON, 0)
            outbox.put(START, "T")
            TransactionIds(store).give_up("another")
    assert (list(transactions), outbox.entries()) == ([], [])
    store.close()


# Whose it is ----------------------------------------------------------------------------------------------------------


def test_another_charge_point_s_file(path: str) -> None:
    """Seen before: CP_2 stopped the transaction of CP_1, which charged for ever."""
    Store(path, "CP_1").close()
    with pytest.raises(StoreFailed, match=r"expected the file of 'CP_2', came that of 'CP_1'; give each charge point"):
        Store(path, "CP_2")
    Store(path, "CP_1").close()
    Store(path).close()  # to look into it, nobody has to be its owner


def test_two_charge_points_with_one_path(path: str) -> None:
    """The second is refused where it is written, and the first goes on."""

    async def both() -> None:
        async with ChargePoint("ws://127.0.0.1:9", "CP_1", path=path) as first:
            for identity in ("CP_1", "CP_2"):
                with pytest.raises(StoreFailed, match="another owner uses"):
                    ChargePoint("ws://127.0.0.1:9", identity, path=path)
            first.charging.plug_in(1)
            first.charging.start(1, "TAG")
        with pytest.raises(StoreFailed, match="came that of 'CP_1'"):
            ChargePoint("ws://127.0.0.1:9", "CP_2", path=path)
        async with ChargePoint("ws://127.0.0.1:9", "CP_1", path=path) as again:
            assert [entry.request.action for entry in again.outbox.entries()] == ["StartTransaction", "StopTransaction"]

    asyncio.run(both())


def test_two_charge_points_with_one_store(path: str) -> None:
    """The same, for who opens the file first and hands it in: one charge point moves in, if it is its own file."""

    async def both() -> None:
        store = Store(path)
        ChargePoint("ws://127.0.0.1:9", "CP_1", path=store)
        for identity in ("CP_1", "CP_2"):
            with pytest.raises(StoreFailed, match="came one that has its charge point; open a file for each"):
                ChargePoint("ws://127.0.0.1:9", identity, path=store)
        with pytest.raises(StoreFailed, match="another owner uses"):  # it had no owner when it was opened
            ChargePoint("ws://127.0.0.1:9", "CP_1", path=path)
        store.close()
        with closing(Store(path, "CP_1")) as store:
            with pytest.raises(StoreFailed, match=r"expected the file of 'CP_2', came that of 'CP_1'"):
                ChargePoint("ws://127.0.0.1:9", "CP_2", path=store)
            ChargePoint("ws://127.0.0.1:9", "CP_1", path=store)

    asyncio.run(both())


def test_who_looks_into_a_file_keeps_no_charge_point_out(path: str) -> None:
    """Without an owner several may use it, also while a charge point does."""
    with closing(Store(path)), closing(Store(path)):
        owned = Store(path, "CP_1")
        owned.move_in("CP_1")
        owned.close()


def test_a_process_that_was_killed_frees_its_file(path: str) -> None:
    """The operating system gives the lock back, however its owner ended."""
    code = (
        "import sys; from ocpp_lab.store import Store; store = Store(sys.argv[1], 'CP_1');"
        "print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout and process.stdout.readline() == "open\n"
        with pytest.raises(StoreFailed, match="another owner uses"):
            Store(path, "CP_1")
        process.kill()
    Store(path, "CP_1").close()


# Files of before ------------------------------------------------------------------------------------------------------

OLD = """
CREATE TABLE outbox (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    action TEXT NOT NULL, payload TEXT NOT NULL, "transaction" TEXT, failures INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE transactions (
    name TEXT PRIMARY KEY, connector INTEGER NOT NULL, id_tag TEXT NOT NULL,
    started TEXT NOT NULL, meter_start INTEGER NOT NULL, seen TEXT NOT NULL, meter_seen INTEGER NOT NULL
);
INSERT INTO outbox (action, payload, "transaction") VALUES ('Heartbeat', '{}', NULL);
INSERT INTO transactions VALUES ('T', 1, 'TAG', '2030-06-01T12:00:00+00:00', 5, '2030-06-01T12:00:00+00:00', 9);
"""


def test_a_file_of_the_first_edition(path: str) -> None:
    """It had no version and no owner; whoever opens it first is its owner from then on."""
    old = sqlite3.connect(path)
    old.executescript(OLD)
    old.close()
    store = Store(path, "CP_1")
    assert [each.meter_seen for each in Transactions(store)] == [9]
    assert [entry.request for entry in Outbox(store).entries()] == [m.HeartbeatRequest()]
    assert Transactions(store).register(1) == 0
    assert store.execute("SELECT newest FROM clock") == [("2030-06-01T12:00:00+00:00",)]  # no start will be earlier
    store.close()
    with pytest.raises(StoreFailed, match="came that of 'CP_1'"):
        Store(path, "CP_2")
