"""Keys under which physicians meet who are worth comparing. Pure.

Comparing everybody with everybody is for nobody. Two are compared when one key is the same: the
name; its sound, in one hospital or one city; the surname in one department of one hospital; or the
surname and the last digits of a phone.
"""

from __future__ import annotations

from collections.abc import Iterator

from app.identity.names import spoken_surname
from app.linkage.features import Features

MOST = 200  # so many with one key say that it is worth nothing: 张伟 in a whole country


def keys(one: Features) -> Iterator[str]:
    """All keys of a physician; none without a name."""
    if not one.name:
        return
    yield f"n|{one.name}"
    if one.hospital:
        yield f"h|{one.pinyin}|{one.hospital}"
        if one.department:
            yield f"d|{spoken_surname(one.name)}|{one.hospital}|{one.department}"
    if one.city:
        yield f"c|{one.pinyin}|{one.city}"
    for tail in sorted(one.tails):
        yield f"t|{spoken_surname(one.name)}|{tail}"
