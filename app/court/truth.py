"""How well each tag of each source predicts what physicians open; tags that predict nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import tagging
from app.court.likelihood import wilson
from app.court.models import RetirementState, TagRetirement
from app.infra.errors import NotFound, Refused
from app.tagging import ANY_TAG, Learned, Tag, TagReliability

ENOUGH_PEOPLE, ENOUGH_CASES = 30, 15.0  # fewer say nothing yet
RETIRE_BELOW = 0.3  # even the upper end of the interval
RETIRE_PEOPLE = 50
MORE = 2  # times as many carriers after a rejection, before it is proposed again


@dataclass(frozen=True, slots=True)
class Truth:
    """A line of the table. `rate`: opened of what its carriers were sent, with its interval;
    `without`: what the same physicians would open if the tag meant nothing."""

    row: TagReliability
    tag_name: str  # "" for the whole source
    known: bool
    rate: float | None
    rate_low: float
    rate_high: float
    without: float | None

    @property
    def lift(self) -> float | None:
        """How many times as often it is opened as without the tag."""
        return self.rate / self.without if self.rate is not None and self.without else None


def truth(session: Session, *, source: str = "", tag_id: int | None = None) -> list[Truth]:
    """What was learned by tag and source, worst first; what is not known yet last."""
    names = dict(session.execute(select(Tag.id, Tag.name).where(Tag.active.is_(True))).all())
    found = [
        _line(row, names.get(row.tag_id, ""))
        for row in tagging.reliabilities(session)
        if (row.tag_id == ANY_TAG or row.tag_id in names)
        and (not source or row.source == source)
        and (tag_id is None or row.tag_id == tag_id)
    ]
    return sorted(found, key=lambda one: (not one.known, one.row.learned or 0.0, one.row.source))


def is_known(row: TagReliability | Learned) -> bool:
    """Whether there is enough to say something."""
    return row.people >= ENOUGH_PEOPLE and row.informed >= ENOUGH_CASES


def propose_retirements(session: Session, learned: Iterable[Learned], now: datetime) -> int:
    """Tags that surely predict nothing wait for somebody to decide; how many are new."""
    new = 0
    for one in learned:
        bad = one.people >= RETIRE_PEOPLE and is_known(one) and one.high < RETIRE_BELOW
        row = session.get(TagRetirement, one.tag_id)
        if row is not None and row.state == RetirementState.PROPOSED and not bad:
            session.delete(row)
            continue
        if not bad or not _may_ask(session, row, one):
            continue
        new += row is None or row.state != RetirementState.PROPOSED
        if row is None:
            row = TagRetirement(tag_id=one.tag_id)
            session.add(row)
        row.state, row.proposed_at, row.decided_by, row.decided_at = (
            RetirementState.PROPOSED, now, None, None,
        )  # fmt: skip
        row.value, row.high, row.people = one.value, one.high, one.people
        row.exposures, row.opens, row.expected = one.exposures, one.opens, one.expected
    session.flush()
    return new


def retirements(session: Session) -> Sequence[tuple[TagRetirement, Tag]]:
    """What waits for a decision, most carried first."""
    rows = session.execute(
        select(TagRetirement, Tag)
        .join(Tag, Tag.id == TagRetirement.tag_id)
        .where(TagRetirement.state == RetirementState.PROPOSED, Tag.active.is_(True))
        .order_by(TagRetirement.people.desc(), Tag.id)
    )
    return [(row, tag) for row, tag in rows]


def decide_retirement(
    session: Session, tag_id: int, *, accept: bool, actor: str, now: datetime
) -> Tag:
    """Retire the tag, or keep it and ask again only when much more is known. Raises NotFound,
    Refused."""
    row = session.get(TagRetirement, tag_id, with_for_update=True)
    tag = session.get(Tag, tag_id)
    if row is None or tag is None:
        raise NotFound("没有这个停用建议。")
    if row.state != RetirementState.PROPOSED:
        raise Refused("这个停用建议已经有人处理过了。")
    row.state = RetirementState.ACCEPTED if accept else RetirementState.REJECTED
    row.decided_by, row.decided_at = actor, now
    if accept:
        tagging.retire(session, tag.key, actor=actor, now=now)
    session.flush()
    return tag


def _may_ask(session: Session, row: TagRetirement | None, one: Learned) -> bool:
    if row is None or row.state == RetirementState.PROPOSED:
        return True
    tag = session.get_one(Tag, one.tag_id)
    return tag.active and one.people >= MORE * row.people


def _line(row: TagReliability, name: str) -> Truth:
    rate = row.opens / row.exposures if row.exposures else None
    low, high = wilson(rate or 0.0, row.exposures)
    without = row.expected / row.exposures if row.exposures else None
    return Truth(row, name, is_known(row), rate, low, high, without)
