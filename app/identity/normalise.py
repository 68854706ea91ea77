"""Identifiers in one form, and the values that never identify anybody. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from app.identity.models import Kind

OPEN_PLATFORM = "open"  # the namespace of unionids: one open-platform account
_MOBILE = re.compile(r"\+861[3-9]\d{9}")
_NOBODY = frozenset(
    {
        *("", "null", "none", "undefined", "anonymous", "unknown", "nil", "n/a", "0", "-1", "-"),
        *("无", "未知", "暂无", "空"),
        *(make(b"").hexdigest() for make in (hashlib.md5, hashlib.sha1, hashlib.sha256)),
    }
)
_BLOCKED_PHONES = frozenset({"+8613800000000", "+8613800138000", "+8613900000000"})
MAX_VALUE = 128


@dataclass(frozen=True, slots=True)
class Id:
    """(kind, namespace, value) in normal form; `str()` hides the value."""

    kind: Kind
    namespace: str
    value: str

    def __str__(self) -> str:
        return f"{self.kind.value}@{self.namespace or '-'}"

    __repr__ = __str__


def make_id(kind: Kind | str, value: str, namespace: str = "") -> Id | None:
    """The identifier in normal form, or None when the value cannot identify anybody."""
    kind = Kind(kind)
    text = unicodedata.normalize("NFKC", value).strip()
    if text.lower() in _NOBODY or len(text) > MAX_VALUE:
        return None
    if kind is Kind.PHONE:
        phone = normal_phone(text)
        return Id(kind, "", phone) if phone else None
    if kind is Kind.LICENCE_NO:
        text = re.sub(r"[\s\-]", "", text).upper()
        if len(text) < 6 or is_monotonous(text):
            return None
        return Id(kind, "", text)
    if kind is Kind.UNIONID:
        return Id(kind, namespace or OPEN_PLATFORM, text)
    return Id(kind, namespace, text)


def normal_phone(text: str) -> str | None:
    """A Chinese mobile number as +86…; None for switchboards, service and invented numbers.

    A landline, 400/800 or 95xxx number belongs to a hospital or a company, never to a person.
    """
    digits = re.sub(r"[\s\-()（）.]", "", text)
    digits = re.sub(r"^(\+?86|0086)(?=1\d{10}$)", "", digits)
    phone = f"+86{digits}"
    if not _MOBILE.fullmatch(phone) or phone in _BLOCKED_PHONES or digits.endswith("00000000"):
        return None
    return phone


def is_monotonous(text: str) -> bool:
    """True for all-same or sequential characters: 00000000, 12345678, 98765432."""
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    return steps <= {0} or steps == {1} or steps == {-1}
