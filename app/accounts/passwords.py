"""Password hashing with argon2id, parameters of the argon2-cffi defaults (RFC 9106, low memory)."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10

_hasher = PasswordHasher()
# Checked when the login does not exist, so that both cases take equally long.
_DECOY = _hasher.hash("a password that nobody has")


def seal(password: str) -> str:
    """The hash to store."""
    return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """True when `password` belongs to `stored`; None (no such user) takes as long and is False."""
    try:
        _hasher.verify(stored or _DECOY, password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


def is_outdated(stored: str) -> bool:
    """True when the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(stored)
