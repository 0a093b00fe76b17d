"""File jobs over real sockets: a foreign web server, plain and with TLS, takes diagnostics and gives firmware."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ocpp_lab import CentralSystem, ChargePoint
from ocpp_lab import messages as m
from ocpp_lab.charge_point import firmware
from ocpp_lab.charge_point.firmware_image import make_image
from ocpp_lab.clock import utc_now
from ocpp_lab.file_transfer import FileTransfer, TransferFailed
from tests.certificates import authority, certify, serving, trusting
from tests.file_server import real_file_server
from tests.pair import payloads

IMAGE = make_image("3.1.4", bytes(range(256)) * 4000)


class Handler(BaseHTTPRequestHandler):
    """Python's own web server, which knows no PUT by itself."""

    protocol_version = "HTTP/1.1"
    received: dict[str, bytes]

    def do_GET(self) -> None:
        self.answer(200 if self.path == "/new.bin" else 404, IMAGE if self.path == "/new.bin" else b"")

    def do_PUT(self) -> None:
        self.received[self.path] = self.rfile.read(int(self.headers["content-length"]))
        self.answer(201, b"")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[tuple[str, dict[str, bytes]]]:
    """Its URL, and what it received by path."""
    received: dict[str, bytes] = {}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Own", (Handler,), {"received": received}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@asynccontextmanager
async def both(**options: Any) -> AsyncIterator[tuple[CentralSystem, ChargePoint]]:
    async with CentralSystem() as central_system, ChargePoint(central_system.url, "CP 1", **options) as charge_point:
        await charge_point.wait_for("online")
        yield central_system, charge_point


async def told(central_system: CentralSystem, status: str) -> list[str]:
    """All statuses of jobs, once this one has come."""
    found: list[str] = []
    async with asyncio.timeout(20):
        while status not in found:
            await asyncio.sleep(0.02)
            for_jobs = ("FirmwareStatusNotification", "DiagnosticsStatusNotification")
            found = [each["status"] for action in for_jobs for each in payloads(central_system, action)]
    return found


@pytest.mark.sockets("a web server in a thread")
async def test_diagnostics_go_to_a_foreign_server(web: Any) -> None:
    url, received = web
    async with both() as (central_system, _):
        request = m.GetDiagnosticsRequest(location=f"{url}/in%20box/")
        answer = await central_system["CP 1"].call(request)
        assert await told(central_system, "Uploaded") == ["Uploading", "Uploaded"]
        assert answer.file_name.startswith("CP%201_diagnostics_")
        [(path, content)] = received.items()
        assert path == f"/in%20box/{answer.file_name.replace('%', '%25')}"
        assert b"BootNotification" in content


@pytest.mark.sockets("a web server in a thread")
async def test_firmware_comes_from_a_foreign_server(web: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firmware, "INSTALL_TIME", 0.1)
    url, _ = web
    async with both(delays=lambda: iter([0.1] * 9)) as (central_system, charge_point):
        await central_system["CP 1"].call(m.UpdateFirmwareRequest(location=f"{url}/new.bin", retrieve_date=utc_now()))
        assert await told(central_system, "Installed") == ["Downloading", "Downloaded", "Installing", "Installed"]
        assert charge_point.boot.firmware_version == "3.1.4"


async def test_nobody_is_there() -> None:
    async with both() as (central_system, _):
        await central_system["CP 1"].call(m.GetDiagnosticsRequest(location="http://127.0.0.1:9/x", retries=0))
        assert await told(central_system, "UploadFailed") == ["Uploading", "UploadFailed"]


@pytest.mark.sockets("TLS")
async def test_https(tmp_path: Path) -> None:
    """With the authority that it trusts; another one's certificate is as good as nobody there."""
    server, client = serving(certify("files", authority()), tmp_path), trusting(authority())
    async with real_file_server(server, **{"new.bin": IMAGE}) as (_, url):
        assert await FileTransfer(ssl=client).fetch(f"{url}/new.bin") == IMAGE
        with pytest.raises(TransferFailed, match="certificate") as info:
            await FileTransfer().fetch(f"{url}/new.bin")
        assert info.value.failure == "unreachable"
