"""Files, numbers and words from the command line, checked. What is wrong with one becomes one line of `BadInput`."""

from __future__ import annotations

import ssl as tls
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from ..credentials import check_identity
from ..trace_file import TraceFile


class BadInput(Exception):
    """What was expected, what came, what to do: one line for the person at the keyboard. Never holds a password."""


def one_of(value: str, literal: Any, option: str) -> Any:
    """The value, if it is one of the words of a Literal type. Raises `BadInput`."""
    words = get_args(literal)
    if value not in words:
        raise BadInput(f"{option}: expected one of {', '.join(words)}, came {value!r}; choose one of them")
    return value


def identities(names: Collection[str]) -> Collection[str]:
    """These names, if charge points can have them. Raises `BadInput`."""
    try:
        for name in names:
            check_identity(name)
    except ValueError as problem:
        raise BadInput(f"--identity: {problem}") from None
    return names


def within(value: int, low: int, high: int, option: str) -> int:
    """The value, if it is a whole number from ``low`` to ``high``. Raises `BadInput`."""
    if not low <= value <= high:
        raise BadInput(f"{option}: expected a whole number from {low} to {high}, came {value}; choose another")
    return value


def positive(value: float, option: str) -> float:
    """The value, if it is a number of seconds above 0. Raises `BadInput`."""
    if not 0 < value < float("inf"):
        raise BadInput(f"{option}: expected seconds above 0, came {value:g}; leave it out for 30")
    return value


def endpoint(url: str) -> str:
    """The URL, if it is an endpoint that an identity can be appended to. Raises `BadInput`."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        raise BadInput(f"URL: expected a port number after the colon, came {url!r}; correct it") from None
    if parts.username or parts.password:  # said without the URL: it holds a password
        raise BadInput("URL: expected one without user and password; put the key into a file, see --password-file")
    if not usable or parts.query or parts.fragment:
        raise BadInput(f"URL: expected ws://HOST:PORT/PATH or wss://…, came {url!r}; the identity is appended to it")
    return url


def read_passwords(path: Path, identities: Collection[str] | None) -> dict[str, str]:
    """``identity:key`` lines to a dictionary. Each of ``identities`` must have a key: no door stays open unseen.

    Raises `BadInput`, also if the file cannot be read.
    """
    where = f"--password-file {path}"
    passwords: dict[str, str] = {}
    for number, line in _lines(path, "lines of NAME:KEY"):
        identity, _, key = (part.strip() for part in line.partition(":"))
        if not identity or not key:
            raise BadInput(f"{where}: expected NAME:KEY, came something else in line {number}; correct that line")
        if identity in passwords:
            raise BadInput(f"{where}: expected one key for {identity}, came a second in line {number}; remove one")
        passwords[identity] = key
    if lacking := sorted(set(identities or ()) - set(passwords)):
        raise BadInput(f"{where}: expected a key for every --identity, came none for {', '.join(lacking)}; add one")
    return passwords


def read_password(path: Path, identity: str) -> str:
    """The one key of a charge point. Raises `BadInput`, also if the file cannot be read."""
    where = f"--password-file {path}"
    lines = _lines(path, "one line with the key")
    if len(lines) > 1:
        raise BadInput(f"{where}: expected one line with the key, came {len(lines)} lines; keep one")
    key = lines[0][1]
    if key.startswith(f"{identity}:"):
        raise BadInput(f"{where}: expected the key alone, came {identity}: before it; remove that part")
    return key


def _lines(path: Path, wanted: str) -> list[tuple[int, str]]:
    """The numbered lines of a file that say something: no comments, no blank ones."""
    where = f"--password-file {path}"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"{where}: expected a file that can be read, came: {error.strerror}; check it") from None
    except UnicodeDecodeError:
        raise BadInput(f"{where}: expected text (UTF-8), came other bytes; write binary keys as hex") from None
    numbered = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    lines = [(number, line) for number, line in numbered if line and not line.startswith("#")]
    if not lines:
        raise BadInput(f"{where}: expected {wanted}, came an empty file; write one, or leave out this option")
    return lines


def open_trace_file(path: Path | None, alarm: Callable[[str], None]) -> TraceFile | None:
    """The file that a trace is written to, at its end; None if none is wanted. Raises `BadInput`."""
    if path is None:
        return None
    where = f"--trace-file {path}"
    try:
        return TraceFile(path, alarm=alarm)
    except OSError as error:
        raise BadInput(f"{where}: expected a file that can be written, came: {_why(error)}; choose another") from None
    except ValueError:
        raise BadInput(
            f"{where}: expected a new file or a trace to go on with, came another file; choose a new name"
        ) from None


def server_tls(cert: Path | None, key: Path | None) -> tls.SSLContext | None:
    """The certificate of a central system; None if there is none to be used. Raises `BadInput`."""
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        came, lacks = ("--cert", "--key") if key is None else ("--key", "--cert")
        raise BadInput(f"{came}: expected --cert and --key together, came {came} alone; add {lacks} FILE")
    context = tls.create_default_context(tls.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(cert, key, password=_refuse_to_ask)
    except OSError as error:  # SSLError is one
        what = f"--cert {cert} --key {key}: expected a certificate and its private key (PEM)"
        raise BadInput(f"{what}, came: {_why(error)}; check both files") from None
    return context


def client_tls(url: str, ca: Path | None) -> tls.SSLContext | None:
    """Whom a charge point trusts. None leaves it to the system's own list. Raises `BadInput`."""
    if ca is None:
        return None
    if urlsplit(url).scheme != "wss":
        raise BadInput(f"--ca: expected a wss:// URL with it, came {url}; leave out --ca, or use wss://")
    try:
        return tls.create_default_context(cafile=ca)
    except OSError as error:
        raise BadInput(f"--ca {ca}: expected certificates (PEM), came: {_why(error)}; check the file") from None


def _refuse_to_ask() -> str:
    """In place of OpenSSL's own question for a passphrase on the terminal."""
    raise BadInput("--key: expected a private key without passphrase, came an encrypted one; decrypt it into a file")


def _why(error: OSError) -> str:
    return error.strerror or str(error)
