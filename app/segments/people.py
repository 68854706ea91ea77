"""Who the bits of a set are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyroaring import BitMap
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.segments.models import SegmentPerson

ROWS = 1000
DENSE = 20  # of so many bits one: then ranges are read and not single rows


def one_ids(session: Session, bits: BitMap) -> Iterator[str]:
    """Who they are; of many not by asking for each."""
    if not bits:
        return
    if len(bits) * DENSE < bits.max() - bits.min():
        yield from by_bit(session, bits).values()
        return
    chosen = select(SegmentPerson.bit, SegmentPerson.one_id)
    step = ROWS * DENSE
    for start in range(bits.min(), bits.max() + 1, step):
        here = SegmentPerson.bit.between(start, start + step - 1)
        yield from (one_id for bit, one_id in session.execute(chosen.where(here)) if bit in bits)


def by_bit(session: Session, bits: BitMap | Sequence[int]) -> dict[int, str]:
    wanted, found = list(bits), {}
    chosen = select(SegmentPerson.bit, SegmentPerson.one_id)
    for start in range(0, len(wanted), ROWS):
        piece = SegmentPerson.bit.in_(wanted[start : start + ROWS])
        found.update(dict(session.execute(chosen.where(piece)).all()))
    return found


def bits_of(session: Session, people: Sequence[str]) -> BitMap:
    """The bits of these ONE IDs, of those who have one."""
    found = BitMap()
    for start in range(0, len(people), ROWS):
        piece = SegmentPerson.one_id.in_(people[start : start + ROWS])
        found |= BitMap(session.scalars(select(SegmentPerson.bit).where(piece)))
    return found
