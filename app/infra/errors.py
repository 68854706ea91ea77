"""The errors a caller can act on. The type says what to do next."""

from __future__ import annotations


class YishuError(Exception):
    """Base of all errors we raise on purpose."""


class Transient(YishuError):
    """Try again later; nothing is wrong with the request itself."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Permanent(YishuError):
    """Trying again cannot help: a person or the data must change."""


class Refused(Permanent):
    """What the user asked is not allowed or not possible; `str()` is a sentence for them."""


class NotFound(Permanent):
    """The thing does not exist, or not for this user."""


class Misconfigured(Permanent):
    """A setting is missing or unusable; the message names it and says what to do."""
