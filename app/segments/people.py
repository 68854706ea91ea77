"""Who the bits of a set are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pyroaring import BitMap
from sqlalchemy import ARRAY, BigInteger, ColumnElement, String, any_, bindparam, cast, func, select
from sqlalchemy.orm import Session

from app.infra.direct import Direct
from app.segments.models import SegmentPerson

ROWS = 1000
MANY = 10_000  # bits of one statement
DENSE = 3  # of so many bits one: then ranges are read and not single rows


def one_ids(session: Session, bits: BitMap) -> Iterator[str]:
    """Who they are; of many not by asking for each."""
    if not bits:
        return
    if len(bits) * DENSE < bits.max() - bits.min():
        yield from by_bit(session, bits).values()
        return
    for start in range(bits.min(), bits.max() + 1, MANY):
        found = _RANGE.all(session, {"first": start, "last": start + MANY - 1})
        yield from (one_id for bit, one_id in found if bit in bits)


def by_bit(session: Session, bits: BitMap | Sequence[int]) -> dict[int, str]:
    """ONE IDs of those of these bits that somebody has. One parameter holds all of them: thousands
    of parameters cost more than the rows."""
    wanted, found = list(bits), dict[int, str]()
    dialect = session.get_bind().dialect.name
    for start in range(0, len(wanted), MANY):
        piece = ",".join(map(str, wanted[start : start + MANY]))
        text = f"{{{piece}}}" if dialect == "postgresql" else f"[{piece}]"
        found.update(_NAMED[dialect].all(session, {"bits": text}))
    return found


def bits_of(session: Session, people: Sequence[str]) -> BitMap:
    """The bits of these ONE IDs, of those who have one."""
    found = BitMap()
    for start in range(0, len(people), ROWS):
        piece = SegmentPerson.one_id.in_(people[start : start + ROWS])
        found |= BitMap(session.scalars(select(SegmentPerson.bit).where(piece)))
    return found


def _named(which: ColumnElement[bool]) -> Direct[Any]:
    chosen = select(SegmentPerson.bit, SegmentPerson.one_id).where(which)
    return Direct(chosen, _pair, large=True)


def _pair(bit: int, one_id: str) -> tuple[int, str]:
    return bit, one_id


def _listed() -> ColumnElement[bool]:
    value = func.json_each(bindparam("bits", type_=String)).table_valued("value")
    return SegmentPerson.bit.in_(select(value.c.value))


_NAMED = {
    "sqlite": _named(_listed()),
    "postgresql": _named(
        SegmentPerson.bit == any_(cast(bindparam("bits", type_=String), ARRAY(BigInteger)))
    ),
}
_RANGE = _named(SegmentPerson.bit.between(bindparam("first"), bindparam("last")))
