"""`Authority`: signs the certificates of charge points and central systems; it belongs to the operator (2.6.2).

Whose certificate it signs is not decided here: whoever asks has looked at who is asking (`central_system.signing`).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509 import (
    AuthorityKeyIdentifier,
    BasicConstraints,
    Certificate,
    CertificateBuilder,
    CertificateSigningRequest,
    DNSName,
    GeneralName,
    IPAddress,
    KeyUsage,
    Name,
    NameAttribute,
    NameOID,
    SubjectAlternativeName,
    SubjectKeyIdentifier,
    load_pem_x509_csr,
    random_serial_number,
)

from .certificates import has_strong_key, read_certificates, the
from .contexts import KeyAndChain

A_YEAR = 365.0  # days
MINUTES_BACK = timedelta(minutes=5)
"""A certificate begins so much earlier than we signed it: the other end's clock may be a little slow."""


class Authority:
    """``key`` and ``chain`` are PEM; the chain's first certificate is ours, and the root is the last. ``now()`` is an
    aware datetime. Raises ValueError for what is neither."""

    def __init__(self, key: bytes, chain: str, *, now: Callable[[], datetime]) -> None:
        self.chain = chain
        self._key: Any = load_pem_private_key(key, None)
        self._own = read_certificates(chain)[0]
        self._now = now
        self.key = key
        """Our private key, as PEM: guard it well (whitepaper A00.FR.602)."""

    @classmethod
    def create(
        cls, owner: str, *, now: Callable[[], datetime], name: str = "Root", days: float = 10 * A_YEAR
    ) -> Authority:
        """A new one, which has signed itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(owner, f"{owner} {name}")
        certificate = _certificate(subject, subject, key.public_key(), key, now(), days, authority=True)
        return cls(_pem(key), _text(certificate), now=now)

    @property
    def root(self) -> str:
        """The root certificate, as PEM: what others have to trust."""
        return _text(read_certificates(self.chain)[-1])

    def successor(self, *, name: str = "Root 2", days: float = 10 * A_YEAR) -> Authority:
        """A new root, signed by this one, which it shall replace (whitepaper M05.FR.09)."""
        key = ec.generate_private_key(ec.SECP256R1())
        owner = the(self._own.subject, NameOID.ORGANIZATION_NAME) or ""
        subject = _name(owner, f"{owner} {name}")
        return Authority(_pem(key), _text(self._made(subject, key.public_key(), days, authority=True)), now=self._now)

    def sign(self, request: str, *, days: float = A_YEAR, begins: datetime | None = None) -> str:
        """The chain for a certificate signing request (PEM), the leaf first; the root is left out, everybody has it.

        Raises ValueError if the request is none, or its key is too weak.
        """
        asked = read_request(request)
        certificate = self._made(asked.subject, asked.public_key(), days, begins=begins)
        if not has_strong_key(certificate):
            raise ValueError("expected a key of at least 2048 bits (RSA) or 224 (elliptic curve), came a weaker one")
        between = read_certificates(self.chain)
        return _text(certificate) + "".join(_text(each) for each in between if each.issuer != each.subject)

    def certify(self, owner: str, host: str, *, days: float = 1.0, begins: datetime | None = None) -> KeyAndChain:
        """Key and chain of a central system: CN is its name (whitepaper A00.FR.510); fast to expire (A00.FR.701)."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = SubjectAlternativeName([_general(host)])
        leaf = self._made(_name(owner, host), key.public_key(), days, begins=begins, also=names)
        between = read_certificates(self.chain)
        return _pem(key), _text(leaf) + "".join(_text(each) for each in between if each.issuer != each.subject)

    def _made(
        self,
        subject: Name,
        public: Any,
        days: float,
        *,
        authority: bool = False,
        begins: datetime | None = None,
        also: SubjectAlternativeName | None = None,
    ) -> Certificate:
        start = begins or self._now()
        return _certificate(self._own.subject, subject, public, self._key, start, days, authority=authority, also=also)


def read_request(text: str) -> CertificateSigningRequest:
    """A certificate signing request whose sender has its key. Raises ValueError for anything else."""
    try:
        request = load_pem_x509_csr(text.encode())
    except (ValueError, UnicodeEncodeError) as error:
        raise ValueError(f"expected a certificate signing request as PEM text: {error}") from None
    if not request.is_signature_valid:
        raise ValueError("expected a request that is signed with its own key, came one that is not")
    return request


def request_trouble(text: str, *, serial: str, owner: str) -> str | None:
    """Why a request (PEM) is not this charge point's: *unreadable*, *wrong-owner* or *wrong-charge-point*."""
    try:
        subject = read_request(text).subject
    except ValueError:
        return "unreadable"
    if the(subject, NameOID.ORGANIZATION_NAME) != owner:
        return "wrong-owner"
    return None if the(subject, NameOID.COMMON_NAME) == serial else "wrong-charge-point"


def _certificate(
    issuer: Name,
    subject: Name,
    public: Any,
    signer: Any,
    start: datetime,
    days: float,
    *,
    authority: bool = False,
    also: SubjectAlternativeName | None = None,
) -> Certificate:
    builder = (
        CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(random_serial_number())
        .not_valid_before(start - MINUTES_BACK)
        .not_valid_after(start + timedelta(days))
        .add_extension(BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(_usage(authority), critical=True)
        .add_extension(SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if also is not None:
        builder = builder.add_extension(also, critical=False)
    return builder.sign(signer, hashes.SHA256())


def _usage(authority: bool) -> KeyUsage:
    """For what the key is (whitepaper A00.FR.512); without keyCertSign, Python 3.13 trusts no authority."""
    return KeyUsage(not authority, False, not authority, False, False, authority, authority, False, False)


def _name(owner: str, common: str) -> Name:
    return Name([NameAttribute(NameOID.ORGANIZATION_NAME, owner), NameAttribute(NameOID.COMMON_NAME, common)])


def _general(host: str) -> GeneralName:
    try:
        return IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return DNSName(host)


def _pem(key: Any) -> bytes:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


def _text(certificate: Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
