"""`trouble`, `root_trouble` and `hash_data`: whom does a certificate name, who signed it, and what is it called?"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ocpp_lab import security
from ocpp_lab.security.certificates import read_certificates
from tests.chains import DAY, NIGHT, OWNER, SERIAL, YEAR, Holder, certificates, holder, name, root, rsa_key

ROOT = root()
SECOND = timedelta(seconds=1)


def judged(*chain: Holder, roots: tuple[Holder, ...] = (ROOT,), at: datetime = NIGHT, **asked: Any) -> str | None:
    wanted = {"serial": SERIAL, "owners": {OWNER}, **asked}
    return security.trouble(certificates(*chain), certificates(*roots), at=at, **wanted)


# Whom does it name? ---------------------------------------------------------------------------------------------------


def test_a_certificate_of_its_own() -> None:
    """Whitepaper A00.FR.404, A00.FR.405: under our root, of our owner, for this serial number; also with a sub-CA."""
    sub = holder("Sub", ROOT, authority=True)
    assert judged(holder(issuer=ROOT)) is None
    assert judged(holder(issuer=ROOT, purposes=[ExtendedKeyUsageOID.CLIENT_AUTH])) is None
    assert judged(holder(issuer=ROOT, key=rsa_key())) is None
    assert judged(holder(issuer=sub), sub) is None
    assert judged(holder(issuer=sub)) == "untrusted"
    zurich = holder(name(SERIAL, "Stromnetz Zürich"), ROOT)
    assert judged(zurich, owners={"Stromnetz Zürich", OWNER}) is None


def test_a_name_is_no_signature() -> None:
    forged = holder(name("Lab CPO Root"), authority=True)
    assert forged.certificate.subject == ROOT.certificate.subject
    assert judged(holder(issuer=forged)) == "untrusted"
    assert judged(holder(issuer=forged), forged) == "untrusted"
    assert judged() == judged(holder(issuer=ROOT), roots=()) == "untrusted"


def test_a_leaf_is_no_authority() -> None:
    """A certificate of a charge point that has signed another: each signature is good."""
    neighbour = holder("SN-0002", ROOT)
    assert judged(holder(issuer=neighbour), neighbour) == "untrusted"


def test_a_central_system_is_no_charge_point() -> None:
    assert judged(holder(issuer=ROOT, purposes=[ExtendedKeyUsageOID.SERVER_AUTH])) == "untrusted"


def test_the_maker_is_not_the_operator() -> None:
    """Two hierarchies (whitepaper 2.6.2): the manufacturer's opens no door unless the operator trusts it."""
    maker = root("Maker Root", "Maker")
    assert judged(holder(issuer=maker)) == "untrusted"
    assert judged(holder(issuer=maker), roots=(ROOT, maker)) is None


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        (name("SN-00010"), "wrong-charge-point"),
        (name("SN-0002"), "wrong-charge-point"),
        (name("sn-0001"), "wrong-charge-point"),
        (name([SERIAL, "SN-0002"]), "wrong-charge-point"),
        (name(["SN-0002", SERIAL]), "wrong-charge-point"),
        (name([]), "wrong-charge-point"),
        (name(SERIAL, "Not Lab CPO"), "wrong-owner"),
        (name(SERIAL, "Lab"), "wrong-owner"),
        (name(SERIAL, []), "wrong-owner"),
        (name(SERIAL, [OWNER, "Evil"]), "wrong-owner"),
        (name("SN-0002", "Evil"), "wrong-owner"),
        (name(["x"], ["Evil,CN=SN-0001,O=Lab CPO"]), "wrong-owner"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.rfc4514_string(),
)
def test_equals_and_not_contains(subject: x509.Name, why: str) -> None:
    assert judged(holder(subject, ROOT)) == why


def test_the_date_is_what_we_are_told() -> None:
    """First and last second are in; the root's time counts too."""
    own = holder(issuer=root("Long", OWNER), begins=NIGHT, ends=NIGHT + DAY)
    roots = (root("Long", OWNER),)
    for at, why in (
        (datetime(1970, 1, 1, tzinfo=UTC), "out-of-date"),
        (NIGHT - SECOND, "out-of-date"),
        (NIGHT, None),
        (NIGHT + DAY, None),
        (NIGHT + DAY + SECOND, "out-of-date"),
        (datetime(2099, 1, 1, tzinfo=UTC), "out-of-date"),
    ):
        assert judged(own, roots=roots, at=at) == why, at
    old = holder(name("Old"), authority=True, begins=NIGHT - 9 * DAY, ends=NIGHT - DAY)
    assert judged(holder(issuer=old), roots=(old,)) == "untrusted"
    elsewhere = NIGHT.astimezone(tz=datetime.fromisoformat("2026-01-01T00:00:00-09:00").tzinfo)
    assert judged(own, roots=roots, at=elsewhere) is None


@pytest.mark.parametrize(
    "key", [rsa_key(1024), ec.generate_private_key(ec.SECP192R1()), ed25519.Ed25519PrivateKey.generate()], ids=repr
)
def test_a_weak_key(key: Any) -> None:
    """Whitepaper A00.FR.501 to A00.FR.503: RSA of 2048 bits, curves of 224; another kind is none of these."""
    assert judged(holder(issuer=ROOT, key=key)) == "weak-key"


