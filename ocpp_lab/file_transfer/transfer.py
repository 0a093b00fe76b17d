"""`FileTransfer`: fetch a file from a location, or send one there (core 8.1, 8.2)."""

from __future__ import annotations

import asyncio
import ssl as tls
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from .failure import TransferFailed, TransferFailure

if TYPE_CHECKING:
    from .http import Answer

MOST_FETCHED: Final = 16 * 1024 * 1024
"""Bytes of a file that is fetched."""
LONGEST_SILENCE: Final = 30.0
"""Seconds without a byte after which a server is taken for dead."""
LONGEST_TRANSFER: Final = 3600.0
"""Seconds for one attempt, however steadily the bytes drip."""
MOST_REDIRECTIONS: Final = 5

_SAYS_NO: dict[int, TransferFailure] = {401: "forbidden", 403: "forbidden", 405: "not supported", 501: "not supported"}
_ELSEWHERE = (301, 302, 303, 307, 308)


@dataclass(frozen=True, kw_only=True)
class FileTransfer:
    """``hosts`` are the only ones that are talked to (None: any). ``folder`` is where ``file:`` locations may lead
    (None: nowhere; a central system must not write where it likes). ``ssl`` is for https (None: the authorities that
    the system knows).

    Everything raises `TransferFailed` if the file did not come, or go.
    """

    hosts: Collection[str] | None = None
    folder: str | None = None
    ssl: tls.SSLContext | None = None

    async def fetch(self, location: str) -> bytes:
        """The file from there."""
        if (url := _parsed(location)).scheme == "file":
            return self._read(url)
        answer = await self._ask("GET", url)
        if answer.status != 200:
            raise _refused(answer)
        return answer.body

    async def send(self, location: str, name: str, content: bytes) -> None:
        """Put the file there, under its name: with PUT to ``location/name``; to a server that knows no PUT, as a form
        (POST, multipart) to the location itself."""
        if (url := _parsed(location)).scheme == "file":
            self._write(url, name, content)
            return
        target = url._replace(path=f"{url.path.rstrip('/')}/{quote(name)}")
        answer = await self._ask("PUT", target, content, [("content-type", "text/plain; charset=utf-8")])
        if answer.status in (405, 501):
            kind, form = _form(name, content)
            answer = await self._ask("POST", url, form, [("content-type", kind)])
        if not 200 <= answer.status < 300:
            raise _refused(answer)

    # -- over HTTP

    async def _ask(
        self, method: str, url: SplitResult, body: bytes = b"", headers: Sequence[tuple[str, str]] = ()
    ) -> Answer:
        try:
            async with asyncio.timeout(LONGEST_TRANSFER):
                return await self._follow(method, url, body, headers)
        except TimeoutError:
            raise TransferFailed("unreachable", f"{url.hostname}: not done within {LONGEST_TRANSFER:g} s") from None

    async def _follow(self, method: str, url: SplitResult, body: bytes, headers: Sequence[tuple[str, str]]) -> Answer:
        from .http import Bounds, exchange  # not before it is needed: few charge points ever send a file

        bounds = Bounds(size=MOST_FETCHED, silence=LONGEST_SILENCE, ssl=self.ssl)
        for _ in range(MOST_REDIRECTIONS + 1):
            self._check(url)
            answer = await exchange(method, url, bounds, body, headers)
            if answer.status not in _ELSEWHERE or not answer.location:
                return answer
            url = _parsed(urljoin(url.geturl(), answer.location))
        raise TransferFailed("failed", f"expected a file, came {MOST_REDIRECTIONS + 1} redirections")

    def _check(self, url: SplitResult) -> None:
        if url.scheme not in ("http", "https") or not url.hostname:
            raise TransferFailed("not supported", f"expected an http or https location, came {url.scheme or 'none'}")
        if self.hosts is not None and url.hostname not in self.hosts:
            raise TransferFailed("forbidden", f"{url.hostname}: expected one of {', '.join(self.hosts)}")

    # -- in the folder

    def _path(self, url: SplitResult) -> Path:
        """Raises `TransferFailed` for what lies elsewhere, however it is written."""
        if self.folder is None:
            raise TransferFailed("not supported", "expected an http or https location, came file")
        root, path = Path(self.folder).resolve(), Path(unquote(url.path)).resolve()
        if not path.is_relative_to(root):
            raise TransferFailed("forbidden", f"expected a location in {root}, came another one")
        return path

    def _read(self, url: SplitResult) -> bytes:
        path = self._path(url)
        try:
            if path.stat().st_size > MOST_FETCHED:
                raise TransferFailed("too large", f"expected at most {MOST_FETCHED} bytes, came more")
            return path.read_bytes()
        except OSError as error:
            raise TransferFailed("failed", f"{path.name} could not be read: {error}") from None

    def _write(self, url: SplitResult, name: str, content: bytes) -> None:
        path = self._path(url) / name
        try:
            path.write_bytes(content)
        except OSError as error:
            raise TransferFailed("failed", f"{name} could not be written: {error}") from None


def _parsed(location: str) -> SplitResult:
    try:
        url = urlsplit(location)
        _ = url.port  # raises too
    except ValueError as error:
        raise TransferFailed("not supported", f"expected a URL: {error}") from None
    return url


def _refused(answer: Answer) -> TransferFailed:
    failure = _SAYS_NO.get(answer.status, "failed")
    return TransferFailed(failure, f"the server answered with HTTP {answer.status}")


def _form(name: str, content: bytes) -> tuple[str, bytes]:
    """A file as a form with one field, ``file``; the boundary is one that is not in the file."""
    boundary = next(text for n in range(1000) if (text := f"ocpp-lab-{n}").encode() not in content)
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{quote(name)}"\r\n'
        "Content-Type: text/plain; charset=utf-8\r\n\r\n"
    )
    return f"multipart/form-data; boundary={boundary}", head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
