"""Which firmware is installed? What the manufacturer signed, whole, by RSA-PSS or ECDSA (whitepaper L01; 2.6.2)."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.x509.oid import ExtendedKeyUsageOID

from ocpp_lab import Store, security
from ocpp_lab.charge_point.maker import Maker
from ocpp_lab.charge_point.wallet import Wallet
from tests.chains import DAY, NIGHT, holder, name, root, rsa_key

MAKER = root("Maker Root", "Maker")
FIRMWARE = os.urandom(10_000)
PSS = padding.PSS(padding.MGF1(SHA256()), padding.PSS.MAX_LENGTH)
KEY = rsa_key(3072)
SIGNER = holder(name("Firmware", "Maker"), MAKER, key=KEY, purposes=[ExtendedKeyUsageOID.CODE_SIGNING])


def text(signature: bytes) -> str:
    return base64.b64encode(signature).decode()


RIGHT = text(KEY.sign(FIRMWARE, PSS, SHA256()))


def test_what_the_manufacturer_signed() -> None:
    assert security.signing_certificate_trouble(SIGNER.pem, [MAKER.pem], NIGHT) is None
    assert security.signature_trouble(FIRMWARE, RIGHT, SIGNER.pem) is None
    wrapped = "\n".join(RIGHT[at : at + 64] for at in range(0, len(RIGHT), 64))
    assert security.signature_trouble(FIRMWARE, wrapped, SIGNER.pem) is None
    curve = holder(name("Firmware", "Maker"), MAKER)
    signature = curve.key.sign(FIRMWARE, ec.ECDSA(SHA256()))
    assert security.signature_trouble(FIRMWARE, text(signature), curve.pem) is None


@pytest.mark.parametrize(
    ("firmware", "signature", "why"),
    [
        (FIRMWARE[:-1] + bytes([FIRMWARE[-1] ^ 1]), RIGHT, "wrong-signature"),
        (FIRMWARE[:-1], RIGHT, "wrong-signature"),
        (FIRMWARE, text(KEY.sign(FIRMWARE, padding.PKCS1v15(), SHA256())), "wrong-signature"),  # L01.FR.04: RSA-PSS
        (FIRMWARE, text(KEY.sign(FIRMWARE, padding.PSS(padding.MGF1(SHA512()), 32), SHA512())), "wrong-signature"),
        (FIRMWARE, text(rsa_key(3072, 1).sign(FIRMWARE, PSS, SHA256())), "wrong-signature"),
        (FIRMWARE, "", "wrong-signature"),
        (FIRMWARE, "no base64!", "unreadable"),
    ],
    ids=["bit", "short", "PKCS1", "SHA512", "other key", "none", "no base64"],
)
def test_what_is_not_installed(firmware: bytes, signature: str, why: str) -> None:
    assert security.signature_trouble(firmware, signature, SIGNER.pem) == why


def test_whose_certificate_signs_firmware() -> None:
    """The operator's root does not, nor a certificate in between (L01: no intermediate certificates)."""

    def judged(pem: str, **options: Any) -> str | None:
        return security.signing_certificate_trouble(pem, [MAKER.pem], options.get("at", NIGHT))

    assert judged(holder(name("Firmware"), root()).pem) == "untrusted"
    assert security.signing_certificate_trouble(SIGNER.pem, [], NIGHT) == "untrusted"
    between = holder(name("Sub", "Maker"), MAKER, authority=True)
    assert judged(holder(name("Firmware", "Maker"), between).pem + between.pem) == "untrusted"
    assert judged(SIGNER.pem, at=NIGHT + 400 * DAY) == "out-of-date"
    assert judged(holder(name("Firmware", "Maker"), MAKER, key=rsa_key(1024)).pem) == "weak-key"
    assert judged("nothing") == "unreadable"


@pytest.mark.skipif(not which("openssl"), reason="no openssl command")
def test_a_signature_made_by_openssl(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(SIGNER.key_pem)
    (tmp_path / "firmware").write_bytes(FIRMWARE)
    padded = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
    command = ["openssl", "dgst", "-sha256", "-sign", "key.pem", *padded, "-out", "signature", "firmware"]
    subprocess.run(command, check=True, cwd=tmp_path, capture_output=True)
    signature = (tmp_path / "signature").read_bytes()
    assert security.signature_trouble(FIRMWARE, text(signature), SIGNER.pem) is None


def test_the_roots_of_the_wallet_decide() -> None:
    """Those of the manufacturer; the operator may install as many of his own as he likes."""
    wallet, noted = Wallet(Store()), list[tuple[str, str]]()
    maker = Maker(wallet, lambda: NIGHT, lambda type, info: noted.append((type, info)))
    wallet.put_root("CentralSystemRootCertificate", root().pem)
    own = holder(name("Firmware"), root()).pem
    assert maker.certificate_trouble(own) == "no root certificate of the manufacturer is installed"
    assert not maker.demanded()
    wallet.put_root("ManufacturerRootCertificate", MAKER.pem)
    assert maker.demanded()
    assert maker.certificate_trouble(SIGNER.pem) is None and maker.certificate_trouble(own) == "untrusted"
    assert maker.signature_trouble(FIRMWARE, RIGHT, SIGNER.pem) is None
    maker.event("InvalidFirmwareSignature", "x")
    assert noted == [("InvalidFirmwareSignature", "x")]
