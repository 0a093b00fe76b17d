"""The package's own pieces, with the signatures that the exercises promise."""

from __future__ import annotations

from ocpp_lab.frames import CORRECT_ENGLISH, CallError, CallResult
from ocpp_lab.pending import Fate, Pending


class OurPending(Pending):
    """Reads both spellings itself; in the package `decode` has done so before."""

    def settle(self, frame: CallResult | CallError) -> Fate:
        if isinstance(frame, CallError):
            code = CORRECT_ENGLISH.get(frame.code, frame.code)
            frame = CallError(frame.unique_id, code, frame.description, frame.details)
        return super().settle(frame)
