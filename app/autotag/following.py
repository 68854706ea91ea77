"""Keeping what rules say up to date: after events, each night, and when a rule goes live.

One transaction at a time follows (as with audiences), so two workers never write two answers about
one physician. Windows are whole days in China: between two midnights only an event can change what
a rule says, and each night everybody is looked at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func, or_, select, text, update
from sqlalchemy.orm import Session

from app.autotag.conclude import conclude
from app.autotag.journeys import Library
from app.autotag.live import LIVE, Live
from app.autotag.models import TagRule, TagRuleSweep
from app.autotag.settle import Settled, settle
from app.identity import news
from app.identity.models import Physician
from app.infra.clock import local

LOCK = 0x41_55_54_4F  # any constant
MARKS, PIECE = 50, 200  # marks and physicians of one transaction
DISCARDED = 5000  # marks at once while no rule is live
KEPT = 60  # sweeps that are remembered


def is_due(session: Session) -> bool:
    """True when something has happened that nobody has followed."""
    return news.are_waiting(session)


def is_sweep_due(session: Session, now: datetime) -> bool:
    """True when everybody is being looked at, or it is time to."""
    return _unfinished(session) is not None or _is_time(session, now)


def fold(session: Session, library: Library, now: datetime) -> int:
    """Follow some news; how many marks there were. 0 also while another follows."""
    if not hold(session):
        return 0
    rules = LIVE.of(session)
    marks = news.waiting(session, MARKS if rules else DISCARDED)
    if not marks.ids:
        return 0
    asked = {
        one_id: touched
        for one_id, kinds in marks.kinds.items()
        if (touched := [rule for rule in rules if rule.can_follow_from(kinds)])
    }
    answer(session, asked, library, now)
    news.followed(session, marks.ids)
    return len(marks.ids)


def answer(
    session: Session, asked: dict[str, Sequence[Live]] | dict[str, list[Live]], library: Library,
    now: datetime,
) -> Settled:  # fmt: skip
    """Write down what these rules say of each; those that were asked about the same together."""
    given = taken = 0
    groups: dict[tuple[int, ...], list[str]] = {}
    for one_id, of in asked.items():
        groups.setdefault(tuple(one.id for one in of), []).append(one_id)
    wanted = conclude(session, asked, library, now) if asked else {}
    for ids, people in groups.items():
        done = settle(session, {one_id: wanted[one_id] for one_id in people}, ids, now)
        given, taken = given + done.given, taken + done.taken
    return Settled(given, taken)


def sweep(session: Session, library: Library, now: datetime) -> int:
    """Look at the next few of everybody, beginning when it is time; how many that were."""
    if not hold(session):
        return 0
    at = _unfinished(session) or _begin(session, now)
    if at is None:
        return 0
    chosen = select(Physician.one_id).where(Physician.one_id > at.cursor)
    people = session.scalars(chosen.order_by(Physician.one_id).limit(PIECE)).all()
    rules = [one for one in LIVE.of(session) if one.id in set(at.rules)]
    if not people or not rules:
        _finish(session, at, now)
        return max(1, len(people))
    done = answer(session, dict.fromkeys(people, rules), library, now)
    at.cursor, at.looked = people[-1], at.looked + len(people)
    at.given, at.taken = at.given + done.given, at.taken + done.taken
    session.flush()
    return len(people)


def hold(session: Session, *, wait: bool = False) -> bool:
    """Alone until the transaction ends; False when another is at it and we do not wait."""
    if session.get_bind().dialect.name != "postgresql":
        return True
    if wait:
        session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
        return True
    return bool(session.scalar(text("select pg_try_advisory_xact_lock(:key)"), {"key": LOCK}))


def _today(now: datetime) -> date:
    return local(now).date()


def _unfinished(session: Session) -> TagRuleSweep | None:
    chosen = select(TagRuleSweep).where(TagRuleSweep.finished_at.is_(None))
    return session.scalar(chosen.order_by(TagRuleSweep.id).limit(1))


def _is_time(session: Session, now: datetime) -> bool:
    ids = [one.id for one in LIVE.of(session)]
    behind = or_(TagRule.run_day.is_(None), TagRule.run_day < _today(now))
    chosen = select(TagRule.id).where(TagRule.id.in_(ids), behind).limit(1)
    return bool(ids) and session.scalar(chosen) is not None


def _begin(session: Session, now: datetime) -> TagRuleSweep | None:
    ids = [one.id for one in LIVE.of(session)]
    behind = or_(TagRule.run_day.is_(None), TagRule.run_day < _today(now))
    due = (
        session.scalars(select(TagRule.id).where(TagRule.id.in_(ids), behind)).all() if ids else []
    )
    if not due:
        return None
    begun = TagRuleSweep(
        day=_today(now), rules=sorted(due), cursor="", looked=0, given=0, taken=0, started_at=now
    )
    session.add(begun)
    session.flush()
    return begun


def _finish(session: Session, at: TagRuleSweep, now: datetime) -> None:
    """Rules that were switched meanwhile have to wait for another sweep."""
    at.finished_at = now
    steady = or_(TagRule.switched_at.is_(None), TagRule.switched_at <= at.started_at)
    session.execute(
        update(TagRule).where(TagRule.id.in_(at.rules), steady).values(run_day=at.day, run_at=now)
    )
    oldest = session.scalar(select(func.max(TagRuleSweep.id))) or 0
    session.execute(
        TagRuleSweep.__table__.delete().where(  # type: ignore[attr-defined]
            TagRuleSweep.id <= oldest - KEPT
        )
    )
    session.flush()
