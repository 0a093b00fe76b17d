"""What the central system may do to our certificates (whitepaper A02, M03, M04, M05).

Each is decided by a question or two and written down before it is answered. What cannot be written gets the no that its
response has for that.
"""

from __future__ import annotations

import logging
import ssl as tls
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

from .. import messages as m
from .. import security
from ..errors import OcppError
from ..messages.security import CertificateHashDataType
from .configuration import Configuration
from .gate import Gate
from .or_else import or_else
from .wallet import CENTRAL_SYSTEM, Root, Wallet

log = logging.getLogger(__name__)

A_MONTH = 30 * 86_400.0
"""Seconds before the end of our certificate from which on we ask for another one (whitepaper A03.FR.02)."""

Tell = Callable[[str, str], None]
"""Notes a security event: its type, and what is worth knowing about it."""


class Certificates:
    """``serial`` is our serial number, ``now()`` the trusted time. ``in_use()`` is the root (DER) that the connection
    of this moment was verified with; ``switch(chain)`` is told of a new certificate of our own. ``tell`` notes a
    security event."""

    def __init__(
        self,
        serial: str,
        wallet: Wallet,
        configuration: Configuration,
        gate: Gate,
        *,
        now: Callable[[], datetime],
        in_use: Callable[[], bytes | None],
        switch: Callable[[str], None],
        tell: Tell,
    ) -> None:
        self.serial = serial
        self.wallet = wallet
        self.configuration = configuration
        self.gate = gate
        self.now = now
        self.in_use = in_use
        self.switch = switch
        self.tell = tell

    # -- whom we trust

    @or_else(m.InstallCertificateResponse(status="Failed"))
    async def on_install_certificate(self, request: m.InstallCertificateRequest) -> m.InstallCertificateResponse:
        """Rejected: it is none, it is bad, or there is no room; Failed: our own file failed (whitepaper 6.3)."""
        roots = self.wallet.roots()
        if any(_same(root.pem, request.certificate) for root in roots if root.use == request.certificate_type):
            return m.InstallCertificateResponse(status="Accepted")  # it is there
        replaced = self._replaced(request.certificate_type)
        why = self._trouble(request.certificate, replaced)
        if why is None and replaced is None and len(roots) >= self.configuration.number("CertificateStoreMaxLength"):
            why = "the store is full"
        if why is not None:
            log.warning("! %s was not installed: %s", request.certificate_type, why)
            return m.InstallCertificateResponse(status="Rejected")
        self.wallet.put_root(request.certificate_type, request.certificate, replacing=replaced)
        self.tell("ReconfigurationOfSecurityParameters", f"installed a {request.certificate_type}")
        return m.InstallCertificateResponse(status="Accepted")

    def _replaced(self, use: str) -> Root | None:
        """The root that a new one has to be signed by; None: anybody's is welcome (whitepaper 7.1)."""
        if use != CENTRAL_SYSTEM or not self.configuration.enabled("AdditionalRootCertificateCheck"):
            return None
        return next((root for root in self.wallet.roots(CENTRAL_SYSTEM) if not root.fallback), None)

    def _trouble(self, pem: str, replaced: Root | None) -> str | None:
        try:
            [certificate] = security.read_certificates(pem)
            signer = security.read_certificates(replaced.pem)[0] if replaced else None
        except ValueError as error:
            return str(error)
        return security.root_trouble(certificate, self.now(), signer=signer)

    @or_else(m.DeleteCertificateResponse(status="Failed"))
    async def on_delete_certificate(self, request: m.DeleteCertificateRequest) -> m.DeleteCertificateResponse:
        """Roots only: our own certificate is never deleted so (M04.FR.05), nor a root that is in use (M04.FR.06)."""
        asked = request.certificate_hash_data
        for root in self.wallet.roots():
            if _equal(_hashes(root, asked.hash_algorithm), asked):
                if root.use == CENTRAL_SYSTEM and self.in_use() == _der(root.pem):
                    return m.DeleteCertificateResponse(status="Failed")
                self.wallet.delete_root(root)
                self.tell("ReconfigurationOfSecurityParameters", f"deleted a {root.use}")
                return m.DeleteCertificateResponse(status="Accepted")
        return m.DeleteCertificateResponse(status="NotFound")

    async def on_get_installed_certificate_ids(
        self, request: m.GetInstalledCertificateIdsRequest
    ) -> m.GetInstalledCertificateIdsResponse:
        """The hashes of every root of this kind (M03)."""
        found = [_hashes(root, "SHA256") for root in reversed(self.wallet.roots(request.certificate_type))]
        status: Any = "Accepted" if found else "NotFound"
        return m.GetInstalledCertificateIdsResponse(status=status, certificate_hash_data=found or None)

    # -- who we are

    @or_else(m.CertificateSignedResponse(status="Rejected"))
    async def on_certificate_signed(self, request: m.CertificateSignedRequest) -> m.CertificateSignedResponse:
        """Verified, written down, and used from the beginning of its time on (A02.FR.06 to A02.FR.10)."""
        pair = security.signed(
            request.certificate_chain,
            self.wallet.pending(),
            judge=self._judge,
            now=self.now(),
            max_size=self.configuration.number("CertificateSignedMaxChainSize"),
        )
        if pair is None:
            self.tell("InvalidChargePointCertificate", "CertificateSigned brought one that is not valid, or not ours")
            return m.CertificateSignedResponse(status="Rejected")
        self.wallet.take(pair)
        self.tell("ReconfigurationOfSecurityParameters", "a new certificate of our own")
        self.switch(pair[1])
        return m.CertificateSignedResponse(status="Accepted")

    def _judge(self, chain: list[Any], at: datetime) -> str | None:
        roots = [security.read_certificates(root.pem)[0] for root in self.wallet.roots(CENTRAL_SYSTEM)]
        owners = {self.configuration["CpoName"]}
        why = security.trouble(chain, roots, serial=self.serial, owners=owners, at=at)
        if why:
            log.warning("! a certificate that was signed for us is not taken: %s", why)
        return why

    def can_ask(self) -> bool:
        """CpoName must be set (A02, prerequisites)."""
        return bool(self.configuration["CpoName"])

    async def ask(self) -> None:
        """A fresh key, and the request to have it signed; the key is written down first (A02.FR.02, A02.FR.03)."""
        key, request = security.new_request(self.serial, self.configuration["CpoName"])
        self.wallet.ask(key)
        try:
            response = await self.gate.call(m.SignCertificateRequest(csr=request), triggered=True)
        except OcppError as error:
            if error.definite:
                self.wallet.refused(key)
            raise
        if response.status == "Rejected":
            self.wallet.refused(key)

    def renewal(self) -> Coroutine[Any, Any, None] | None:
        """`ask`, if the newest certificate of our own ends within a month; once for each (A03.FR.02)."""
        own = security.candidates(self.wallet.own(), self.now()) if self.wallet.own() else []
        if not own or not self.can_ask():
            return None
        _, ends = security.validity(own[0][1])
        if (ends - self.now()).total_seconds() > A_MONTH or not self.wallet.ask_to_renew(own[0][1]):
            return None
        return self.ask()


def _hashes(root: Root, algorithm: Any) -> CertificateHashDataType:
    [certificate] = security.read_certificates(root.pem)
    issuer = security.read_certificates(root.signer)[0] if root.signer else certificate
    return security.hash_data(certificate, issuer, algorithm)


def _equal(ours: CertificateHashDataType, asked: CertificateHashDataType) -> bool:
    """Hexadecimal has no case, and a number no leading zeros."""
    hashes = (ours.issuer_name_hash, ours.issuer_key_hash) == (
        asked.issuer_name_hash.lower(),
        asked.issuer_key_hash.lower(),
    )
    return hashes and ours.serial_number == asked.serial_number.lower().lstrip("0")


def _same(ours: str, came: str) -> bool:
    try:
        return security.read_certificates(ours) == security.read_certificates(came)
    except ValueError:
        return False


def _der(pem: str) -> bytes:
    return tls.PEM_cert_to_DER_cert(pem.strip())
