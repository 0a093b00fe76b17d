"""HTTP Basic as OCPP means it: the identity and a key of raw bytes (J-spec 6.2.2; whitepaper A00.FR.2xx)."""

from __future__ import annotations

import base64
from random import Random

import pytest

from ocpp_lab.credentials import NO_KEY, basic_auth, key_bytes, may_enter, password_of, read_key, same_key, seal

IDENTITY, KEY = "AL1000", "0001020304050607FFFFFFFFFFFFFFFFFFFFFFFF"
HEADER = "Basic QUwxMDAwOgABAgMEBQYH////////////////"


def _header(identity: str | bytes, password: str | bytes, kind: str = "Basic") -> str:
    as_bytes = [part if isinstance(part, bytes) else part.encode() for part in (identity, password)]
    return f"{kind} {base64.b64encode(b':'.join(as_bytes)).decode()}"


def test_the_example_of_the_specification() -> None:
    """J-spec 6.2.2: the key goes over the line as twenty raw bytes, not as text."""
    assert basic_auth(IDENTITY, KEY) == HEADER
    assert basic_auth(IDENTITY, bytes.fromhex(KEY)) == HEADER
    assert may_enter(HEADER, IDENTITY, KEY)
    assert may_enter(HEADER, IDENTITY, bytes.fromhex(KEY))


@pytest.mark.parametrize(
    ("key", "raw"),
    [
        (KEY, bytes.fromhex(KEY)),
        (KEY.lower(), bytes.fromhex(KEY)),
        ("ab" * 16, b"\xab" * 16),
        ("ab" * 15, b"ab" * 15),  # too short for a key in hex: text
        ("ab" * 21, b"ab" * 21),
        ("a" * 33, b"a" * 33),  # odd
        ("xy" * 20, b"xy" * 20),
        ("passwörd", "passwörd".encode()),
        (b"0001020304050607", b"0001020304050607"),  # bytes are taken as they are
    ],
)
def test_what_a_key_stands_for(key: str | bytes, raw: bytes) -> None:
    """32 to 40 hex digits are 16 to 20 bytes; any other text is its own UTF-8."""
    assert key_bytes(key) == raw


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        _header(IDENTITY, KEY),  # the hex text, as libocpp sends it for a key that is not printable
        _header(IDENTITY, KEY.lower()),
        _header(IDENTITY, bytes.fromhex(KEY), kind="basic"),  # RFC 7617 2: the scheme is case-insensitive
    ],
)
def test_the_door_opens(header: str) -> None:
    """Raw bytes or their hex text, for a key that is set in either form."""
    assert may_enter(header, IDENTITY, KEY)
    assert may_enter(header, IDENTITY, bytes.fromhex(KEY))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic QUwxMDAw",  # the identity alone
        "Basic ÿ",
        "Bearer " + HEADER.removeprefix("Basic "),
        HEADER.removeprefix("Basic "),
        HEADER[:-4],
        _header("AL1001", bytes.fromhex(KEY)),
        _header("al1000", bytes.fromhex(KEY)),
        _header("", bytes.fromhex(KEY)),
        _header(IDENTITY, b""),
        _header(IDENTITY, bytes.fromhex(KEY)[:-1]),
        _header(IDENTITY, bytes.fromhex(KEY) + b"\0"),
        _header(IDENTITY, KEY[:-1]),
        _header(IDENTITY, "secret"),
        _header(b"\xff\xfe", b"\xff\xfe"),
    ],
)
def test_the_door_stays_shut(header: str | None) -> None:
    """Whatever comes, it is a refusal and never an exception: binary keys are no UTF-8."""
    assert not may_enter(header, IDENTITY, KEY)


def test_a_password_in_plain_words() -> None:
    """With a colon in it: the user ends at the first one (RFC 7617 2)."""
    assert may_enter(basic_auth("CP_1", "open: sesame"), "CP_1", "open: sesame")
    assert not may_enter(basic_auth("CP_1", "open: sesame"), "CP_1", "open")
    assert may_enter(basic_auth("Säule 1", "ключ"), "Säule 1", "ключ")


