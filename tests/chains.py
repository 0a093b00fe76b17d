"""Certificates for every mistake that an end may make: names, keys, times, purposes and issuers as a test wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zlib import crc32

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509 import NameOID, ObjectIdentifier

NIGHT = datetime(2026, 11, 28, 3, 10, tzinfo=UTC)
OWNER, SERIAL = "Lab CPO", "SN-0001"
YEAR = timedelta(365)
DAY = timedelta(1)


@dataclass(frozen=True)
class Holder:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> bytes:
        raw: bytes = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return raw


@cache
def curve_key(number: int) -> ec.EllipticCurvePrivateKey:
    """Always the same one for a number."""
    return ec.derive_private_key(number + 1000, ec.SECP256R1())


@cache
def rsa_key(bits: int = 2048, number: int = 0) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def name(common: str | Sequence[str] = SERIAL, owner: str | Sequence[str] = OWNER) -> x509.Name:
    owners = [owner] if isinstance(owner, str) else owner
    commons = [common] if isinstance(common, str) else common
    parts = [(NameOID.ORGANIZATION_NAME, text) for text in owners] + [(NameOID.COMMON_NAME, text) for text in commons]
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


_made = iter(range(1, 10**9))


def holder(
    subject: x509.Name | str = SERIAL,
    issuer: Holder | None = None,
    *,
    key: Any = None,
    authority: bool = False,
    begins: datetime = NIGHT - DAY,
    ends: datetime = NIGHT + YEAR,
    purposes: Sequence[ObjectIdentifier] = (),
    names: Sequence[x509.GeneralName] = (),
    serial: int | None = None,
    issuer_name: x509.Name | None = None,
    usage: bool = True,
) -> Holder:
    """A certificate; without an issuer it has signed itself."""
    key = key or curve_key(next(_made))
    subject = name(subject) if isinstance(subject, str) else subject
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name or (issuer.certificate.subject if issuer else subject))
        .public_key(key.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if issuer:
        whose = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(whose, critical=False)
    if authority and usage:
        may = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(may, critical=True)
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(purposes)), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
    return Holder(builder.sign(signer, hashes.SHA256()), key)


@cache
def root(common: str = "Lab CPO Root", owner: str = OWNER) -> Holder:
    """The operator's, unless it is called otherwise."""
    return holder(
        name(common, owner),
        key=curve_key(2**32 + crc32(f"{common},{owner}".encode())),
        authority=True,
        ends=NIGHT + 10 * YEAR,
    )


def certificates(*holders: Holder) -> list[x509.Certificate]:
    return [each.certificate for each in holders]
