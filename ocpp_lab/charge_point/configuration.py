"""`Configuration`: the keys of a charge point, as one table (core 9, J-spec 7, whitepaper 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..messages import ConfigurationStatus, KeyValue
from ..store import Store, store_at

Access = Literal["R", "RW", "W"]


@dataclass
class Key:
    """One key. W: can be set and never read."""

    name: str
    value: str
    access: Access
    valid: Callable[[str], bool]


def _boolean(text: str) -> bool:
    return text.lower() in ("true", "false")


def _number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _positive(text: str) -> bool:
    return _number(text) and int(text) > 0


def _profile(text: str) -> bool:
    return text in ("0", "1", "2")


def _text(text: str) -> bool:
    return True


def _only(possible: str) -> Callable[[str], bool]:
    """What this charge point can do, and nothing else: a bad value is Rejected (core 5.3)."""
    return lambda text: text == possible


def _hex_key(text: str) -> bool:
    """The key comes as hex text of 16 to 20 bytes, the range of the whitepaper (A00.FR.205)."""
    return 32 <= len(text) <= 40 and len(text) % 2 == 0 and all(c in "0123456789abcdefABCDEF" for c in text)


_TABLE: tuple[tuple[str, str, Access, Callable[[str], bool]], ...] = (
    # key, default, access, what a value must look like; durations in seconds
    ("AllowOfflineTxForUnknownId", "false", "RW", _boolean),
    ("AuthorizationCacheEnabled", "false", "RW", _boolean),
    ("AuthorizationKey", "", "W", _hex_key),
    ("AuthorizeRemoteTxRequests", "false", "RW", _boolean),
    ("ClockAlignedDataInterval", "0", "RW", _only("0")),  # to accept a number and send nothing would be a lie
    ("ConnectionTimeOut", "60", "RW", _number),
    ("ConnectorPhaseRotation", "0.Unknown", "RW", _text),
    ("GetConfigurationMaxKeys", "50", "R", _number),
    ("HeartbeatInterval", "300", "RW", _positive),
    ("LocalAuthorizeOffline", "true", "RW", _boolean),
    ("LocalPreAuthorize", "false", "RW", _boolean),
    ("MessageTimeout", "30", "RW", _positive),
    ("MeterValuesAlignedData", "Energy.Active.Import.Register", "RW", _only("Energy.Active.Import.Register")),
    ("MeterValuesSampledData", "Energy.Active.Import.Register", "RW", _only("Energy.Active.Import.Register")),
    ("MeterValueSampleInterval", "60", "RW", _number),
    ("NumberOfConnectors", "1", "R", _number),
    ("ResetRetries", "0", "RW", _number),
    ("SecurityProfile", "0", "R", _profile),
    ("StopTransactionOnEVSideDisconnect", "true", "RW", _boolean),
    ("StopTransactionOnInvalidId", "true", "RW", _boolean),
    ("StopTxnAlignedData", "", "RW", _only("")),
    ("StopTxnSampledData", "", "RW", _only("")),
    ("SupportedFeatureProfiles", "Core,RemoteTrigger", "R", _text),
    ("TransactionMessageAttempts", "3", "RW", _positive),
    ("TransactionMessageRetryInterval", "60", "RW", _number),
    ("UnlockConnectorOnEVSideDisconnect", "true", "RW", _boolean),
    ("WebSocketPingInterval", "60", "RW", _number),
)


class Configuration:
    """The values of the keys; ``values`` are set at the start.

    A change by the central system is written to the file before it has any effect, and `restore` takes it from there.
    The file holds the AuthorizationKey, as it must: guard it as you guard the key. Everything that reads or writes the
    file raises `StoreFailed` if it cannot.
    """

    def __init__(self, store: Store | str = ":memory:", **values: object) -> None:
        self._store = store_at(store)
        self.keys = {name: Key(name, value, access, valid) for name, value, access, valid in _TABLE}
        self.effects: dict[str, Callable[[str], object]] = {}
        """By key, what is told the new value of every accepted change, now or in an earlier life. Other keys take
        effect where they are read."""
        for name, value in values.items():
            self[name] = str(value)

    def __getitem__(self, name: str) -> str:
        return self.keys[name].value

    def __setitem__(self, name: str, value: str) -> None:
        """Set a key from our own side, whatever its access."""
        self.keys[name].value = value

    def find(self, name: str) -> Key | None:
        """A key by its name, in whatever case (core 7.17: CiString50Type)."""
        return next((key for key in self.keys.values() if key.name.lower() == name.lower()), None)

    def seconds(self, name: str) -> float:
        """A duration."""
        return float(self.keys[name].value)

    def number(self, name: str) -> int:
        """A count."""
        return int(self.keys[name].value)

    def enabled(self, name: str) -> bool:
        """A switch."""
        return self.keys[name].value.lower() == "true"

    def change(self, name: str, value: str) -> ConfigurationStatus:
        """ChangeConfiguration (core 5.3): unknown key → NotSupported; read-only key or bad value → Rejected.

        Raises `StoreFailed` if the change cannot be written; then nothing has changed.
        """
        key = self.find(name)
        if key is None:
            return "NotSupported"
        if key.access == "R" or not key.valid(value):
            return "Rejected"
        self._store.execute("INSERT OR REPLACE INTO configuration VALUES (?,?)", (key.name, value))
        self._take(key, value)
        return "Accepted"

    def _take(self, key: Key, value: str) -> None:
        key.value = value
        if effect := self.effects.get(key.name):
            effect(value)

    def restore(self) -> None:
        """Take every change of an earlier life again; one that is not valid any more is left out."""
        for name, value in self._store.execute("SELECT name, value FROM configuration"):
            if (key := self.find(name)) and key.access != "R" and key.valid(value):
                self._take(key, value)

    def close(self) -> None:
        """Close the file, whoever else keeps something in it."""
        self._store.close()

    def read(self, names: list[str] | None) -> tuple[list[KeyValue], list[str]]:
        """GetConfiguration (core 5.8): the keys asked for, all if none is named; and the names we do not know."""
        wanted = names or [name for name, key in self.keys.items() if key.access != "W"]
        known = [key for name in wanted if (key := self.find(name))]
        found = [
            # A write-only key exists, and says nothing (J-spec 6.2.2; whitepaper 7.2).
            KeyValue(key=key.name, readonly=key.access == "R", value=None if key.access == "W" else key.value)
            for key in known
        ]
        return found, [name for name in wanted if not self.find(name)]
