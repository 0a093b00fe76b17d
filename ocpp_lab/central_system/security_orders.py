"""`SecurityOrders`: keys, certificates and security profiles of charge points (whitepaper 5)."""

from __future__ import annotations

import logging
import string
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from .. import messages as m
from ..credentials import AUTHORIZATION_KEY
from ..errors import CallFailed, Forbidden, OcppError
from .certificate_book import REQUEST, SIGNED
from .order_end import OrderEnd
from .ordering import Ordering
from .orders import Settle

log = logging.getLogger(__name__)

SECURITY_PROFILE = "SecurityProfile"
BEGINS, ENDS = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class Certifying(Protocol):
    """A certificate authority, as the operator needs it."""

    def sign(self, request: str) -> str:
        """The certificate chain (PEM) for a certificate signing request (PEM).

        Raises ValueError for a request that it does not sign: a weak key, a signature that does not fit.
        """


class SecurityOrders(Ordering):
    """What was installed and signed is in the book of `Records.certificates`."""

    authority: Certifying | None = None
    """Who signs the certificates of charge points; the operator's own. None: nobody."""
    vouch: Callable[[str, str], str | None] | None = None
    """Says of identity and request why that is not this charge point's own, or None: whoever knows the serial numbers.
    While nobody does, nothing is signed: one charge point could ask for the certificate of another."""

    # -- keys and profiles

    async def change_key(self, identity: str, key: str) -> m.ChangeConfigurationResponse:
        """Give it a new AuthorizationKey: 32 to 40 hex digits (whitepaper A00.FR.205).

        It opens the door from the sending on; the old one until the new one is proved (`Keyring`). It is in no record.
        Raises `Forbidden` for another one.
        """
        if not (32 <= len(key) <= 40 and len(key) % 2 == 0 and set(key) <= set(string.hexdigits)):
            came = f"{len(key)} characters"
            raise Forbidden(f"expected 16 to 20 bytes as 32 to 40 hex digits, came {came} (whitepaper A00.FR.205)")
        return await self._orders.send(identity, m.ChangeConfigurationRequest(key=AUTHORIZATION_KEY, value=key))

    async def upgrade_security(self, identity: str, profile: int) -> m.ChangeConfigurationResponse:
        """Have it dial by a higher security profile from now on (whitepaper A05).

        Raises `Forbidden` for one that is not higher than what it accepted last (A05.FR.01), and for 2 or 3 if it has
        no root certificate to know us by (A05.FR.03). Whether it has what else it needs, only it knows.
        """
        have = self._records.security_profile(identity)
        if not have < profile <= 3:
            raise Forbidden(f"expected a security profile from {have + 1} to 3, came {profile} (whitepaper A05.FR.01)")
        if profile > 1 and not await self._trusts_somebody(identity):
            raise Forbidden(f"{identity} has no CentralSystemRootCertificate: install one first (whitepaper A05.FR.03)")

        def settle(outcome: OrderEnd) -> None:
            if outcome.done:
                self._records.keep_security_profile(identity, profile, self._now())

        request = m.ChangeConfigurationRequest(key=SECURITY_PROFILE, value=str(profile))
        return await self._orders.send(identity, request, lambda: settle)

    async def _trusts_somebody(self, identity: str) -> bool:
        kind: m.CertificateUseEnumType = "CentralSystemRootCertificate"
        if self._records.certificates.held(identity, kind):
            return True
        try:
            return (await self.installed_certificates(identity, kind)).status == "Accepted"
        except CallFailed:  # it does not say; it knows best, and rejects what it cannot do
            return True

    # -- certificates

    async def install_certificate(
        self, identity: str, kind: m.CertificateUseEnumType, pem: str
    ) -> m.InstallCertificateResponse:
        """Have it trust this root certificate, one in PEM (whitepaper 5.11). Raises `Forbidden` for anything else."""
        text = pem.strip()
        if text.count(BEGINS) != 1 or not (text.startswith(BEGINS) and text.endswith(ENDS)):
            raise Forbidden("expected one certificate in PEM, from its BEGIN to its END (whitepaper 5.11)")
        request = m.InstallCertificateRequest(certificate_type=kind, certificate=pem)
        return await self._orders.send(identity, request, lambda: self._kept(identity, kind, pem))

    async def installed_certificates(
        self, identity: str, kind: m.CertificateUseEnumType
    ) -> m.GetInstalledCertificateIdsResponse:
        """Ask which root certificates of this kind it has (whitepaper 5.7)."""
        return await self._orders.send(identity, m.GetInstalledCertificateIdsRequest(certificate_type=kind))

    async def delete_certificate(self, identity: str, named: m.CertificateHashDataType) -> m.DeleteCertificateResponse:
        """Have it forget a root certificate, named as it named it itself (whitepaper 5.3, M04.FR.07)."""
        return await self._orders.send(identity, m.DeleteCertificateRequest(certificate_hash_data=named))

    async def sign(self, identity: str, csr: str) -> m.CertificateSignedResponse:
        """Sign this request and send the certificate (whitepaper 5.1). Raises `Forbidden` if nobody signs it."""
        chain = self._signed(identity, csr)
        if chain is None:
            raise Forbidden(f"{identity}: expected a request that our authority signs (whitepaper A02.FR.12)")
        return await self._bring(identity, chain)

    def certify(self, identity: str, csr: str) -> Coroutine[Any, Any, None] | None:
        """A charge point asks for a certificate: what brings it, to be run after the answer; None: it gets none."""
        chain = self._signed(identity, csr)
        return None if chain is None else self._bring_quietly(identity, chain)

    def _signed(self, identity: str, csr: str) -> str | None:
        number = self._records.certificates.ask(identity, REQUEST, csr, self._now())
        chain, trouble = self._judge(identity, csr)
        if trouble:
            log.warning("! %s: a certificate signing request was refused: %s", identity, trouble)
        self._records.certificates.mark(number, "signed" if chain else "refused")
        return chain

    def _judge(self, identity: str, csr: str) -> tuple[str | None, str | None]:
        """The chain, or what is wrong."""
        if self.authority is None or self.vouch is None:
            return None, "nobody signs here"
        try:
            trouble = self.vouch(identity, csr)
            return (None, trouble) if trouble else (self.authority.sign(csr), None)
        except ValueError as error:
            return None, str(error)

    async def _bring_quietly(self, identity: str, chain: str) -> None:
        try:
            await self._bring(identity, chain)
        except OcppError as error:
            log.warning("! %s: its certificate could not be brought: %s", identity, error)

    async def _bring(self, identity: str, chain: str) -> m.CertificateSignedResponse:
        request = m.CertificateSignedRequest(certificate_chain=chain)
        return await self._orders.send(identity, request, lambda: self._kept(identity, SIGNED, chain))

    def _kept(self, identity: str, kind: str, pem: str) -> Settle:
        number = self._records.certificates.ask(identity, kind, pem, self._now())
        return lambda outcome: self._records.certificates.settle(number, outcome)
