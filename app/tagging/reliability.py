"""How reliable each source is, as learned or set by hand; weights are made of nothing else.

    trust(session).of(source, tag_id)    what holds now: this tag's, else the source's, else a prior
    learn(session, learned, now)         what was learned is kept, and applied when it is news
    fix, release                         a person says what holds, or gives it back to learning

What is applied changes in the transaction that notes everybody who carries the tag by this source
(`identity/changed`), so audiences follow; nobody else is touched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity import changed
from app.infra.db import insert_once
from app.infra.errors import NotFound, Refused
from app.infra.stamp import Stamped
from app.tagging.models import Source, Tag, TagAssertion, TagReliability, TagReliabilityChange
from app.tagging.rules import moves, prior

ANY_TAG = 0
LEARNED_FROM = tuple(one for one in Source if one not in (Source.VERDICT, Source.PHYSICIAN))
"""A verdict holds by itself; whether people judge well is not measured by what is opened. What a
physician says of the own page is never doubted."""


@dataclass(frozen=True, slots=True)
class Trust:
    """`people`: how many carriers it was learned from, 0 for a prior; `fixed`: set by hand."""

    value: float
    people: int = 0
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Reliabilities:
    """What holds now. Pure."""

    known: dict[tuple[str, int], Trust]

    def of(self, source: str, tag_id: int) -> Trust:
        """How far to trust this source about this tag."""
        found = self.known.get((source, tag_id)) or self.known.get((source, ANY_TAG))
        return found or Trust(prior(source))


@dataclass(frozen=True, slots=True)
class Learned:
    """What the logs say of a source about a tag; see `TagReliability` for the columns."""

    source: str
    tag_id: int
    value: float
    low: float
    high: float
    people: int
    exposures: int
    opens: int
    expected: float
    informed: float


def trust(session: Session) -> Reliabilities:
    """What holds now, without asking the database for each."""
    return _TRUST.of(session)


def learn(session: Session, learned: Learned, now: datetime) -> bool:
    """Keep what was learned; True when it moved what is applied. What was set by hand stays."""
    row = _row(session, learned.source, learned.tag_id)
    row.learned, row.low, row.high = learned.value, learned.low, learned.high
    row.people, row.exposures, row.opens = learned.people, learned.exposures, learned.opens
    row.expected, row.informed, row.learned_at = learned.expected, learned.informed, now
    if row.fixed_by is not None or not moves(row.applied, learned.value):
        session.flush()
        return False
    _apply(session, row, learned.value, actor="system", reason=None, now=now)
    return True


def fix(
    session: Session, source: str, tag_id: int, value: float, *, actor: str, reason: str,
    now: datetime,
) -> TagReliability:  # fmt: skip
    """From now on this value holds, whatever is learned. Raises Refused, NotFound."""
    if not 0.0 <= value <= 0.99:
        raise Refused("可信度请填 0 到 99 之间的百分数。")
    if not reason.strip():
        raise Refused("请写明固定可信度的理由，之后会显示给其他人。")
    _check(session, source, tag_id)
    row = _row(session, source, tag_id)
    row.fixed_by, row.fixed_at = actor, now
    _apply(session, row, value, actor=actor, reason=reason.strip(), now=now)
    return row


def release(
    session: Session, source: str, tag_id: int, *, actor: str, now: datetime
) -> TagReliability:
    """What was learned holds again, or the prior when nothing was. Raises NotFound, Refused."""
    _check(session, source, tag_id)
    row = session.get(TagReliability, (source, tag_id), with_for_update=True)
    if row is None or row.fixed_by is None:
        raise Refused("这个可信度没有被固定，不需要恢复。")
    row.fixed_by, row.fixed_at = None, None
    back = prior(source) if row.learned is None else row.learned
    _apply(session, row, back, actor=actor, reason=None, now=now)
    return row


def reliabilities(session: Session) -> Sequence[TagReliability]:
    """All that is kept."""
    order = (TagReliability.source, TagReliability.tag_id)
    return session.scalars(select(TagReliability).order_by(*order)).all()


def reliability_changes(
    session: Session, source: str, tag_id: int, limit: int = 20
) -> Sequence[TagReliabilityChange]:
    """What was applied when and why, newest first."""
    mine = (TagReliabilityChange.source == source, TagReliabilityChange.tag_id == tag_id)
    newest = TagReliabilityChange.id.desc()
    return session.scalars(
        select(TagReliabilityChange).where(*mine).order_by(newest).limit(limit)
    ).all()


def _check(session: Session, source: str, tag_id: int) -> None:
    if source not in LEARNED_FROM:
        raise NotFound("没有这个来源。")
    if tag_id != ANY_TAG and session.get(Tag, tag_id) is None:
        raise NotFound("没有这个标签。")


def _row(session: Session, source: str, tag_id: int) -> TagReliability:
    """The row, held until the commit; a new one applies what held without it."""
    values = {
        "source": source, "tag_id": tag_id, "applied": trust(session).of(source, tag_id).value,
        "people": 0, "exposures": 0, "opens": 0, "expected": 0.0, "informed": 0.0,
    }  # fmt: skip
    if insert_once(session, TagReliability, values, "source", "tag_id"):
        _TRUST.changed(session)
    return session.get_one(TagReliability, (source, tag_id), with_for_update=True)


def _apply(
    session: Session, row: TagReliability, value: float, *, actor: str, reason: str | None,
    now: datetime,
) -> None:  # fmt: skip
    session.add(
        TagReliabilityChange(
            source=row.source, tag_id=row.tag_id, was=row.applied, became=value,
            people=row.people, at=now, actor=actor, reason=reason,
        )
    )  # fmt: skip
    row.applied = value
    session.flush()
    _TRUST.changed(session)
    _note_carriers(session, row.source, row.tag_id)


def _note_carriers(session: Session, source: str, tag_id: int) -> None:
    """Whose weights change: carriers of this tag, or of those that have no row of their own."""
    of_source = (TagAssertion.source == source, TagAssertion.superseded_at.is_(None))
    if tag_id != ANY_TAG:
        changed.note_all(
            session, TagAssertion.identifier_id, TagAssertion.tag_id == tag_id, *of_source
        )
        return
    own = select(TagReliability.tag_id).where(TagReliability.source == source)
    for other in session.scalars(select(Tag.id).where(Tag.id.not_in(own))).all():
        changed.note_all(
            session, TagAssertion.identifier_id, TagAssertion.tag_id == other, *of_source
        )


def _read(session: Session) -> Reliabilities:
    rows = session.execute(
        select(
            TagReliability.source, TagReliability.tag_id, TagReliability.applied,
            TagReliability.people, TagReliability.fixed_by,
        )
    )  # fmt: skip
    return Reliabilities({
        (source, tag_id): Trust(applied, people, fixed_by is not None)
        for source, tag_id, applied, people, fixed_by in rows
    })  # fmt: skip


_TRUST = Stamped("reliability", _read)
