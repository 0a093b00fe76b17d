"""`VendorMessages`: what is in no profile, and a vendor has agreed on with itself (core 3.12, 4.3, 5.6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from .. import messages as m
from .options import VendorAnswer


class VendorMessages:
    """``vendors`` answer by vendorId, which is compared as it is spelt; ``call`` sends."""

    def __init__(self, vendors: Mapping[str, VendorAnswer], call: Callable[[Any], Awaitable[Any]]) -> None:
        self.vendors = dict(vendors)
        """May be changed at any time."""
        self.call = call

    async def on_data_transfer(self, request: m.DataTransferRequest) -> m.DataTransferResponse:
        """What the vendor says; UnknownVendorId if there is none (core 5.6)."""
        answer = self.vendors.get(request.vendor_id)
        return answer(request) if answer else m.DataTransferResponse(status="UnknownVendorId")

    async def send(self, vendor: str, message: str | None = None, data: str | None = None) -> m.DataTransferResponse:
        """Send a vendor's own message (core 4.3); raises what `Gate.call` does."""
        response: m.DataTransferResponse = await self.call(
            m.DataTransferRequest(vendor_id=vendor, message_id=message, data=data)
        )
        return response
