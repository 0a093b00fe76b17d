"""Who is let in, as one decision (whitepaper A00), and which profiles are taken from whom (A05.FR.09)."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from ocpp_lab import Ledger, StoreFailed
from ocpp_lab.central_system.admission import Knock, refusal
from ocpp_lab.central_system.registry import Registered, RequiredProfiles
from ocpp_lab.credentials import basic_auth
from ocpp_lab.security import Levels
from tests.chains import DAY, NIGHT, OWNER, SERIAL, Holder, holder, root
from tests.fakes import Failing

KNOWN = Registered(serial=SERIAL, owner=OWNER)
HEADER = basic_auth("CP_1", "0f" * 16)
ANY = Levels()
FORBIDDEN, UNAUTHORIZED = HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED


def der(*holders: Holder) -> list[bytes]:
    return [each.certificate.public_bytes(Encoding.DER) for each in holders]


def knock(kind: str, header: str | None = HEADER, chain: list[bytes] | None = None, at: datetime = NIGHT) -> Knock:
    """At a port that is ``plain``, ``tls``, or ``mutual``."""
    shown = (der(holder(issuer=root())) if chain is None else chain) if kind == "mutual" else []
    return Knock("CP_1", kind != "plain", shown, der(root()), header, at)


def said(knocked: Knock, levels: Levels = ANY, known: Registered = KNOWN, opens: bool = True) -> HTTPStatus | None:
    found = refusal(knocked, known, levels, lambda header, identity: opens)
    return found.status if found else None


@pytest.mark.parametrize("kind", ["plain", "tls", "mutual"])
@pytest.mark.parametrize("taken", [None, 0, 1, 2, 3])
def test_one_profile_at_a_time(kind: str, taken: int | None) -> None:
    """A00.FR.002: another one than this charge point has to use is rejected, a higher one too; until it is offered."""
    fits = {"plain": (0, 1), "tls": (2,), "mutual": (3,)}[kind]
    wanted = None if taken is None or taken in fits else FORBIDDEN
    assert said(knock(kind), Levels(taken)) == wanted
    assert said(knock(kind), Levels(taken, frozenset({max(fits)}))) is None


@pytest.mark.parametrize(("kind", "taken"), [("plain", 1), ("tls", 2)])
def test_a_password_is_asked_for_where_it_belongs(kind: str, taken: int) -> None:
    assert said(knock(kind, None), Levels(taken)) == UNAUTHORIZED
    assert said(knock(kind), Levels(taken), opens=False) == UNAUTHORIZED
    assert said(knock(kind, None)) is None  # whether one is needed is a question of keys
    assert said(knock(kind, None), opens=False) == UNAUTHORIZED


def test_a_certificate_opens_without_a_password() -> None:
    assert said(knock("mutual", None), opens=False) is None


@pytest.mark.parametrize(
    ("known", "chain", "at"),
    [
        (Registered(serial="SN-0002", owner=OWNER), None, NIGHT),
        (Registered(serial=SERIAL, owner="Another"), None, NIGHT),
        (Registered(serial=SERIAL), None, NIGHT),
        (Registered(owner=OWNER), None, NIGHT),
        (KNOWN, None, NIGHT + 400 * DAY),
        (KNOWN, der(holder(issuer=holder("Lab CPO Root", authority=True))), NIGHT),
        (KNOWN, [b"rubbish"], NIGHT),
    ],
    ids=["neighbour", "owner", "owner unknown", "number unknown", "expired", "forged", "unreadable"],
)
def test_whom_the_certificate_does_not_name(known: Registered, chain: list[bytes] | None, at: datetime) -> None:
    """A00.FR.403 to A00.FR.407; a password does not help."""
    assert said(knock("mutual", chain=chain, at=at), known=known) == FORBIDDEN


def test_the_password_is_asked_last() -> None:
    """To try a key at the wrong port proves nothing and ends no older key."""
    asked: list[Any] = []

    def opens(header: str | None, identity: str) -> bool:
        asked.append(identity)
        return True

    for kind, levels in (("plain", Levels(2)), ("mutual", Levels(None))):
        refusal(knock(kind), KNOWN, levels, opens)
    assert asked == []


# Which profiles are taken ---------------------------------------------------------------------------------------------


def test_what_was_seen_to_work_is_kept(tmp_path: Path) -> None:
    """A05.FR.09: over a restart; a lower one is not taken any more, and a newer offer stays."""
    path = str(tmp_path / "ledger.db")
    required = RequiredProfiles({}, ledger := Ledger(path))
    required.offer("CP_1", 2)
    required.offer("CP_1", 3)
    required.connected("CP_1", 1)
    assert required.of("CP_1") == Levels(None, frozenset({2, 3}))
    required.connected("CP_1", 2)
    ledger.close()
    required = RequiredProfiles({}, ledger := Ledger(path))
    assert required.of("CP_1") == Levels(2, frozenset({3}))
    required.refused("CP_1", 3)
    required.set("CP_1", 1)  # the operator himself, and not by OCPP
    assert RequiredProfiles({}, ledger).of("CP_1") == Levels(1)
    ledger.close()


def test_the_registry_demands() -> None:
    registry = {"CP_1": Registered(profile=2)}
    required = RequiredProfiles(registry, Ledger())
    assert required.of("CP_1") == Levels(2) and required.of("CP_2") == Levels()
    required.connected("CP_1", 3)  # it would not have been let in, but what works is known
    registry["CP_1"] = Registered(profile=1)
    assert required.of("CP_1") == Levels(3)


def test_an_offer_is_kept_before_it_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    ledger = Ledger()
    required = RequiredProfiles({}, ledger)
    ledger.before = Failing(1, once=False)
    with pytest.raises(StoreFailed):
        required.offer("CP_1", 2)
    assert required.of("CP_1") == Levels()
    ledger.before = lambda sql: None
    required.offer("CP_1", 2)
    ledger.before = Failing(1, once=False)
    required.connected("CP_1", 2)  # what it has seen counts, whatever the disk does
    assert required.of("CP_1") == Levels(2) and "could not be kept" in caplog.text
