"""The options of a `ChargePoint`, in groups that later profiles can join."""

from __future__ import annotations

import ssl as tls
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from random import Random
from typing import Any, cast

from ..clock import utc_now
from ..messages import DataTransferRequest, DataTransferResponse
from ..pipe import MAX_SIZE, PING_INTERVAL
from ..security import KeyAndChain
from ..session import CALL_TIMEOUT, Awaiting, Carrying
from ..smart_charging import Profiles
from ..states import Machine
from ..station.connector import Cable
from ..station.decisions import Decisions
from ..trace import Trace
from .delivery import TransactionMessages
from .registration import BOOT_RETRY
from .uplink import Beating, Speaking, States


@dataclass(frozen=True, kw_only=True)
class Security:
    """``password`` is the AuthorizationKey, raw bytes or hex text; ``ssl`` is for ``wss://`` (whitepaper, profiles 1
    and 2).

    ``endpoints`` are those by security profile, for a charge point that changes its profile: ``{1: "ws://…", 2:
    "wss://…", 3: "wss://…"}``. ``security_profile`` is the one with which it begins (None: by URL and password).

    Without an ``ssl`` of its own it trusts the certificates in its file. The manufacturer puts in there, once:
    ``roots`` of the central system, ``manufacturer_roots`` for firmware, and its ``own_certificate``, private key and
    chain; all PEM. ``root_check``: a new root must be signed by the one that it replaces
    (AdditionalRootCertificateCheck). ``security_events``: whether starts and resets are told to the central system as
    security events; None: from profile 1 on.
    """

    password: str | bytes | None = None
    ssl: tls.SSLContext | None = None
    endpoints: Mapping[int, str] | None = None
    security_profile: int | None = None
    roots: Sequence[str] = ()
    manufacturer_roots: Sequence[str] = ()
    own_certificate: KeyAndChain | None = None
    root_check: bool = False
    security_events: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Connecting:
    """``timeout`` (s) is how long a call waits, ``retry_interval`` (s) how long a boot waits when nobody says.

    ``ping_interval`` (s, None: off) is how often a silent connection is tested (J-spec 5.3). ``max_size`` (bytes) is
    the largest frame it reads; a larger one closes the connection with 1009. ``lenient``: what `tolerance` mends in
    what it reads is let pass, and counted. ``send_buffer`` (bytes) shrinks the socket's buffer, to make back-pressure
    visible. ``compression`` costs 32 KB for each idle connection.

    ``file_hosts`` are the only hosts that firmware is fetched from and logs are sent to (None: any, as the central
    system says). ``file_folder`` is where ``file:`` locations may lead (None: nowhere).
    """

    timeout: float = CALL_TIMEOUT
    retry_interval: float = BOOT_RETRY
    ping_interval: float | None = PING_INTERVAL
    max_size: int = MAX_SIZE
    lenient: bool = False
    compression: bool = False
    send_buffer: int | None = None
    file_hosts: Collection[str] | None = None
    file_folder: str | None = None


VendorAnswer = Callable[[DataTransferRequest], DataTransferResponse]
"""What a charge point says to a message of a vendor."""


@dataclass(frozen=True, kw_only=True)
class ChargingOptions:
    """``connectors`` is how many it has, from 1 on; ``cable`` says whose the cable is: "socket" is for a driver's own,
    "fixed" hangs at the charge point, and has no lock. ``current`` is what each gives at most (A per phase).

    ``resume_transactions``: what ran when the power went goes on; else it is closed with PowerLoss (core 4.10).
    ``report_all``: after every reconnect all statuses are told, as libocpp does, and not only those that changed.
    ``vendors`` answer a DataTransfer, by vendorId (core 5.6).
    """

    connectors: int = 1
    cable: Cable = "socket"
    current: float = 32.0
    resume_transactions: bool = False
    report_all: bool = False
    vendors: Mapping[str, VendorAnswer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.connectors < 1:
            raise ValueError(f"expected at least 1 connector, came {self.connectors}")
        if not 6.0 <= self.current <= 63.0:
            raise ValueError(f"expected a current of 6 to 63 A, came {self.current}")


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """What it is built of. None is the package's own.

    ``transport(pipe)``, ``pending()``, ``session(transport, router, pending, *, ids, timeout, identity, trouble, tally,
    closing)``, ``heartbeat(call, interval, *, now)``, ``machine(table, state, on_change)`` and ``delays()`` (waits in s
    between dials) are factories; ``outbox`` is one that keeps its messages itself. What each must have is said in the
    rooms that use it: `session.Carrying`, `session.Awaiting`, `uplink.Speaking`, `uplink.Beating`, `uplink.States`,
    `delivery.TransactionMessages`; ``profiles`` are the functions of smart charging.
    """

    transport: Callable[..., Carrying] | None = None
    pending: Callable[..., Awaiting] | None = None
    session: Callable[..., Speaking] | None = None
    heartbeat: Callable[..., Beating] | None = None
    machine: Callable[..., States] = Machine
    outbox: TransactionMessages | None = None
    delays: Callable[[], Iterator[float]] | None = None
    profiles: Profiles = field(default_factory=Profiles)


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Time, chance and identity, which come from outside, and the ``trace`` that the story is told to: by default one
    of 500 kB, some 2,000 frames; a larger one is ``Trace(max_bytes=…)``.

    ``ids`` yields unique ids (random ones by default), ``rng`` draws the jitter of the waits (by default from the
    identity), ``now()`` gives an aware datetime. ``set_clock``: the central system's time sets an offset over it (core
    4.2, 4.6), unless it cannot be true; see `event_clock.plausible`.
    """

    ids: Iterator[str] | None = None
    rng: Random | None = None
    trace: Trace | None = None
    now: Callable[[], datetime] = utc_now
    set_clock: bool = True


def filled[Group: Any](group: Group, options: dict[str, Any]) -> Group:
    """The group with those of the options that are its own; they are taken out of ``options``."""
    own = {field.name: options.pop(field.name) for field in fields(group) if field.name in options}
    return replace(group, **own)


def all_filled[*Groups](groups: tuple[*Groups], options: dict[str, Any]) -> tuple[*Groups]:
    """All groups with the options that are theirs. Raises TypeError if one is left that no group knows."""
    full = tuple(filled(group, options) for group in groups)
    refuse(options)
    return cast(tuple[*Groups], full)


def refuse(options: dict[str, Any]) -> None:
    """Raises TypeError if an option is left that no group knows."""
    if options:
        groups = (Security, Connecting, ChargingOptions, Pieces, Decisions, Surroundings)
        known = ", ".join(field.name for group in groups for field in fields(group))
        raise TypeError(f"expected options of a charge point ({known}), came {', '.join(options)}")
