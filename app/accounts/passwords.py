"""Password hashing with argon2id, parameters of the argon2-cffi defaults (RFC 9106, low memory)."""

from __future__ import annotations

import secrets
from base64 import b64encode
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10

_hasher = PasswordHasher()


def seal(password: str) -> str:
    """The hash to store."""
    return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """True when `password` belongs to `stored`; None (no such user) takes as long and is False."""
    try:
        _hasher.verify(stored or _decoy(_hasher), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """True when the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)


@cache
def _decoy(hasher: PasswordHasher) -> str:
    """What is checked when the login does not exist, so that both cases take equally long.

    Random bytes in the place of a hash: nobody has its password, and making it takes no time.
    """
    salt, seal_ = (_unpadded(secrets.token_bytes(n)) for n in (hasher.salt_len, hasher.hash_len))
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v=19${cost}${salt}${seal_}"


def _unpadded(data: bytes) -> str:
    return b64encode(data).decode().rstrip("=")
