"""Files that go and come beside the connection, to a location that the central system gave, over HTTP (core 8)."""

from .failure import TransferFailed, TransferFailure
from .transfer import FileTransfer

__all__ = ["TransferFailure", "FileTransfer", "TransferFailed"]
