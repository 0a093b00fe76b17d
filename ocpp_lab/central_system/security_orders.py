"""`SecurityOrders`: keys, certificates and security profiles of charge points (whitepaper 5)."""

from __future__ import annotations

from .. import messages as m
from ..credentials import AUTHORIZATION_KEY
from ..errors import CallFailed, Forbidden
from .operator_session import SECURITY_PROFILE
from .order_end import OrderEnd
from .ordering import Ordering, check_key
from .orders import Settle
from .signing import Signs

BEGINS, ENDS = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class SecurityOrders(Ordering):
    """What was installed is in the book of `Records.roots`; what was signed in `Ledger.certificates`."""

    @property
    def authority(self) -> Signs | None:
        """Who signs the certificates of charge points: the operator's own. None: nobody."""
        return self._signing.authority

    @authority.setter
    def authority(self, authority: Signs | None) -> None:
        self._signing.authority = authority

    # -- keys and profiles

    async def change_key(self, identity: str, key: str) -> m.ChangeConfigurationResponse:
        """Give it a new AuthorizationKey: 32 to 40 hex digits (whitepaper A00.FR.205).

        It opens the door from the sending on; the old one until the new one is proved (`Keyring`). It is in no record.
        Raises `Forbidden` for another one.
        """
        check_key(key)
        return await self._orders.send(identity, m.ChangeConfigurationRequest(key=AUTHORIZATION_KEY, value=key))

    async def upgrade_security(self, identity: str, profile: int) -> m.ChangeConfigurationResponse:
        """Have it dial by a higher security profile from now on (whitepaper A05).

        Raises `Forbidden` for one that is not higher than what it has to use now (A05.FR.01), and for 2 or 3 if it has
        no root certificate to know us by (A05.FR.03). Whether it has what else it needs, only it knows.
        """
        have = self._required.least(identity)
        if not have < profile <= 3:
            raise Forbidden(f"expected a security profile from {have + 1} to 3, came {profile} (whitepaper A05.FR.01)")
        if profile > 1 and not await self._trusts_somebody(identity):
            raise Forbidden(f"{identity} has no CentralSystemRootCertificate: install one first (whitepaper A05.FR.03)")

        return await self._orders.send(identity, m.ChangeConfigurationRequest(key=SECURITY_PROFILE, value=str(profile)))

    async def _trusts_somebody(self, identity: str) -> bool:
        kind: m.CertificateUseEnumType = "CentralSystemRootCertificate"
        if self._records.roots.held(identity, kind):
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

        def settle(outcome: OrderEnd) -> None:
            if outcome.done is not False:  # or nobody can know
                self._records.roots.doubt(identity)

        return await self._orders.send(
            identity, m.DeleteCertificateRequest(certificate_hash_data=named), lambda: settle
        )

    async def sign(self, identity: str, csr: str) -> m.CertificateSignedResponse:
        """Have this request (PEM) of its own signed, and send the certificate (whitepaper 5.1). Raises `Forbidden` if
        it is not signed."""
        try:
            chain = self._signing.make(identity, csr)
        except ValueError as error:
            raise Forbidden(f"{identity}: {error} (whitepaper A02.FR.12)") from error

        def ask() -> Settle:
            number = self._ledger.keep_certificate(identity, chain, self._now())
            return lambda outcome: self._ledger.certificate_answered(number, outcome.said)

        return await self._orders.send(identity, m.CertificateSignedRequest(certificate_chain=chain), ask)

    def _kept(self, identity: str, kind: str, pem: str) -> Settle:
        number = self._records.roots.ask(identity, kind, pem, self._now())
        return lambda outcome: self._records.roots.settle(number, outcome)