def test_the_first_trouble_is_told() -> None:
    forged, weak = holder(name("Lab CPO Root"), authority=True), rsa_key(1024)
    late = {"begins": NIGHT - 9 * DAY, "ends": NIGHT - DAY}
    assert judged(holder("SN-0002", forged, key=weak, **late)) == "out-of-date"
    assert judged(holder("SN-0002", forged, key=weak)) == "untrusted"
    assert judged(holder(name("SN-0002", "Evil"), ROOT, key=weak)) == "weak-key"


# A root that comes ----------------------------------------------------------------------------------------------------


def test_which_root_is_installed() -> None:
    """M05.FR.06, M05.FR.09: valid, an authority, signed by itself or by the one that it replaces."""
    now = ROOT.certificate
    successor = holder(name("Lab CPO Root 2"), ROOT, authority=True)
    other = holder(name("Other"), authority=True)
    assert security.root_trouble(now, NIGHT) is None
    assert security.root_trouble(successor.certificate, NIGHT, signer=now) is None
    assert security.root_trouble(other.certificate, NIGHT, signer=now) == "wrong-signature"
    assert security.root_trouble(now, NIGHT + 11 * YEAR) == "out-of-date"
    assert security.root_trouble(holder().certificate, NIGHT) == "no-authority"
    forged = holder(name("Lab CPO Root"), holder(name("Lab CPO Root"), authority=True), authority=True)
    assert security.root_trouble(forged.certificate, NIGHT) == "wrong-signature"


# What is it called? ---------------------------------------------------------------------------------------------------


def der_oracle(certificate: x509.Certificate, issuer: x509.Certificate, algorithm: str) -> tuple[str, str, str]:
    """By hand: tag, length, value."""

    def part(data: bytes, at: int) -> tuple[int, int, int]:
        length, start = data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, start = int.from_bytes(data[start : start + size], "big"), start + size
        return data[at], start, start + length

    spki = issuer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    _, inside, _ = part(spki, 0)
    _, _, after = part(spki, inside)
    tag, bits, end = part(spki, after)
    assert tag == 3
    whole = certificate.public_bytes(Encoding.DER)
    _, start, _ = part(whole, 0)
    _, start, _ = part(whole, start)
    _, _, start = part(whole, start)  # the version
    _, serial, start = part(whole, start)
    number = int.from_bytes(whole[serial:start], "big")
    _, _, start = part(whole, start)  # the algorithm of the signature
    _, _, stop = part(whole, start)
    digests = [hashlib.new(algorithm.lower(), data).hexdigest() for data in (whole[start:stop], spki[bits + 1 : end])]
    return digests[0], digests[1], f"{number:x}"


@pytest.mark.parametrize("algorithm", ["SHA256", "SHA384", "SHA512"])
@pytest.mark.parametrize("kind", ["curve", "rsa"])
def test_hashes_are_what_anyone_computes(kind: str, algorithm: Any) -> None:
    """Whitepaper 6.1; RFC 6960 4.1.1: roots and what is under them, serial numbers of 5 bits and of 20 bytes."""
    top = ROOT if kind == "curve" else holder(name("RSA Root"), key=rsa_key(), authority=True)
    for certified, issuer in (
        (top, top),
        (holder("Sub", top, authority=True, serial=0x00A1B2C3), top),
        (holder(issuer=top, serial=5), top),
        (holder(issuer=top, serial=2**158 + 1), top),
    ):
        found = security.hash_data(certified.certificate, issuer.certificate, algorithm)
        assert found.hash_algorithm == algorithm
        assert (found.issuer_name_hash, found.issuer_key_hash, found.serial_number) == der_oracle(
            certified.certificate, issuer.certificate, algorithm
        )


def test_the_name_as_it_is_written() -> None:
    """Equal names, other bytes: the certificate's own are hashed."""
    kinds = [_ASN1Type.PrintableString, _ASN1Type.UTF8String]
    printable, utf8 = (x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Lab CPO", kind)]) for kind in kinds)
    top = holder(printable, authority=True)
    certified = holder(issuer=top, issuer_name=utf8)
    assert certified.certificate.issuer == top.certificate.subject
    found = security.hash_data(certified.certificate, top.certificate, "SHA256")
    assert found.issuer_name_hash == der_oracle(certified.certificate, top.certificate, "SHA256")[0]
    assert found.issuer_name_hash != hashlib.sha256(top.certificate.subject.public_bytes()).hexdigest()


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl command")
def test_openssl_computes_the_same(tmp_path: Path) -> None:
    sub = holder("Sub", ROOT, authority=True, serial=0xABC)
    (tmp_path / "root.pem").write_text(ROOT.pem)
    (tmp_path / "sub.pem").write_text(sub.pem)
    command = ["openssl", "ocsp", "-sha256", "-issuer", "root.pem", "-cert", "sub.pem", "-reqout", "out", "-text"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout
    values = {
        key.strip(): value.strip().lower() for key, _, value in (line.partition(":") for line in said.splitlines())
    }
    found = security.hash_data(sub.certificate, ROOT.certificate, "SHA256")
    assert values["Issuer Name Hash"] == found.issuer_name_hash
    assert values["Issuer Key Hash"] == found.issuer_key_hash
    assert values["Serial Number"].lstrip("0") == found.serial_number


@pytest.mark.parametrize(
    "text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----", "\ud800"]
)
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected certificates as PEM text"):
        read_certificates(text)
