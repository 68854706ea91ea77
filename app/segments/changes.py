"""The form in which changes of facts are written down: (fact, bit, begins or ends). Pure.

Four bytes name the fact, four hold the bit and, as its lowest digit, whether the fact begins. What
ends comes first: so somebody who goes from one band of a tag to another is in their union after it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Change(NamedTuple):
    """A fact begins to hold (`on`) or ends."""

    fact: int
    bit: int
    on: bool


def pack(changes: Iterable[Change]) -> bytes:
    """Bytes of these changes, ends first."""
    ordered = sorted(changes, key=lambda change: change.on)
    numbers = [n for fact, bit, on in ordered for n in (fact, bit << 1 | on)]
    return pack_numbers(numbers)


def unpack(data: bytes) -> Iterator[Change]:
    """What `pack` was given."""
    numbers = unpack_numbers(data)
    for fact, coded in zip(numbers[::2], numbers[1::2], strict=True):
        yield Change(fact, coded >> 1, bool(coded & 1))


def pack_numbers(numbers: Iterable[int]) -> bytes:
    """Four bytes each."""
    listed = list(numbers)
    return struct.pack(f"<{len(listed)}I", *listed)


def unpack_numbers(data: bytes) -> tuple[int, ...]:
    """What `pack_numbers` was given."""
    return struct.unpack(f"<{len(data) // 4}I", data)
