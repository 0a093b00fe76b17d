"""`OperatorSession`: the session with one charge point, which heeds what the central system asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..codec import encode_payload
from ..credentials import AUTHORIZATION_KEY
from ..errors import CallTimeout, OcppError
from ..group import durable
from ..messages import (
    ChangeConfigurationRequest,
    ExtendedTriggerMessageRequest,
    Request,
    Response,
    TriggerMessageRequest,
)
from ..security.upgrade import SECURITY_PROFILES
from ..session import Carrying, Session
from .desk import Desk
from .keyring import Keyring
from .order_end import DONE
from .registry import RequiredProfiles

SECURITY_PROFILE = "SecurityProfile"
"""The configuration key of the security profile (whitepaper 7.6)."""

# What a trigger asks for, where it is not called like the request itself (whitepaper 6.14).
TRIGGERS = {
    ("ExtendedTriggerMessage", "SignChargePointCertificate"): "SignCertificate",
    ("ExtendedTriggerMessage", "FirmwareStatusNotification"): "SignedFirmwareStatusNotification",
}


class OperatorSession(Session):
    """The desk is told what was triggered: a Pending charge point may send that, and nothing else.

    A new AuthorizationKey opens the door from now on, if the charge point accepted it (J-spec 6.2.2; J-errata 3.10;
    whitepaper A01.FR.03). A new SecurityProfile is taken beside the old one until it was used, and then alone
    (A05.FR.09).
    """

    def __init__(
        self, transport: Carrying, desk: Desk, keyring: Keyring, required: RequiredProfiles, **options: Any
    ) -> None:
        super().__init__(transport, desk, **options)
        self.desk = desk
        self.keyring = keyring
        self.required = required

    async def call[R: Response](self, request: Request[R], *, timeout: float | None = None) -> R:
        """Send a request and return its response, as `Session.call` does; and heed what it changes at our end.

        Of a handler that has written something: not before that is on the disk. Raises `StoreFailed` if that was
        undone, or if a new AuthorizationKey cannot be kept; then it is not sent.
        """
        await durable()
        if isinstance(request, TriggerMessageRequest | ExtendedTriggerMessageRequest):
            wanted = TRIGGERS.get((request.action, request.requested_message), request.requested_message)
            self.desk.triggered |= {wanted}
        if isinstance(request, ChangeConfigurationRequest) and request.key.lower() == AUTHORIZATION_KEY.lower():
            changed: R = await self._change_key(request, request.value, timeout)
            return changed
        if isinstance(request, ChangeConfigurationRequest) and request.key.lower() == SECURITY_PROFILE.lower():
            upgraded: R = await self._change_profile(request, request.value, timeout)
            return upgraded
        return await super().call(request, timeout=timeout)

    async def _change_profile(self, request: Any, value: str, timeout: float | None) -> Any:
        """As a key: the charge point may dial with the new profile before we hear its answer, or never do."""
        if value not in SECURITY_PROFILES or not self.required.raised_by(self.identity, int(value)):
            return await super().call(request, timeout=timeout)  # it should be refused, and nothing else comes of it
        profile = int(value)

        def heed(response: Any) -> None:
            if response.status not in DONE:
                self.required.refused(self.identity, profile)

        self.required.offer(self.identity, profile)
        return await self._change(request, timeout, heed, lambda: self.required.refused(self.identity, profile))

    async def _change_key(self, request: Any, key: str, timeout: float | None) -> Any:
        """Offered before it is sent, for the charge point may dial with it before we hear its answer, or never do."""
        encode_payload(request)  # what cannot be sent is no key
        if not key:  # it should be refused, and would be an open door (whitepaper A00.FR.205)
            return await super().call(request, timeout=timeout)
        offer = self.keyring.offer(self.identity, key)

        def heed(response: Any) -> None:
            if response.status == "Accepted":
                self.keyring.accepted(self.identity, offer)
            elif response.status not in DONE:  # RebootRequired means: from the dial after that
                self.keyring.refused(self.identity, offer)

        return await self._change(request, timeout, heed, lambda: self.keyring.refused(self.identity, offer))

    async def _change(
        self, request: Any, timeout: float | None, heed: Callable[[Any], None], refused: Callable[[], None]
    ) -> Any:
        """Send it, and heed its answer, also one that comes after its time is up."""
        try:
            response = await super().call(request, timeout=timeout)
        except OcppError as error:
            if error.definite is not False:
                refused()
            if isinstance(error, CallTimeout):
                error.on_late_result(heed)
            raise
        heed(response)
        return response
