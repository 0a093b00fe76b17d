"""Certificates with one fault each, and the contexts of both ends that use them."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from ocpp_lab.clock import utc_now

SIGNS = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
"""keyCertSign and cRLSign: what an authority is for."""


@dataclass(frozen=True)
class Certified:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Two files, as the command line wants them: certificate and key."""
        own = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        cert, key = folder / f"{name}.pem", folder / f"{name}.key"
        cert.write_bytes(self.pem)
        key.write_bytes(own)
        return cert, key


def certify(
    name: str,
    issuer: Certified | None = None,
    *,
    authority: bool = False,
    key_usage: bool = True,
    key_identifiers: bool = True,
    days: tuple[int, int] = (-1, 10),
    host: str = "127.0.0.1",
) -> Certified:
    """A certificate; without an issuer it is signed by itself. ``days`` from now: valid from, and until."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    signer, now = issuer.key if issuer else key, utc_now()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days[0]))
        .not_valid_after(now + timedelta(days[1]))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    if authority and key_usage:
        builder = builder.add_extension(SIGNS, critical=True)
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([_name(host)]), critical=False)
    if key_identifiers:
        own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        whose = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(own, critical=False).add_extension(whose, critical=False)
    return Certified(builder.sign(signer, hashes.SHA256()), key)


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


@cache
def authority() -> Certified:
    """One without a fault."""
    return certify("the tests' authority", authority=True)


def serving(certified: Certified, folder: Path) -> ssl.SSLContext:
    """The context of a central system with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certified.write(folder, "server"))
    return context


def trusting(*authorities: Certified) -> ssl.SSLContext:
    """The context of a charge point that trusts these, as strict as Python 3.13 is; none: what the system trusts."""
    pem = "".join(each.pem.decode() for each in authorities)
    context = ssl.create_default_context(cadata=pem) if pem else ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context
