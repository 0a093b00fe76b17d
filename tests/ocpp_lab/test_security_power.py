"""A power cut at every write of an upgrade, a swap of certificates, and a new root: old or new, and nothing between."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ocpp_lab import Store, StoreFailed
from ocpp_lab.charge_point.upgrading import Upgrading
from ocpp_lab.charge_point.wallet import CENTRAL_SYSTEM, MOST_OWN, MOST_UNSIGNED, Wallet
from ocpp_lab.security import Upgrade, settled
from tests.fakes import Failing, power_cut

ALL = {"key": True, "root": True, "certificate": True}


def cut_at_every_write(
    tmp_path: Path, prepare: Callable[[Store], object], deed: Callable[[Store], object], seen: Callable[[Store], Any]
) -> set[Any]:
    """What the next life finds, whichever statement of the deed was the last."""
    found = set()
    for nth in range(1, 50):
        path = str(tmp_path / f"{nth}.db")
        store = Store(path)
        prepare(store)
        store.before = failing = Failing(nth, once=False)
        with suppress(StoreFailed):
            deed(store)
        copy = power_cut(path)
        store.close()
        again = Store(copy)
        found.add(seen(again))
        again.close()
        if not failing.failed:
            return found
    raise AssertionError("it never ended")


def test_an_upgrade(tmp_path: Path) -> None:
    """Never half of it: it is under way with all that it needs, or it has not begun."""

    def change(store: Store) -> None:
        assert Upgrading(store, lambda: 1).change("3", **ALL) == "Accepted"

    states = cut_at_every_write(tmp_path, lambda store: None, change, lambda store: Upgrading(store, lambda: 1).state)
    assert states == {settled(1), Upgrade(1, 3, 3)}


def test_the_proof_of_an_upgrade(tmp_path: Path) -> None:
    """A proof that cannot be written is found again on the next connection."""

    def prove(store: Store) -> None:
        upgrading = Upgrading(store, lambda: 1)
        assert upgrading.dials() == 3
        upgrading.proved()

    def begun(store: Store) -> None:
        Upgrading(store, lambda: 1).change("3", **ALL)

    states = cut_at_every_write(tmp_path, begun, prove, lambda store: Upgrading(store, lambda: 1).state)
    assert states == {Upgrade(1, 3, 3), settled(3)}


def test_a_disk_that_fails_leaves_it_under_way() -> None:
    """What is not written is not so: the next dial tries the same again."""
    store = Store()
    upgrading = Upgrading(store, lambda: 1)
    upgrading.change("2", **ALL)
    assert upgrading.dials() == 2
    store.before = Failing(1, once=False)
    upgrading.over()
    assert upgrading.state == Upgrade(1, 2, 2) and not upgrading.under_proof
    store.before = lambda sql: None
    assert upgrading.dials() == 2
    upgrading.proved()
    assert upgrading.state == Upgrading(store, lambda: 1).state == settled(2)


def test_a_new_certificate(tmp_path: Path) -> None:
    """The key has its chain, or waits for it: it is never gone."""

    def ask(store: Store) -> None:
        Wallet(store).ask(b"key")

    def take(store: Store) -> None:
        Wallet(store).take((b"key", "chain"))

    def both(store: Store) -> tuple[Any, ...]:
        return tuple(Wallet(store).pending()), tuple(Wallet(store).own())

    found = cut_at_every_write(tmp_path, ask, take, both)
    assert found == {((b"key",), ()), ((), ((b"key", "chain"),))}


def test_a_new_root(tmp_path: Path) -> None:
    """There is always one that is trusted: the new one comes together with the fall of the old."""

    def first(store: Store) -> None:
        Wallet(store).put_root(CENTRAL_SYSTEM, "old")

    def replace(store: Store) -> None:
        wallet = Wallet(store)
        wallet.put_root(CENTRAL_SYSTEM, "new", replacing=wallet.roots()[0])

    def trusted(store: Store) -> tuple[Any, ...]:
        return tuple((root.pem, root.fallback) for root in Wallet(store).roots())

    found = cut_at_every_write(tmp_path, first, replace, trusted)
    assert found == {(("old", False),), (("new", False), ("old", True))}


def test_a_peer_fills_no_wallet() -> None:
    """However many certificates are asked for, or come: the newest are kept."""
    wallet = Wallet(Store())
    for number in range(50):
        wallet.ask(b"%d" % number)
    assert wallet.pending() == [b"%d" % number for number in range(50 - MOST_UNSIGNED, 50)]
    for number in range(50 - MOST_UNSIGNED, 50):
        wallet.take((b"%d" % number, str(number)))
    for number in range(100, 120):
        wallet.ask(b"%d" % number)
        wallet.take((b"%d" % number, str(number)))
    assert len(wallet.own()) == MOST_OWN and wallet.own()[-1] == (b"119", "119")
