"""A new certificate: asked for, recognised by its key, judged, and used in its time (whitepaper A02); who signs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from ocpp_lab import security
from ocpp_lab.security.authority import Authority, read_request
from tests.chains import DAY, NIGHT, OWNER, SERIAL, YEAR, root, rsa_key

AUTHORITY = Authority.create(OWNER, now=lambda: NIGHT)


def judge(chain: list[x509.Certificate], at: datetime) -> str | None:
    roots = security.read_certificates(AUTHORITY.root)
    return security.trouble(chain, roots, serial=SERIAL, owners={OWNER}, at=at)


def found(text: str, *pending: bytes, now: datetime = NIGHT, **options: Any) -> security.KeyAndChain | None:
    return security.signed(text, list(pending), judge=judge, now=now, **options)


def spki(holder: Any) -> bytes:
    raw: bytes = holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return raw


def test_a_request() -> None:
    """A02.FR.02, A02.FR.13: a fresh key, CN the serial number, O the owner; the key is not in it."""
    key, text = security.new_request(SERIAL, "Stromnetz Zürich")
    request = x509.load_pem_x509_csr(text.encode())
    assert request.is_signature_valid and spki(request) == spki(load_pem_private_key(key, None))
    assert [(part.oid, part.value) for part in request.subject] == [
        (NameOID.ORGANIZATION_NAME, "Stromnetz Zürich"),
        (NameOID.COMMON_NAME, SERIAL),
    ]
    assert "PRIVATE" not in text and len(text) < 5500
    assert security.new_request(SERIAL, OWNER)[0] != security.new_request(SERIAL, OWNER)[0]


@pytest.mark.parametrize(("serial", "owner"), [(SERIAL, ""), ("", OWNER), (SERIAL, "x" * 65)])
def test_a_request_without_a_name(serial: str, owner: str) -> None:
    with pytest.raises(ValueError):
        security.new_request(serial, owner)


def test_it_belongs_to_the_key_that_asked() -> None:
    """Not to the newest, and to nobody by its name."""
    (first, asked), (second, _), (_, foreign) = (security.new_request(SERIAL, OWNER) for _ in range(3))
    chain = AUTHORITY.sign(asked)
    assert found(chain, first, second) == found(chain, second, first) == (first, chain)
    assert found(AUTHORITY.sign(foreign), first, second) is None
    assert found(chain) is None


def test_from_next_week_on_is_valid() -> None:
    """A02.FR.08: it is judged at the beginning of its time, and used then."""
    key, asked = security.new_request(SERIAL, OWNER)
    chain = AUTHORITY.sign(asked, begins=NIGHT + 7 * DAY)
    assert found(chain, key) == (key, chain)
    assert found(chain, key, now=NIGHT + 2 * YEAR) is None


def test_it_is_judged() -> None:
    """A02.FR.06: under our root, for us; what the judge finds is a no."""
    key, asked = security.new_request("SN-0002", OWNER)
    assert found(AUTHORITY.sign(asked), key) is None
    key, asked = security.new_request(SERIAL, OWNER)
    assert found(Authority.create(OWNER, now=lambda: NIGHT).sign(asked), key) is None


def test_what_is_too_long_or_unreadable() -> None:
    """Whitepaper 7.3: CertificateSignedMaxChainSize."""
    key, asked = security.new_request(SERIAL, OWNER)
    chain = AUTHORITY.sign(asked)
    assert found(chain, key, max_size=len(chain)) and not found(chain, key, max_size=len(chain) - 1)
    for text in ("", "-----BEGIN", chain[:-50], "\ud800", "x" * 20_000, chain.replace("M", "N", 3)):
        assert found(text, key) is None


def test_the_order_of_dialling() -> None:
    """A02.FR.08 to A02.FR.10: valid now, the newest start first."""
    pairs = []
    for begins, days in ((-30, 60.0), (-10, 60.0), (7, 60.0), (-400, 30.0)):
        key, asked = security.new_request(SERIAL, OWNER)
        pairs.append((key, AUTHORITY.sign(asked, days=days, begins=NIGHT + begins * DAY)))
    old, new, coming, _ = pairs
    assert security.candidates(pairs, NIGHT) == [new, old]
    assert security.candidates(pairs, NIGHT + 8 * DAY) == [coming, new, old]
    assert security.candidates(pairs, datetime(1970, 1, 1, tzinfo=UTC)) == []
    assert security.validity(coming[1])[0] == NIGHT + 7 * DAY - timedelta(minutes=5)


# Who signs it ---------------------------------------------------------------------------------------------------------


def test_an_authority_signs_what_is_asked_and_nothing_more() -> None:
    """What it signs is a charge point's: it may sign nobody itself, and its root verifies it."""
    _, asked = security.new_request(SERIAL, OWNER)
    [leaf] = security.read_certificates(AUTHORITY.sign(asked))
    assert judge([leaf], NIGHT) is None
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not leaf.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    again = Authority(AUTHORITY.key, AUTHORITY.chain, now=lambda: NIGHT)
    assert judge(security.read_certificates(again.sign(asked)), NIGHT) is None


def test_an_authority_signs_no_weak_key() -> None:
    weak: rsa.RSAPrivateKey = rsa_key(1024)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, SERIAL)])
    from cryptography.hazmat.primitives.hashes import SHA256

    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(weak, SHA256())
    with pytest.raises(ValueError, match="expected a key of at least 2048 bits"):
        AUTHORITY.sign(request.public_bytes(Encoding.PEM).decode())


def test_a_request_that_somebody_changed() -> None:
    """Its own key has signed it: who has not the key cannot have another name put on it."""
    _, asked = security.new_request(SERIAL, OWNER)
    raw = bytearray(x509.load_pem_x509_csr(asked.encode()).public_bytes(Encoding.DER))
    raw[raw.index(SERIAL.encode()) + 6] ^= 1
    forged = x509.load_der_x509_csr(bytes(raw)).public_bytes(Encoding.PEM).decode()
    for text in (forged, "", root().pem):
        with pytest.raises(ValueError, match=r"expected a (certificate signing )?request"):
            read_request(text)
    assert security.request_trouble(forged, serial=SERIAL, owner=OWNER) == "unreadable"


def test_whose_request_it_is() -> None:
    _, asked = security.new_request(SERIAL, OWNER)
    assert security.request_trouble(asked, serial=SERIAL, owner=OWNER) is None
    assert security.request_trouble(asked, serial="SN-0002", owner=OWNER) == "wrong-charge-point"
    assert security.request_trouble(asked, serial=SERIAL, owner="Maker") == "wrong-owner"


def test_a_new_root_is_signed_by_the_old() -> None:
    """M05.FR.09."""
    [old], [new] = (security.read_certificates(each.root) for each in (AUTHORITY, AUTHORITY.successor()))
    assert security.root_trouble(new, NIGHT, signer=old) is None
