"""`Wallet`: the certificates of a charge point, in its file: whom it trusts, and who it is (whitepaper 2.6.2).

It keeps and gives out; what may be put in is decided by `Certificates`. The file holds private keys, as it must: guard
it as you guard them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ..messages.security import CertificateUseEnumType
from ..security import KeyAndChain
from ..store import Store

CENTRAL_SYSTEM: Final = "CentralSystemRootCertificate"
MANUFACTURER: Final = "ManufacturerRootCertificate"

MOST_UNSIGNED = 10
"""Requests for a certificate that nobody has answered: whoever triggers more gets answers to the newest."""
MOST_OWN = 10
"""Certificates of our own that are kept: old ones are a fallback (whitepaper A02.FR.10)."""


class Root(NamedTuple):
    """A root certificate, as PEM. ``signer`` has signed it, None: it has itself. ``fallback``: its successor is here
    and was not used yet."""

    number: int
    use: CertificateUseEnumType
    pem: str
    signer: str | None
    fallback: bool


class Wallet:
    """Everything that reads or writes raises `StoreFailed` if it cannot."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def provision(
        self,
        roots: Sequence[str],
        manufacturer_roots: Sequence[str],
        own: KeyAndChain | None,
    ) -> None:
        """What the manufacturer puts in (A00.FR.801): once. What was deleted since does not come back at a restart."""
        if not (roots or manufacturer_roots or own) or self._store.execute("SELECT once FROM provisioned"):
            return
        with self._store.transaction():
            for use, pems in ((CENTRAL_SYSTEM, roots), (MANUFACTURER, manufacturer_roots)):
                for pem in pems:
                    self._store.execute("INSERT INTO roots (use, pem) VALUES (?,?)", (use, pem))
            if own:
                self._store.execute("INSERT INTO own_certificates (key, chain) VALUES (?,?)", own)
            self._store.execute("INSERT INTO provisioned VALUES (1)")

    # -- whom we trust

    def roots(self, use: CertificateUseEnumType | None = None) -> list[Root]:
        """Those of one use, or all; the newest first."""
        where, values = ("WHERE use = ?", (use,)) if use else ("", ())
        rows: list[tuple[Any, ...]] = self._store.execute(
            f"SELECT number, use, pem, signer, fallback FROM roots {where} ORDER BY number DESC", values
        )
        return [Root(number, which, pem, signer, bool(fallback)) for number, which, pem, signer, fallback in rows]

    def put_root(self, use: CertificateUseEnumType, pem: str, *, replacing: Root | None = None) -> None:
        """One more; or in the place of another, which is kept as a fallback (M05.FR.11)."""
        with self._store.transaction():
            if replacing:
                self._store.execute("DELETE FROM roots WHERE use = ? AND fallback", (use,))
                self._store.execute("UPDATE roots SET fallback = 1 WHERE number = ?", (replacing.number,))
            signer = replacing.pem if replacing else None
            self._store.execute("INSERT INTO roots (use, pem, signer) VALUES (?,?,?)", (use, pem, signer))

    def delete_root(self, root: Root) -> None:
        """We trust it no more."""
        self._store.execute("DELETE FROM roots WHERE number = ?", (root.number,))

    def forget_fallback(self) -> None:
        """Its successor was used (M05.FR.12)."""
        self._store.execute("DELETE FROM roots WHERE fallback")

    # -- who we are

    def own(self) -> list[KeyAndChain]:
        """Our keys with their chains, the oldest first."""
        rows = self._store.execute("SELECT key, chain FROM own_certificates WHERE chain IS NOT NULL ORDER BY number")
        return [(bytes(key), chain) for key, chain in rows]

    def pending(self) -> list[bytes]:
        """The keys of the requests that nobody has answered, the oldest first."""
        rows = self._store.execute("SELECT key FROM own_certificates WHERE chain IS NULL ORDER BY number")
        return [bytes(key) for (key,) in rows]

    def ask(self, key: bytes) -> None:
        """A request with this key is about to be sent: its answer may come after a power cut."""
        with self._store.transaction():
            self._store.execute("INSERT INTO own_certificates (key) VALUES (?)", (key,))
            self._trim("chain IS NULL", MOST_UNSIGNED)

    def refused(self, key: bytes) -> None:
        """Nobody will sign this one."""
        self._store.execute("DELETE FROM own_certificates WHERE key = ? AND chain IS NULL", (key,))

    def take(self, pair: KeyAndChain) -> None:
        """The answer to a request of ours."""
        key, chain = pair
        with self._store.transaction():
            self._store.execute("UPDATE own_certificates SET chain = ? WHERE key = ?", (chain, key))
            self._trim("chain IS NOT NULL", MOST_OWN)

    def ask_to_renew(self, chain: str) -> bool:
        """False if that was asked already: who gets no answer does not ask again and again (A02, error handling)."""
        asked = "UPDATE own_certificates SET renewal = 1 WHERE chain = ? AND NOT renewal RETURNING number"
        return bool(self._store.execute(asked, (chain,)))

    def _trim(self, which: str, most: int) -> None:
        self._store.execute(
            f"DELETE FROM own_certificates WHERE number IN (SELECT number FROM own_certificates WHERE {which}"
            " ORDER BY number DESC LIMIT -1 OFFSET ?)",
            (most,),
        )
