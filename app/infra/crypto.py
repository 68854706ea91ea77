"""Encryption of personal data at rest, with rotation, and blind indexes for look-up.

A stored value is `key id (4 bytes) ‖ nonce (12) ‖ AES-256-GCM ciphertext and tag`. The associated
data names table and column, so that a value cannot be moved to another column unnoticed.

A blind index is HMAC-SHA256 under its own key: equal values give equal indexes and nothing else
is learned without the key. The index key must not change when encryption keys rotate.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.infra.errors import Misconfigured, Permanent

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
ID_BYTES = 4
EMPTY_BYTES = ID_BYTES + NONCE_BYTES + TAG_BYTES  # what is left of an encrypted ""
INDEX_KEY_ID = "index"


class Undecryptable(Permanent):
    """The value was tampered with, moved, or encrypted under a key that is not configured."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys by id, the first one encrypts; all of them decrypt."""

    current: bytes
    keys: dict[bytes, AESGCM]
    index_key: bytes

    @classmethod
    def parse(cls, text: str) -> KeyRing:
        """`id:key,id:key …`, newest first. A key is 32 bytes in base64 or hex.

        An entry `index:key` sets the blind-index key; without it the oldest key gives it, which
        then must stay in the list. A bare key gets an id from its own hash. Raises Misconfigured.
        """
        entries = [_entry(part.strip()) for part in text.split(",") if part.strip()]
        ring = [(name, key) for name, key in entries if name != INDEX_KEY_ID]
        if not ring:
            raise Misconfigured("YISHU_ENCRYPTION_KEYS holds no key; make one: yishu keys new")
        index = dict(entries).get(INDEX_KEY_ID) or ring[-1][1]
        return cls(
            current=_key_id(ring[0][0]),
            keys={_key_id(name): AESGCM(_derive(key, b"encrypt")) for name, key in ring},
            index_key=_derive(index, b"blind index"),
        )

    def encrypt(self, plain: bytes, context: str) -> bytes:
        """Ciphertext of `plain`, bound to `context` (table.column)."""
        nonce = os.urandom(NONCE_BYTES)
        box = self.keys[self.current].encrypt(nonce, plain, context.encode())
        return self.current + nonce + box

    def decrypt(self, stored: bytes, context: str) -> bytes:
        """The plain value. Raises Undecryptable."""
        key = self.keys.get(stored[:ID_BYTES])
        if key is None:
            raise Undecryptable(f"{context}: encrypted under a key that is not configured")
        nonce, box = stored[ID_BYTES : ID_BYTES + NONCE_BYTES], stored[ID_BYTES + NONCE_BYTES :]
        try:
            return key.decrypt(nonce, box, context.encode())
        except InvalidTag:
            raise Undecryptable(f"{context}: value was changed or moved") from None

    def is_current(self, stored: bytes) -> bool:
        """False when the value should be encrypted again under the newest key."""
        return stored[:ID_BYTES] == self.current

    def blind_index(self, value: str, context: str) -> bytes:
        """32 bytes that are equal for equal values of one context."""
        return hmac.digest(self.index_key, f"{context}\x00{value}".encode(), hashlib.sha256)


_ring: KeyRing | None = None


def install(ring: KeyRing) -> None:
    """Make `ring` the one that encrypted columns use. Called once, by bootstrap."""
    global _ring
    _ring = ring


def ring() -> KeyRing:
    """The installed key ring. Raises Misconfigured before `install`."""
    if _ring is None:
        raise Misconfigured("No encryption keys are installed; build through app.bootstrap")
    return _ring


def blind_index(value: str, context: str) -> bytes:
    """`KeyRing.blind_index` of the installed ring."""
    return ring().blind_index(value, context)


def new_key() -> str:
    """A fresh random key, as base64 for YISHU_ENCRYPTION_KEYS."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode()


def _entry(part: str) -> tuple[str, bytes]:
    name, colon, key = part.partition(":")
    if not colon:
        name, key = "", part
    raw = _decode(key)
    return name or hashlib.sha256(raw).hexdigest()[:8], raw


def _decode(text: str) -> bytes:
    for decode in (bytes.fromhex, lambda t: base64.b64decode(t, altchars=b"-_", validate=True)):
        try:
            raw = decode(text)
        except (ValueError, binascii.Error):
            continue
        if len(raw) == KEY_BYTES:
            return raw
    if len(text) < KEY_BYTES:
        raise Misconfigured(
            "YISHU_ENCRYPTION_KEYS: each key needs 32 random bytes in base64 or hex; "
            "make one: yishu keys new"
        )
    return hashlib.sha256(text.encode()).digest()  # a long passphrase is accepted as it is


def _key_id(name: str) -> bytes:
    return hashlib.sha256(name.encode()).digest()[:ID_BYTES]


def _derive(key: bytes, purpose: bytes) -> bytes:
    return hmac.digest(key, b"yishu " + purpose, hashlib.sha256)
