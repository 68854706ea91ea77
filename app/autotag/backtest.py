"""Trying rules on the past: a worker reads everybody, piece by piece, and says how far it is.

Audiences are taken as of now: what an attribute was half a year ago is not kept. Whoever dies at
it leaves a test that another worker begins again after two minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select, update
from sqlalchemy.orm import Session

from app import segments, tagging
from app.autotag import deeds
from app.autotag.definition import read
from app.autotag.journeys import Library, steps_of
from app.autotag.live import Words
from app.autotag.models import TagRuleTest, TagRuleVersion, TestState
from app.autotag.past import Past, Tagged, weeks_of
from app.autotag.rules import needs_words
from app.content.models import VersionTag
from app.identity.models import Physician
from app.infra.clock import Clock
from app.infra.db import Database
from app.infra.errors import YishuError
from app.segments import Unparseable
from app.tagging import Line, Shape, Source

PIECE = 250
DEAD_AFTER = timedelta(minutes=2)


def is_test_due(session: Session, now: datetime) -> bool:
    """True when a test waits, or whoever was at it is gone."""
    return session.scalar(_due(now)) is not None


def try_next(
    db: Database, clock: Clock, stop: Callable[[], bool] = lambda: False,
    tell: Callable[[int, int], object] = lambda _done, _total: None,
) -> TagRuleTest | None:  # fmt: skip
    """Do the test that waits longest; None when none waits. Not done when `stop` says so."""
    with db.transaction() as session:
        test = _claim(session, clock())
    if test is None:
        return None
    try:
        return _run(db, clock, test, stop, tell)
    except (YishuError, Unparseable) as problem:
        with db.transaction() as session:
            _end(session, test.id, clock(), TestState.FAILED, problem=str(problem))
            return session.get(TagRuleTest, test.id)


def _due(now: datetime) -> Select[int]:
    dead = (TagRuleTest.state == TestState.RUNNING) & (TagRuleTest.seen_at < now - DEAD_AFTER)
    waits = or_(TagRuleTest.state == TestState.WAITING, dead)
    return select(TagRuleTest.id).where(waits).order_by(TagRuleTest.id).limit(1)


def _claim(session: Session, now: datetime) -> TagRuleTest | None:
    number = session.scalar(_due(now))
    if number is None:
        return None
    dead = (TagRuleTest.state == TestState.RUNNING) & (TagRuleTest.seen_at < now - DEAD_AFTER)
    taken = session.scalar(
        update(TagRuleTest)
        .where(TagRuleTest.id == number, or_(TagRuleTest.state == TestState.WAITING, dead))
        .values(state=TestState.RUNNING, seen_at=now, done=0)
        .returning(TagRuleTest.id)
    )
    return session.get(TagRuleTest, taken, populate_existing=True) if taken is not None else None


def _run(
    db: Database, clock: Clock, test: TagRuleTest, stop: Callable[[], bool],
    tell: Callable[[int, int], object],
) -> TagRuleTest | None:  # fmt: skip
    library = Library()
    with db.reading() as session:
        past, total = _begin(session, test, clock())
    done, last = 0, ""
    while True:
        with db.reading() as session:
            people = _next(session, last)
            _piece(session, past, people, library, clock())
        if not people:
            break
        done, last = done + len(people), people[-1]
        tell(done, total)
        with db.transaction() as session:
            if stop():
                _end(session, test.id, clock(), TestState.WAITING)
                return None
            _say(session, test.id, done, max(total, done), clock())
    with db.transaction() as session:
        _end(session, test.id, clock(), TestState.DONE, result=past.result())
        return session.get(TagRuleTest, test.id)


def _begin(session: Session, test: TagRuleTest, now: datetime) -> tuple[Past, int]:
    version = session.get_one(TagRuleVersion, (test.rule_id, test.version))
    rule = read(version.definition)
    carried = session.scalars(select(VersionTag.tag_id).distinct())
    about = set(tagging.standing(session, dict.fromkeys(carried, 1.0)))
    weeks = weeks_of(deeds.day_of(now), test.days)
    past = Past(rule, Words(session).meaning(rule), weeks, about, seed=str(test.id))
    live = select(func.count()).select_from(Physician).where(Physician.live.is_(True))
    return past, session.scalar(live) or 0


def _next(session: Session, last: str) -> Sequence[str]:
    chosen = select(Physician.one_id).where(Physician.one_id > last, Physician.live.is_(True))
    return session.scalars(chosen.order_by(Physician.one_id).limit(PIECE)).all()


def _piece(
    session: Session, past: Past, people: Sequence[str], library: Library, now: datetime
) -> None:
    inside: Iterable[str] = people
    if past.rule.audience and people:
        text = past.rule.audience
        inside = segments.of_these(session, [text], people, now)[text]
    steps = steps_of(session, sorted(inside), library, words=needs_words(past.rule))
    tagged = {one_id: found for one_id, of in steps.items() if (found := past.add(one_id, of))}
    if tagged:
        _beside(session, past, tagged)


def _beside(session: Session, past: Past, tagged: Mapping[str, Sequence[Tagged]]) -> None:
    """What other sources say of them now."""
    shape = tagging.shape(session)
    for one_id, lines in tagging.lines_of(session, list(tagged)).items():
        for tag, _ in tagged[one_id]:
            past.also[tag] += _says(lines.get(tag, ()), 1)
            past.against[tag] += _contradicts(lines, tag, shape)


def _says(lines: Sequence[Line], sign: int) -> bool:
    return any(
        line.asserted.source != Source.RULE and line.asserted.confidence * sign > 0
        for line in lines
    )


def _contradicts(lines: Mapping[int, Sequence[Line]], tag: int, shape: Shape) -> bool:
    """Somebody denies it, or says what excludes it."""
    excluded = set(shape.opposites.get(tag, ())) | (shape.rivals([tag]) - {tag})
    return _says(lines.get(tag, ()), -1) or any(
        _says(lines.get(other, ()), 1) for other in excluded
    )


def _say(session: Session, test_id: int, done: int, total: int, now: datetime) -> None:
    mine = (TagRuleTest.id == test_id, TagRuleTest.state == TestState.RUNNING)
    session.execute(update(TagRuleTest).where(*mine).values(done=done, total=total, seen_at=now))


def _end(session: Session, test_id: int, now: datetime, state: TestState, **values: object) -> None:
    mine = (TagRuleTest.id == test_id, TagRuleTest.state == TestState.RUNNING)
    over = now if state in (TestState.DONE, TestState.FAILED) else None
    session.execute(
        update(TagRuleTest).where(*mine).values(state=state, finished_at=over, **values)
    )
