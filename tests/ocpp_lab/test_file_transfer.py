"""`FileTransfer`: files come and go over HTTP, within bounds (core 8.1, 8.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ocpp_lab.file_transfer import FileTransfer, TransferFailed
from ocpp_lab.file_transfer.transfer import LONGEST_SILENCE, LONGEST_TRANSFER, MOST_FETCHED
from tests.file_server import file_server, told
from tests.pair import on, simulated
from tests.simulated import clock

HERE = "http://files:8080"


async def fetch(location: str, **options: Any) -> bytes:
    return await on("cp", FileTransfer(**options).fetch(location))


async def send(location: str, content: bytes = b"all is well", **options: Any) -> None:
    await on("cp", FileTransfer(**options).send(location, "log 1.txt", content))


async def failing(work: Any) -> TransferFailed:
    with pytest.raises(TransferFailed) as info:
        await work
    return info.value


@simulated
async def test_fetch() -> None:
    async with file_server(new=b"\x00" * 200_000) as server:
        assert await fetch(f"{HERE}/new") == b"\x00" * 200_000
        [got] = server.received
        assert (got.method, got.path, got.headers["host"]) == ("GET", "/new", "files:8080")


@simulated
async def test_send() -> None:
    """With PUT, under the name of the file in that directory."""
    async with file_server() as server:
        await send(f"{HERE}/inbox/", b"x" * 200_000)
        [got] = server.received
        assert (got.method, got.path, got.body) == ("PUT", "/inbox/log%201.txt", b"x" * 200_000)


@simulated
@pytest.mark.parametrize("status", [405, 501])
async def test_to_a_server_that_knows_no_put_it_is_a_form(status: int) -> None:
    async with file_server() as server:
        server.answers = [told(status)]
        await send(f"{HERE}/upload?to=me", b"a--ocpp-lab-0b")
        form = server.received[1]
        assert (form.method, form.path) == ("POST", "/upload?to=me")
        assert form.headers["content-type"] == "multipart/form-data; boundary=ocpp-lab-1"
        assert form.body.startswith(
            b'--ocpp-lab-1\r\nContent-Disposition: form-data; name="file"; filename="log%201.txt"'
        )
        assert form.body.endswith(b"\r\n\r\na--ocpp-lab-0b\r\n--ocpp-lab-1--\r\n")


@simulated
async def test_name_and_password_in_the_location() -> None:
    async with file_server(new=b"1") as server:
        await fetch("http://me:s%40fe@files:8080/new")
        assert server.received[0].headers["authorization"] == "Basic bWU6c0BmZQ=="
        assert server.received[0].headers["host"] == "files:8080"


@simulated
async def test_redirections_are_followed_but_not_for_ever() -> None:
    async with file_server(new=b"1") as server:
        server.answers = [told(302, b"", "Location: /new")]
        assert await fetch(f"{HERE}/old") == b"1"
        server.answers = [told(302, b"", "Location: /round")] * 9
        assert (await failing(fetch(f"{HERE}/round"))).failure == "failed"
        assert len(server.received) == 2 + 6


@simulated
async def test_a_redirection_leads_to_no_other_host() -> None:
    async with file_server() as server:
        server.answers = [told(302, b"", "Location: http://elsewhere/x")]
        assert (await failing(fetch(f"{HERE}/old", hosts=["files"]))).failure == "forbidden"


@simulated
@pytest.mark.parametrize(
    ("status", "failure", "final"),
    [(401, "forbidden", True), (403, "forbidden", True), (404, "failed", False), (503, "failed", False)],
)
async def test_a_server_says_no(status: int, failure: str, final: bool) -> None:
    async with file_server() as server:
        for work in (fetch(f"{HERE}/new"), send(HERE)):
            server.answers = [told(status)]
            error = await failing(work)
            assert (error.failure, error.is_final) == (failure, final)
            assert f"HTTP {status}" in str(error)


@simulated
async def test_a_server_that_knows_neither_put_nor_forms() -> None:
    async with file_server() as server:
        server.knows = {"GET"}
        assert (await failing(send(HERE))).failure == "not supported"


@simulated
@pytest.mark.parametrize(
    "location", ["ftp://files/new", "files:8080/new", "new", "", "http:///new", "http://x:y/", "file:///etc/passwd"]
)
async def test_locations_that_lead_nowhere(location: str) -> None:
    """FTP is not supported, and says so; a file on this machine neither, unless it is allowed."""
    for work in (fetch(location), send(location)):
        error = await failing(work)
        assert (error.failure, error.is_final) == ("not supported", True)


@simulated
async def test_only_hosts_that_are_allowed() -> None:
    async with file_server(new=b"1"):
        assert await fetch(f"{HERE}/new", hosts=["files"]) == b"1"
        assert (await failing(fetch(f"{HERE}/new", hosts=["127.0.0.1"]))).failure == "forbidden"


@simulated
@pytest.mark.parametrize("location", ["http://files:8081/new", "http://nowhere/new"])
async def test_nobody_is_there(location: str) -> None:
    async with file_server():
        error = await failing(fetch(location))
        assert (error.failure, error.is_final) == ("unreachable", False)


@simulated
@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (b"", "unreadable"),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "unreadable"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "unreadable"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 100, "unreadable"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "unreadable"),
    ],
)
async def test_what_is_no_answer(answer: bytes, failure: str) -> None:
    """A file that comes in part has not come."""
    async with file_server() as server:
        server.answers = [answer]
        assert (await failing(fetch(f"{HERE}/new"))).failure == failure


@simulated
async def test_chunks_are_put_together() -> None:
    async with file_server() as server:
        server.answers = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"]
        assert await fetch(f"{HERE}/new") == b"abcde"


@simulated
async def test_too_large() -> None:
    async with file_server(new=b"x" * (MOST_FETCHED + 1)):
        error = await failing(fetch(f"{HERE}/new"))
        assert (error.failure, error.is_final) == ("too large", True)


@simulated
async def test_a_refusal_of_a_megabyte_is_not_read() -> None:
    async with file_server() as server:
        server.answers = [told(404, b"x" * 1_000_000)]
        assert (await failing(fetch(f"{HERE}/new"))).failure == "too large"


@simulated
async def test_silence_has_an_end() -> None:
    async with file_server() as server:
        server.answers = [None, None]
        for work in (fetch(f"{HERE}/new"), send(HERE)):
            began = clock()
            assert (await failing(work)).failure == "unreachable"
            assert clock() - began == pytest.approx(LONGEST_SILENCE, abs=0.1)


@simulated
async def test_a_drip_has_an_end_too() -> None:
    async with file_server(new=b"x" * 1000) as server:
        server.drip = 20.0
        began = clock()
        assert (await failing(fetch(f"{HERE}/new"))).failure == "unreachable"
        assert clock() - began == pytest.approx(LONGEST_TRANSFER, abs=1)


# The folder -----------------------------------------------------------------------------------------------------------


async def test_files_of_this_machine(tmp_path: Path) -> None:
    folder = tmp_path / "exchange"
    folder.mkdir()
    transfer = FileTransfer(folder=str(folder))
    await transfer.send(folder.as_uri(), "log.txt", b"all is well")
    assert await transfer.fetch(f"{folder.as_uri()}/log.txt") == b"all is well"
    (tmp_path / "secret").write_bytes(b"no")
    (folder / "way out").symlink_to(tmp_path)
    for location in (
        tmp_path.as_uri() + "/secret",
        f"{folder.as_uri()}/../secret",
        f"{folder.as_uri()}/way%20out/secret",
    ):
        assert (await failing(transfer.fetch(location))).failure == "forbidden"
    for location in (f"{folder.as_uri()}/nothing", folder.as_uri()):
        assert (await failing(transfer.fetch(location))).failure == "failed"
    assert (await failing(transfer.send(tmp_path.as_uri(), "log.txt", b""))).failure == "forbidden"
    assert (await failing(transfer.send(f"{folder.as_uri()}/none", "log.txt", b""))).failure == "failed"
