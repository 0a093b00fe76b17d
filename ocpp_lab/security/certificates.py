"""Certificates: whom does one name, and can it be trusted (`trouble`); how is it named by hashes (`hash_data`).

``cryptography`` judges chains and signatures; nothing here does that by hand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import (
    BasicConstraints,
    Certificate,
    ExtensionNotFound,
    Name,
    NameOID,
    ObjectIdentifier,
    SubjectAlternativeName,
    load_der_x509_certificate,
    load_pem_x509_certificates,
)
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from ..messages import CertificateHashDataType
from ..messages.security import HashAlgorithmEnumType

LEAST_RSA_BITS = 2048  # whitepaper A00.FR.502
LEAST_CURVE_BITS = 224  # whitepaper A00.FR.503


def read_certificates(text: str) -> list[Certificate]:
    """The certificates of a PEM text in their order, the leaf first. Raises ValueError if there is none in it."""
    try:
        return load_pem_x509_certificates(text.encode())
    except (ValueError, UnicodeEncodeError) as error:
        raise ValueError(f"expected certificates as PEM text: {error}") from None


def from_der(encoded: Iterable[bytes]) -> list[Certificate]:
    """The same as they are in TLS. Raises ValueError for what is none."""
    return [load_der_x509_certificate(each) for each in encoded]


def trouble(
    chain: Sequence[Certificate],
    roots: Sequence[Certificate],
    *,
    serial: str,
    owners: Collection[str],
    at: datetime,
) -> str | None:
    """Why this chain, the leaf first, does not name the charge point with this serial number; None: it does.

    The first of: *out-of-date* (the leaf, ``at`` this instant), *untrusted* (no path to one of ``roots``), *weak-key*
    (whitepaper A00.FR.501 to A00.FR.503), *wrong-owner* (A00.FR.404) and *wrong-charge-point* (A00.FR.405). The
    whitepaper says "contains"; we demand that there is exactly one name, and that it is equal: SN-10 contains SN-1.
    """
    if not chain:
        return "untrusted"
    leaf = chain[0]
    if not is_valid(leaf, at):
        return "out-of-date"
    if not _path_holds(chain, roots, at, _charge_point_policy()):
        return "untrusted"
    if not has_strong_key(leaf):
        return "weak-key"
    if the(leaf.subject, NameOID.ORGANIZATION_NAME) not in owners:
        return "wrong-owner"
    if the(leaf.subject, NameOID.COMMON_NAME) != serial:
        return "wrong-charge-point"
    return None


def root_trouble(certificate: Certificate, at: datetime, *, signer: Certificate | None = None) -> str | None:
    """Why a root certificate is not installed; None: it may be (M05.FR.06).

    *out-of-date*, *no-authority* (it may sign nothing), *weak-key*, *wrong-signature* (of itself, or of ``signer``, the
    root that it shall replace: M05.FR.09).
    """
    if not is_valid(certificate, at):
        return "out-of-date"
    if not _is_authority(certificate):
        return "no-authority"
    if not has_strong_key(certificate):
        return "weak-key"
    try:
        if signer is not None:
            certificate.verify_directly_issued_by(signer)
        elif certificate.issuer == certificate.subject:
            certificate.verify_directly_issued_by(certificate)
    except Exception:  # a wrong name, an algorithm that nobody knows, a bad signature: each has a class of its own
        return "wrong-signature"
    return None


def is_valid(certificate: Certificate, at: datetime) -> bool:
    """Whether this instant is in its period, first and last second included."""
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def hash_data(
    certificate: Certificate, issuer: Certificate, algorithm: HashAlgorithmEnumType
) -> CertificateHashDataType:
    """How the whitepaper names a certificate (6.1), in lower-case hex; the same three as in OCSP (RFC 6960 4.1.1).

    The issuer's name is hashed as it is written in this certificate, and of the issuer's public key the bits alone,
    without the algorithm around them. The serial number has no leading zeros: the whitepaper is silent about that.
    """
    kind = algorithm.lower()
    return CertificateHashDataType(
        hash_algorithm=algorithm,
        issuer_name_hash=hashlib.new(kind, certificate.issuer.public_bytes()).hexdigest(),
        issuer_key_hash=hashlib.new(kind, _key_bits(issuer)).hexdigest(),
        serial_number=f"{certificate.serial_number:x}",
    )


def the(name: Name, what: ObjectIdentifier) -> str | None:
    """The one value of this kind in a name; None if there is none, or more than one."""
    found = name.get_attributes_for_oid(what)
    value = found[0].value if len(found) == 1 else None
    return value if isinstance(value, str) else None


def path_to_root(leaf: Certificate, roots: Sequence[Certificate], at: datetime) -> bool:
    """Whether one of the roots has signed this certificate itself, whatever it is for."""
    return _path_holds([leaf], roots, at, ExtensionPolicy.permit_all())


def has_strong_key(certificate: Certificate) -> bool:
    """RSA of 2048 bits, or a curve of 224, at least (whitepaper A00.FR.502, A00.FR.503); nothing else."""
    match certificate.public_key():
        case RSAPublicKey() as key:
            return key.key_size >= LEAST_RSA_BITS
        case EllipticCurvePublicKey() as key:
            return key.curve.key_size >= LEAST_CURVE_BITS
    return False


def _charge_point_policy() -> ExtensionPolicy:
    """That of a leaf. The verifier's default wants a subjectAltName, and the whitepaper does not (A00.FR.511)."""
    ee = ExtensionPolicy.webpki_defaults_ee()
    return ee.may_be_present(SubjectAlternativeName, Criticality.AGNOSTIC, None)


def _path_holds(
    chain: Sequence[Certificate], roots: Sequence[Certificate], at: datetime, leaf: ExtensionPolicy
) -> bool:
    if not roots:  # a Store would not have none
        return False
    policy = PolicyBuilder().store(Store(list(roots))).time(at.astimezone(UTC).replace(tzinfo=None))
    policy = policy.extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=leaf)
    try:
        policy.build_client_verifier().verify(chain[0], list(chain[1:]))
    except (VerificationError, ValueError):
        return False
    return True


def _is_authority(certificate: Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except (ExtensionNotFound, ValueError):
        return False


def _key_bits(certificate: Certificate) -> bytes:
    match certificate.public_key():
        case RSAPublicKey() as key:
            return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
        case EllipticCurvePublicKey() as key:
            return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    raise ValueError("expected an issuer with a key of RSA or of an elliptic curve, came another kind")
