"""The operator's verbs: what can be typed into a running central system, beside calls as they are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, get_args

from .. import messages as m
from ..central_system import CentralSystem
from ..central_system.job_orders import JobBegun
from ..central_system.order_book import HIDDEN
from ..credentials import AUTHORIZATION_KEY
from .shown import shown
from .verb import Verb, as_typed
from .who import who
from .word_kinds import Limit, kind_of

REGISTRATIONS = "|".join(get_args(m.RegistrationStatus))
NOTHING: tuple[str, ...] = ()
"""The frames, which are shown, say it all."""


async def _start(cs: CentralSystem, identity: str, tag: str, connector: int | None) -> Iterable[str]:
    await cs.operator.remote_start(identity, tag, connector)
    return NOTHING


async def _stop(cs: CentralSystem, identity: str, transaction: int | None) -> Iterable[str]:
    await cs.operator.remote_stop(identity, _only(cs, identity) if transaction is None else transaction)
    return NOTHING


def _only(cs: CentralSystem, identity: str) -> int:
    """The one transaction that runs there: of one whose connector has begun another one, only the stop is missing."""
    running = [row["id"] for row in cs.ledger.open_transactions(identity) if not row.get("superseded")]
    if len(running) != 1:
        came = f"there is not only one at {identity}: {', '.join(map(str, running))}"
        why = came if running else f"none is known to run at {identity}"
        raise ValueError(f"expected the number of a transaction, for {why}")
    return int(running[0])


async def _unlock(cs: CentralSystem, identity: str, connector: int) -> Iterable[str]:
    await cs.operator.unlock(identity, connector)
    return NOTHING


async def _reset(cs: CentralSystem, identity: str, kind: Any) -> Iterable[str]:
    await cs.operator.reset(identity, kind or "Soft")
    return NOTHING


async def _service(cs: CentralSystem, identity: str, connector: int, state: str) -> Iterable[str]:
    await cs.operator.availability(identity, connector, "Operative" if state == "on" else "Inoperative")
    return NOTHING


async def _get(cs: CentralSystem, identity: str, *keys: str) -> Iterable[str]:
    settings = await cs.operator.configuration(identity, *keys)
    return [
        *map(_setting, settings.configuration_key or []),
        *(f"{key}: unknown" for key in settings.unknown_key or []),
    ]


def _setting(each: m.KeyValue) -> str:
    """One key, without what nobody may read: a charge point should not tell it, but some do (whitepaper 7.2)."""
    secret = each.key.casefold() == AUTHORIZATION_KEY.casefold()
    value = "has no value" if each.value is None else f"= {HIDDEN if secret else each.value}"
    return f"{each.key} {value}{' (read-only)' if each.readonly else ''}"


async def _set(cs: CentralSystem, identity: str, key: str, *value: str) -> Iterable[str]:
    await cs.operator.configure(identity, key, " ".join(value))
    return NOTHING


async def _cache(cs: CentralSystem, identity: str) -> Iterable[str]:
    await cs.operator.clear_cache(identity)
    return NOTHING


async def _trigger(cs: CentralSystem, identity: str, message: str, connector: int | None) -> Iterable[str]:
    await cs.operator.trigger(identity, message, connector)
    return NOTHING


async def _reserve(cs: CentralSystem, identity: str, connector: int, tag: str, span: timedelta) -> Iterable[str]:
    number, status = await cs.operator.reserve(identity, connector, tag, cs.answers.now() + span)
    return [
        f"reservation {number}: {status}" + (f"; cancel {as_typed(identity)} {number}" if status == "Accepted" else "")
    ]


async def _cancel(cs: CentralSystem, identity: str, reservation: int) -> Iterable[str]:
    await cs.operator.cancel_reservation(identity, reservation)
    return NOTHING


async def _limit(cs: CentralSystem, identity: str, connector: int, limit: Limit | None) -> Iterable[str]:
    purpose: m.ChargingProfilePurposeType = "TxDefaultProfile" if connector else "ChargePointMaxProfile"
    if limit is None:
        await cs.operator.clear_profiles(identity, connector_id=connector, purpose=purpose, stack_level=0)
        return NOTHING
    schedule = m.ChargingSchedule(
        charging_rate_unit=limit.unit,
        start_schedule=cs.answers.now(),
        charging_schedule_period=[m.ChargingSchedulePeriod(start_period=0, limit=limit.value)],
    )
    profile = m.ChargingProfile(
        charging_profile_id=cs.ledger.records.profiles.next_id(identity),
        stack_level=0,
        charging_profile_purpose=purpose,
        charging_profile_kind="Absolute",
        charging_schedule=schedule,
    )
    answer = await cs.operator.set_profile(identity, connector, profile)
    return [f"profile {profile.charging_profile_id}, a {purpose}: {answer.status}"]


async def _schedule(cs: CentralSystem, identity: str, connector: int, span: timedelta | None) -> Iterable[str]:
    await cs.operator.composite(identity, connector, int((span or timedelta(hours=1)).total_seconds()))
    return NOTHING


async def _list(cs: CentralSystem, identity: str, what: str | None) -> Iterable[str]:
    if what == "version":
        return [f"it has version {await cs.operator.list_version(identity)}"]
    sent = await cs.operator.send_list(identity, full=what == "full")
    if not sent.requests:
        return [
            f"version {sent.version} is there, and nothing has changed; list {as_typed(identity)} full sends it again"
        ]
    return [f"version {sent.version}: {sent.status}, in {sent.requests} requests"]


async def _boot(cs: CentralSystem, identity: str, status: Any) -> Iterable[str]:
    cs.ledger.records.boots.keep(identity, status)
    cs.policy.registrations[identity] = status
    now = cs.registrations.get(identity, "not booted")
    asks = f"; trigger {as_typed(identity)} BootNotification" if now == "Pending" and identity in cs else ""
    return [f"the next boot of {identity} gets {status}; now it is {now}{asks}"]


async def _tag(cs: CentralSystem, tag: str, status: Any) -> Iterable[str]:
    if status:
        cs.ledger.records.tags.keep(tag, status)
        cs.policy.id_tags[tag] = status
    info = cs.policy.authorize(tag)
    return [f"{tag} is {info.status}" + (f", until {info.expiry_date}" if info.expiry_date else "")]


async def _firmware(cs: CentralSystem, identity: str, url: str) -> Iterable[str]:
    return _job(await cs.operator.update_firmware(identity, url))


async def _diagnostics(cs: CentralSystem, identity: str, url: str) -> Iterable[str]:
    return _job(await cs.operator.get_diagnostics(identity, url))


async def _log(cs: CentralSystem, identity: str, url: str, which: str | None) -> Iterable[str]:
    kind: m.LogEnumType = "SecurityLog" if which == "security" else "DiagnosticsLog"
    return _job(await cs.operator.get_log(identity, url, kind))


def _job(job: JobBegun) -> Iterable[str]:
    return [f"job {job.number}: {job.status}" + (f", file {job.file}" if job.file else "")]


async def _trust(cs: CentralSystem, identity: str, pem: str, which: str | None) -> Iterable[str]:
    kind: m.CertificateUseEnumType = (
        "ManufacturerRootCertificate" if which == "manufacturer" else "CentralSystemRootCertificate"
    )
    await cs.operator.install_certificate(identity, kind, pem)
    return NOTHING


async def _key(cs: CentralSystem, identity: str, key: str) -> Iterable[str]:
    await cs.operator.change_key(identity, key)
    return NOTHING


async def _security(cs: CentralSystem, identity: str, profile: str) -> Iterable[str]:
    await cs.operator.upgrade_security(identity, int(profile))
    return NOTHING


async def _show(cs: CentralSystem, identity: str) -> Iterable[str]:
    return [*shown(cs.ledger, identity, cs.answers.now())] or [f"nothing is known of {identity}"]


async def _who(cs: CentralSystem) -> Iterable[str]:
    return who(cs, cs.answers.now())


async def _help(cs: CentralSystem, word: str | None) -> Iterable[str]:
    if word is not None:
        verb = OPERATOR_VERBS[verb_named(word)]
        words = [f"  {slot.name}: {kind_of(slot.name).expects}" for slot in verb.slots if "|" not in slot.name]
        return [f"{verb.usage}: {verb.says}", *words, f"such as: {verb.example}"]
    lines = [f"{verb.usage:<38} {verb.says}" for verb in OPERATOR_VERBS.values()]
    raw = f'{"CP ACTION {JSON}":<38} Send any call as it is, such as: CP_1 Reset {{"type": "Soft"}}.'
    return [*lines, raw, "The beginning of a verb or of a name is enough, if it is the only one that begins so.",
            "A space in a name is typed %20, as in its URL."]  # fmt: skip


OPERATOR_VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb("who", "", "Who is connected, and what charges.", "who", _who),
        Verb("show", "CP", "What the ledger knows of it.", "show CP_1", _show),
        Verb("start", "CP TAG [CONNECTOR]", "Start charging.", "start CP_1 TAG_A 1", _start),
        Verb("stop", "CP [TRANSACTION]", "Stop charging.", "stop CP_1 17", _stop),
        Verb("unlock", "CP CONNECTOR", "Free a cable that is stuck.", "unlock CP_1 1", _unlock),
        Verb("reset", "CP [Soft|Hard]", "Restart it.", "reset CP_1 Hard", _reset),
        Verb(
            "service",
            "CP CONNECTOR/0 on|off",
            "Put it in or out of service, 0 for all.",
            "service CP_1 1 off",
            _service,
        ),
        Verb("get", "CP [KEY...]", "Read its configuration.", "get CP_1 HeartbeatInterval", _get),
        Verb("set", "CP KEY VALUE...", "Change its configuration.", "set CP_1 HeartbeatInterval 60", _set),
        Verb("clear-cache", "CP", "Have it forget the tags in its cache.", "clear-cache CP_1", _cache),
        Verb("trigger", "CP MESSAGE [CONNECTOR]", "Have it send something.", "trigger CP_1 Heartbeat", _trigger),
        Verb(
            "reserve", "CP CONNECTOR/0 TAG TIME", "Keep a connector, 0 for any.", "reserve CP_1 1 TAG_A 10m", _reserve
        ),
        Verb("cancel", "CP RESERVATION", "Give up a reservation.", "cancel CP_1 3", _cancel),
        Verb("limit", "CP CONNECTOR/0 LIMIT", "Limit what it draws, 0 for all of it.", "limit CP_1 1 16A", _limit),
        Verb("schedule", "CP CONNECTOR/0 [TIME]", "Ask which limits hold.", "schedule CP_1 1 2h", _schedule),
        Verb("boot", f"CP {REGISTRATIONS}", "What its next boot gets.", "boot CP_1 Accepted", _boot),
        Verb("tag", "TAG [STATUS]", "What a tag is worth here; change it.", "tag TAG_A Blocked", _tag),
        Verb("list", "CP [full|version]", "Send it the tags that we know.", "list CP_1", _list),
        Verb("firmware", "CP URL", "Have it fetch firmware.", "firmware CP_1 http://127.0.0.1:8000/f.bin", _firmware),
        Verb("diagnostics", "CP URL", "Have it bring diagnostics.", "diagnostics CP_1 http://h:8000/", _diagnostics),
        Verb("log", "CP URL [diagnostics|security]", "Have it bring a log.", "log CP_1 http://h:8000/ security", _log),
        Verb("trust", "CP FILE [central|manufacturer]", "Have it trust a root.", "trust CP_1 root.pem", _trust),
        Verb("key", "CP HEX", "Give it a new AuthorizationKey; --ledger keeps it.", f"key CP_1 {'0A' * 16}", _key),
        Verb("security", "CP 1|2|3", "Raise its security profile.", "security CP_1 2", _security),
        Verb("help", "[VERB]", "This page; or more of one verb.", "help start", _help),
    )
}
"""By name, in the order of the help."""


def verb_named(word: str) -> str:
    """The verb that this word is, or is the only beginning of. Raises ValueError with what could be typed."""
    if word in OPERATOR_VERBS:
        return word
    matching = [name for name in OPERATOR_VERBS if name.startswith(word.lower())]
    if len(matching) != 1:
        came = f"{word:.50} may be" if matching else f"came {word:.50}; there are"
        raise ValueError(f"expected a verb, {came} {', '.join(matching or OPERATOR_VERBS)}; type help")
    return matching[0]