# Sealed ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, bytes.fromhex(KEY), "passwörd", "ab" * 15])
def test_a_sealed_key_fits_what_opens_the_door(key: str | bytes) -> None:
    """Raw bytes or their hex text, as with the key itself; and nothing else."""
    sealed, raw = seal(key), key_bytes(key)
    for password in (raw, raw.hex().encode(), raw.hex().upper().encode()):
        assert sealed.fits(password) and may_enter(_header(IDENTITY, password), IDENTITY, key)
    for password in (b"", raw[:-1], raw + b"\0", b" " + raw.hex().encode(), b"another"):
        assert not sealed.fits(password) and not may_enter(_header(IDENTITY, password), IDENTITY, key)


def test_a_seal_tells_no_key() -> None:
    """16 bytes of salt and a SHA-256 over both. The same key twice gives two seals."""
    one, two = seal(KEY), seal(KEY)
    assert one != two and one.digest != two.digest and (len(one.salt), len(one.digest)) == (16, 32)
    assert bytes.fromhex(KEY) not in one.salt + one.digest


def test_no_key_fits_nothing() -> None:
    """It stands where none is needed; it is no key that somebody could guess."""
    assert not NO_KEY.fits(b"") and not NO_KEY.fits(b"00")


@pytest.mark.parametrize(
    ("header", "password"),
    [
        (HEADER, bytes.fromhex(KEY)),
        (_header(IDENTITY, ""), b""),
        (_header(IDENTITY, "with:colons"), b"with:colons"),
        (_header("AL1001", KEY), None),
        (_header(IDENTITY, KEY, kind="Digest"), None),
        ("Basic " + base64.b64encode(IDENTITY.encode()).decode(), None),  # no colon
        ("Basic ****", None),
        ("", None),
        (None, None),
    ],
)
def test_the_password_in_a_header(header: str | None, password: bytes | None) -> None:
    assert password_of(header, IDENTITY) == password


# A key of the whitepaper ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [KEY, KEY.lower(), "ab" * 16, "0" * 34])
def test_a_key_in_hex(key: str) -> None:
    assert read_key(key) == bytes.fromhex(key)


@pytest.mark.parametrize(
    "text", ["", "ab" * 15, "a" * 33, "ab" * 21, "0x" + "ab" * 16, " " + "ab" * 16, "ab " * 12, "xy" * 16, "１" * 32]
)
def test_what_is_no_key(text: str) -> None:
    """Whitepaper A00.FR.205: 16 to 20 bytes, as hexadecimal text, and nothing around them. The value is not told."""
    with pytest.raises(ValueError, match=r"expected 32 to 40 hexadecimal digits, an even number of them, came \d+"):
        read_key(text)


def test_any_bytes_are_a_key() -> None:
    """Colons, blanks, 0xFF: the key is random bytes; it comes back whole, and as hex text in any case."""
    draw = Random(9)
    for _ in range(200):
        key = bytes(draw.choice(b":\x00 \xff\x80a") for _ in range(draw.randint(16, 20)))
        assert password_of(basic_auth(IDENTITY, key), IDENTITY) == key
        for password in (key, key.hex().encode(), key.hex().upper().encode()):
            assert same_key(password, key)
        for password in (b"", key[:-1], key + b":", key[1:], b":" + key):
            assert not same_key(password, key)


def test_headers_from_an_attacker() -> None:
    """Whatever comes: None, and never an exception."""
    draw = Random(9)
    for _ in range(500):
        junk = "".join(
            chr(draw.choice([draw.randrange(128), draw.randrange(0x110000)])) for _ in range(draw.randint(0, 40))
        )
        for header in (junk, f"Basic {junk}", "Basic " + base64.b64encode(junk.encode(errors="replace")).decode()):
            assert password_of(header, IDENTITY) is None
    assert password_of("Basic " + "A" * 100_000, IDENTITY) is None


def test_a_key_is_compared_in_constant_time() -> None:
    class Guarded(bytes):
        def __eq__(self, other: object) -> bool:
            raise AssertionError("== stops at the first wrong byte, and a clock sees where")

        __hash__ = bytes.__hash__

    assert same_key(Guarded(bytes.fromhex(KEY)), Guarded(bytes.fromhex(KEY)))
