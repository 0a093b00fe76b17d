"""What every payload has in common, and the few types that all profiles share.

The declaration is the schema: camelCase on the wire, no additional fields (J-errata 3.1), limits in the type.
Constructors do not validate; `codec.encode_payload` does, before anything is sent.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_args

import msgspec
from msgspec import Meta, Struct


class Payload(Struct, rename="camel", forbid_unknown_fields=True, omit_defaults=True):
    """A JSON object of the specification. Optional fields are None when absent, and are then not sent.

    An explicit null in an optional field is read as absent. ``kw_only=True`` is not inherited: every payload with
    fields says it, because the order of fields means nothing on the wire.
    """


class Response(Payload):
    """The payload of a CallResult (the specification's ``.conf``)."""

    action: ClassVar[str]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.action = cls.__name__.removesuffix("Response")


class Request[R: Response](Payload):
    """The payload of a Call (the specification's ``.req``). ``Request[XResponse]`` is what types ``session.call``."""

    action: ClassVar[str]
    response_type: ClassVar[type[Response]]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.action = cls.__name__.removesuffix("Request")
        (cls.response_type,) = get_args(cls.__orig_bases__[0])  # type: ignore[attr-defined]


if TYPE_CHECKING:
    Timestamp = datetime
else:

    class Timestamp(datetime):
        """An instant: any aware `datetime` will do. On the wire it is UTC with milliseconds and ``Z``.

        A type of its own, so that msgspec asks the two hooks below instead of writing microseconds and offsets.
        """


def write_timestamp(value: Any) -> str:
    """msgspec's enc_hook: an instant as RFC 3339 text with milliseconds, and ``Z`` if it is in UTC.

    Raises NotImplementedError for any other type: that is how msgspec wants to hear of it.
    """
    if not isinstance(value, Timestamp):
        raise NotImplementedError(f"{type(value).__name__} has no place in an OCPP payload")
    # No astimezone(UTC): it would take a time without offset for local time, which reading back would never notice.
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


NO_OFFSET = "Expected `datetime` with a timezone component"
"""msgspec's wording; RFC 3339 wants an offset, and some charge points leave it out."""


def read_timestamp(kind: type, value: Any) -> datetime:
    """msgspec's dec_hook: RFC 3339 text as an aware instant in UTC. To its ValueError msgspec adds the path."""
    instant = _parse(value)
    if instant.tzinfo is None:
        raise ValueError(NO_OFFSET)
    return _in_utc(instant)


def read_timestamp_as_utc(kind: type, value: Any) -> datetime:
    """The lenient dec_hook: a time without an offset is taken for UTC."""
    instant = _parse(value)
    return _in_utc(instant.replace(tzinfo=instant.tzinfo or UTC))


def _parse(value: Any) -> datetime:
    if not isinstance(value, str):
        names = {type(None): "null", dict: "object", list: "array"}
        raise ValueError(f"Expected `datetime`, got `{names.get(type(value), type(value).__name__)}`")
    try:
        return msgspec.convert(value, datetime)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def _in_utc(instant: datetime) -> datetime:
    try:
        utc = instant.astimezone(UTC)
    except OverflowError:
        raise ValueError("Invalid RFC3339 encoded datetime: in UTC it lies outside of the years 1 to 9999") from None
    return Timestamp.combine(utc.date(), utc.timetz())


def one_decimal(field: str, value: Any) -> Any:
    """The same number, cleaned of float noise; ValueError if it has two decimals (core 7.13, 7.14).

    ``Meta(multiple_of=0.1)`` would refuse 21.4 and 989 more of the thousand values up to 100: 0.1 is no binary number.
    """
    if not isinstance(value, float):  # an int has no decimals; any other type is for msgspec to refuse
        return value
    rounded = round(value, 1)
    if rounded != value and not abs(value * 10 - rounded * 10) < 1e-6:
        raise ValueError(f"Expected `{field}` with one decimal, got {value}")
    return rounded


ConnectorId = Annotated[int, Meta(ge=1)]
"""One connector. They are numbered 1, 2, 3, … without gaps (core 3.8)."""
ConnectorIdOrZero = Annotated[int, Meta(ge=0)]
"""One connector; 0 stands for the charge point as a whole, or for its main meter (core 3.8)."""

# CiString20Type and its kin: case-insensitive, and the limit counts characters (core 7.15 to 7.19).
String20 = Annotated[str, Meta(max_length=20)]
String25 = Annotated[str, Meta(max_length=25)]
String50 = Annotated[str, Meta(max_length=50)]
String255 = Annotated[str, Meta(max_length=255)]
String500 = Annotated[str, Meta(max_length=500)]

IdToken = String20
"""Who charges, usually the number of a card. Compared without regard to case (core 7.28)."""

AuthorizationStatus = Literal["Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"]


class IdTagInfo(Payload, kw_only=True):
    """What the central system knows of an idTag (core 7.27)."""

    expiry_date: Timestamp | None = None
    parent_id_tag: IdToken | None = None
    status: AuthorizationStatus
