"""The callback envelope that WeCom and the Official Account share. Pure.

    signature = hex(sha1(sorted([token, timestamp, nonce, encrypt]) joined))
    encrypt   = base64(AES-256-CBC(random 16 ‖ length 4 ‖ message ‖ receive id, PKCS#7 to 32))

Source: developer.work.weixin.qq.com/document/path/90968. Nothing is parsed, and no ciphertext is
touched, before the signature over it has been verified.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

MAX_BODY_BYTES = 64 * 1024
BLOCK = 32  # the platforms pad to 32 bytes, twice the cipher's block
HEAD = 20  # 16 random bytes and the length

_TIMESTAMP = re.compile(r"\d{10}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{40}")
_OPEN, _CLOSE, _CDATA, _CDATA_END = b"<Encrypt>", b"</Encrypt>", b"<![CDATA[", b"]]>"


class Rejected(Exception):
    """The request is not an authentic, fresh callback for us. `reason` is for counters only."""

    def __init__(self, reason: str) -> None:
        super().__init__("rejected")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Secrets:
    """Token, 43-character AES key and receive id of one callback address."""

    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    receive_id: str

    @property
    def key(self) -> bytes:
        """The 32-byte AES key. Raises ValueError for an unusable one."""
        return _key(self.aes_key)


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted message and what goes into the query with it."""

    encrypt: str
    signature: str
    timestamp: str
    nonce: str

    def xml(self, receiver: str, agent_id: str = "") -> bytes:
        """The outer XML body of a callback."""
        return (
            f"<xml><ToUserName><![CDATA[{receiver}]]></ToUserName>"
            f"<Encrypt><![CDATA[{self.encrypt}]]></Encrypt>"
            f"<AgentID><![CDATA[{agent_id}]]></AgentID></xml>"
        ).encode()

    def json(self, receiver: str, agent_id: str = "") -> bytes:
        """The outer JSON body of a callback."""
        return json.dumps(
            {"tousername": receiver, "encrypt": self.encrypt, "agentid": agent_id}
        ).encode()


def sign(token: str, *parts: str) -> str:
    """The platforms' signature over token and parts, in any order."""
    return hashlib.sha1("".join(sorted((token, *parts))).encode()).hexdigest()  # noqa: S324


def open_body(
    secrets: Secrets, args: Mapping[str, str], body: bytes, now: datetime, window_s: int
) -> bytes:
    """The decrypted message of a POST. Raises Rejected."""
    if len(body) > MAX_BODY_BYTES:
        raise Rejected("size")
    return open_text(secrets, args, envelope_text(body), now, window_s)


def open_text(
    secrets: Secrets, args: Mapping[str, str], encrypt: str, now: datetime, window_s: int
) -> bytes:
    """The plain text of `encrypt` when `msg_signature`, time and receiver fit. Raises Rejected."""
    timestamp, nonce = fresh(args, now, window_s)
    signature = args.get("msg_signature", "")
    if not _SIGNATURE.fullmatch(signature) or not encrypt.isascii():
        raise Rejected("form")
    expected = sign(secrets.token, timestamp, nonce, encrypt)
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Rejected("signature")
    message, receiver = decrypt(secrets.key, encrypt)
    if not hmac.compare_digest(receiver, secrets.receive_id.encode()):
        raise Rejected("receiver")
    return message


def fresh(args: Mapping[str, str], now: datetime, window_s: int) -> tuple[str, str]:
    """Timestamp and nonce when well formed and inside ±`window_s`. Raises Rejected.

    The strict form matters: the signature does not separate its parts, so "0170…" and "170…"
    with a shifted nonce would carry the same signature.
    """
    timestamp, nonce = args.get("timestamp", ""), args.get("nonce", "")
    if not _TIMESTAMP.fullmatch(timestamp) or not 0 < len(nonce) <= 64 or not nonce.isascii():
        raise Rejected("form")
    if abs(now.timestamp() - int(timestamp)) > window_s:
        raise Rejected("time")
    return timestamp, nonce


def envelope_text(body: bytes) -> str:
    """The one `Encrypt` of an XML or JSON envelope. Raises Rejected."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _json_encrypt(body)
    return _xml_encrypt(body)


def decrypt(key: bytes, encrypt: str) -> tuple[bytes, bytes]:
    """Message and receive id. Raises Rejected for anything malformed."""
    try:
        box = base64.b64decode(encrypt, validate=True)
    except (binascii.Error, ValueError):
        raise Rejected("base64") from None
    if not box or len(box) % 16:
        raise Rejected("length")
    decryptor = _cipher(key).decryptor()
    plain = decryptor.update(box) + decryptor.finalize()
    pad = plain[-1]
    if not 1 <= pad <= BLOCK or len(plain) < HEAD + pad or plain[-pad:] != bytes([pad]) * pad:
        raise Rejected("padding")
    (length,) = struct.unpack(">I", plain[16:HEAD])
    end = HEAD + length
    if end > len(plain) - pad:
        raise Rejected("message length")
    return plain[HEAD:end], plain[end:-pad]


def encrypt(key: bytes, message: bytes, receive_id: str, prefix: bytes | None = None) -> str:
    """Base64 ciphertext of `message`; `prefix` (16 bytes) is random unless a test gives it."""
    plain = (prefix or os.urandom(16)) + struct.pack(">I", len(message)) + message
    plain += receive_id.encode()
    pad = BLOCK - len(plain) % BLOCK
    encryptor = _cipher(key).encryptor()
    box = encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()
    return base64.b64encode(box).decode()


def seal(secrets: Secrets, message: bytes, *, timestamp: int, nonce: str) -> Sealed:
    """What a platform sends for `message`."""
    text = encrypt(secrets.key, message, secrets.receive_id)
    stamp = str(timestamp)
    return Sealed(text, sign(secrets.token, stamp, nonce, text), stamp, nonce)


def _xml_encrypt(body: bytes) -> str:
    # Plain searches and no pattern: strangers choose this body, and time must grow with its size.
    start, end = body.find(_OPEN) + len(_OPEN), body.find(_CLOSE)
    single = body.count(b"<Encrypt") == body.count(b"</Encrypt") == 1
    if not single or not len(_OPEN) <= start <= end or b"<!DOCTYPE" in body:
        raise Rejected("envelope")
    text = body[start:end].strip()
    if text.startswith(_CDATA) and text.endswith(_CDATA_END):
        text = text[len(_CDATA) : -len(_CDATA_END)].strip()
    if not text.isascii():
        raise Rejected("envelope")
    return text.decode("ascii")


def _json_encrypt(body: bytes) -> str:
    try:
        outer = json.loads(body.decode("utf-8-sig"), object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        raise Rejected("envelope") from None
    pairs = outer if isinstance(outer, tuple) else ()
    found = [value for name, value in pairs if name.lower() == "encrypt"]
    if len(found) != 1 or not isinstance(found[0], str):
        raise Rejected("envelope")
    return found[0]


@lru_cache(maxsize=64)
def _key(aes_key: str) -> bytes:
    if len(aes_key) != 43:
        raise ValueError("an EncodingAESKey has 43 characters")
    return base64.b64decode(aes_key + "=")


@lru_cache(maxsize=64)
def _cipher(key: bytes) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))
