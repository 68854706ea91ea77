"""What came of each content version: suggested, shown, answered, sent, opened, read.

What was suggested counts by its day, what was sent by the moment of its link; openings belong to
their links, so the newest ones still have time to be opened. Every figure is counted by the
database, by version and a few small groups; only the counts come here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal, select, union
from sqlalchemy.orm import Session, defer

from app.content import Content, ContentVersion, Stage
from app.delivery.moment_models import Moment, MomentViewer
from app.flows.insight.figures import Contents, Figures, Line, expected, order_by, total_of
from app.flows.insight.viewers import CHANNEL, viewed
from app.identity import Identifier, Physician
from app.infra.clock import local
from app.links import PageView, TrackedLink
from app.recommend import State, Suggestion
from app.recommend.policy.shares import Rate, difference
from app.reps import Rep

LONGEST_S = 1800  # whoever lets a page lie open for longer has left it
LATER = 4  # positions from here on are one
WORN_DAYS = 28
WORN_SENT = 20  # links in each half, that a fall is looked for


def contents(
    session: Session, now: datetime, days: int, *, text: str = "", brand_id: int | None = None,
    stage: str = "", sort: str = "shown", team: str | None = None,
) -> Contents:  # fmt: skip
    """The last `days` days, most `sort` first; also `rate` and `opening` by their lower ends."""
    since = first_day(now, days)
    found = _figures(session, since, now, days, team)
    usual = total_of(found.values())
    worn = _worn(session, now)
    chosen = (
        select(ContentVersion, Content.brand_id)
        .options(defer(ContentVersion.body), defer(ContentVersion.sources))
        .join(Content, Content.id == ContentVersion.content_id)
        .where(ContentVersion.id.in_(list(found)))
    )
    if text.strip():
        chosen = chosen.where(ContentVersion.title.icontains(text.strip(), autoescape=True))
    if brand_id is not None:
        chosen = chosen.where(Content.brand_id == brand_id)
    if stage:
        chosen = chosen.where(ContentVersion.stage == Stage(stage))
    lines = [
        Line(version, brand, found[version.id], expected(found[version.id].places, usual.places),
             worn.get(version.id))
        for version, brand in session.execute(chosen)
    ]  # fmt: skip
    return Contents(
        since, sorted(lines, key=order_by(sort)), total_of(one.figures for one in lines)
    )


def of_version(session: Session, version_id: int, now: datetime, days: int) -> Figures:
    """One version's own figures."""
    since = first_day(now, days)
    return _figures(session, since, now, days, None, version_id).get(version_id, Figures())


def split(
    session: Session, version_id: int, now: datetime, days: int
) -> tuple[dict[str, Figures], dict[str, Figures]]:
    """One version's figures by the physicians' specialty ("": not known), and by way of sending.

    Who opened a moment nobody knows, so of moments only viewers count by specialty.
    """
    since, after = first_day(now, days), now - timedelta(days=days)
    specialty = func.coalesce(Physician.specialty, "")
    by: dict[str, Figures] = {}
    shown = (
        select(specialty.label("of"), *_answers())
        .select_from(Suggestion)
        .join(Identifier, Identifier.id == Suggestion.identifier_id)
        .outerjoin(Physician, Physician.one_id == Identifier.one_id)
        .where(Suggestion.content_version_id == version_id, within(since, now), NOT_CANCELLED)
        .group_by(specialty)
    )
    for row in session.execute(shown):
        _note_answers(by.setdefault(row.of, Figures()), row)
    ways: dict[str, Figures] = {}
    for column, group in ((specialty, by), (TrackedLink.channel, ways)):
        own = [TrackedLink.channel != CHANNEL] if group is by else []
        sent = (
            _links(column.label("of"), after, TrackedLink.content_version_id == version_id, *own)
            .outerjoin(Identifier, Identifier.id == TrackedLink.identifier_id)
            .outerjoin(Physician, Physician.one_id == Identifier.one_id)
            .group_by(column)
        )
        for row in session.execute(sent):
            mine = group.setdefault(row.of, Figures())
            _note_sent(mine, row)
    for group, what in ((by, specialty), (ways, literal(CHANNEL))):
        seen = viewed(after, what.label("of"), func.count().label("number"))
        _note_viewers(
            session, group,
            seen.join(Identifier, Identifier.id == MomentViewer.identifier_id)
            .outerjoin(Physician, Physician.one_id == Identifier.one_id)
            .where(Moment.content_version_id == version_id)
            .group_by(what),
        )  # fmt: skip
    return by, ways


def who(version_id: int, step: str, now: datetime, days: int, refusal: str = "") -> Select[str]:
    """ONE IDs behind one of STEPS of one version."""
    since = first_day(now, days)
    if step in ("sent", "opened", "read"):
        chosen = (
            select(Identifier.one_id)
            .join(TrackedLink, TrackedLink.identifier_id == Identifier.id)
            .where(TrackedLink.content_version_id == version_id)
            .where(TrackedLink.created_at > now - timedelta(days=days))
        )
        if step == "sent":
            seen = viewed(now - timedelta(days=days), Identifier.one_id)
            seen = seen.join(Identifier, Identifier.id == MomentViewer.identifier_id)
            seen = seen.where(Moment.content_version_id == version_id)
            return select(union(chosen, seen).subquery().c.one_id)
        chosen = chosen.join(PageView, PageView.link_id == TrackedLink.id)
        return chosen.where(PageView.read_at.is_not(None)) if step == "read" else chosen
    chosen = (
        select(Identifier.one_id)
        .join(Suggestion, Suggestion.identifier_id == Identifier.id)
        .where(Suggestion.content_version_id == version_id, within(since, now), NOT_CANCELLED)
    )
    if refusal:
        chosen = chosen.where(Suggestion.refusal == refusal)
    narrower = {
        "shown": Suggestion.delivered_at.is_not(None),
        "adopted": Suggestion.state == State.ADOPTED,
        "refused": Suggestion.state == State.REFUSED,
    }
    return chosen.where(narrower[step]) if step in narrower else chosen


def first_day(now: datetime, days: int) -> date:
    """The first day of the last `days` days, today counted in."""
    return local(now).date() - timedelta(days=days - 1)


def within(since: date, now: datetime) -> ColumnElement[bool]:
    """Suggestions from a day up to today: a push plans some for the days to come."""
    return Suggestion.day.between(since, local(now).date())


NOT_CANCELLED = Suggestion.state != State.CANCELLED


def _figures(
    session: Session, since: date, now: datetime, days: int, team: str | None,
    only: int | None = None,
) -> dict[int, Figures]:  # fmt: skip
    found: dict[int, Figures] = {}
    conditions = _conditions(team, only)
    place = case((Suggestion.position >= LATER, LATER), else_=Suggestion.position)
    shown = (
        select(Suggestion.content_version_id.label("of"), place.label("place"), *_answers())
        .where(within(since, now), NOT_CANCELLED, *conditions[0])
        .group_by(Suggestion.content_version_id, place)
    )
    for row in session.execute(shown):
        mine = found.setdefault(row.of, Figures())
        _note_answers(mine, row)
        if row.place > 0 and row.shown > row.waiting:
            mine.places[row.place] = row.shown - row.waiting, row.adopted_shown
    refused = (
        select(Suggestion.content_version_id, Suggestion.refusal, func.count().label("number"))
        .where(within(since, now), Suggestion.state == State.REFUSED, *conditions[0])
        .group_by(Suggestion.content_version_id, Suggestion.refusal)
    )
    for version_id, refusal, number in session.execute(refused):
        found.setdefault(version_id, Figures()).refusals[refusal or ""] += number
    after = now - timedelta(days=days)
    _note_links(session, found, after, conditions[1])
    seen = viewed(after, Moment.content_version_id.label("of"), func.count().label("number"))
    seen = seen.where(*conditions[2]).group_by(Moment.content_version_id)
    _note_viewers(session, found, seen)
    return found


def _note_links(
    session: Session, found: dict[int, Figures], after: datetime,
    conditions: Sequence[ColumnElement[bool]],
) -> None:  # fmt: skip
    sent = _links(TrackedLink.content_version_id.label("of"), after, *conditions)
    for row in session.execute(sent.group_by(TrackedLink.content_version_id)):
        _note_sent(found.setdefault(row.of, Figures()), row)
    whole = func.round(case((PageView.visible_s > LONGEST_S, LONGEST_S), else_=PageView.visible_s))
    times = (
        select(TrackedLink.content_version_id, whole.label("s"), func.count().label("number"))
        .join(PageView, PageView.link_id == TrackedLink.id)
        .where(TrackedLink.created_at > after, PageView.opened_at > after, *conditions)
        .group_by(TrackedLink.content_version_id, whole)
    )
    for version_id, seconds, number in session.execute(times):
        found[version_id].seconds[int(seconds)] += number


def _note_sent(mine: Figures, row) -> None:  # type: ignore[no-untyped-def]
    """The one link of a moment is nobody's: its viewers are counted beside."""
    mine.sent, mine.opened, mine.read = row.sent - row.moments, row.opened, row.read or 0


def _note_viewers(session: Session, found: dict[Any, Figures], seen: Select[Any]) -> None:
    for row in session.execute(seen):
        found.setdefault(row.of, Figures()).sent += row.number
    for mine in found.values():  # somebody opened a moment that nobody is known to have seen
        mine.sent = max(mine.sent, mine.opened)


def _links(what: ColumnElement, after: datetime, *conditions: ColumnElement[bool]) -> Select:  # type: ignore[type-arg]
    """By whatever it is grouped by: links, opened ones and read ones, each link once."""
    views = (
        select(PageView.link_id, func.max(PageView.read_at).label("read_at"))
        .join(TrackedLink, TrackedLink.id == PageView.link_id)
        .where(TrackedLink.created_at > after, PageView.opened_at > after, *conditions)
        .group_by(PageView.link_id)
        .subquery()
    )
    return (
        select(
            what, func.count().label("sent"), func.count(views.c.link_id).label("opened"),
            func.count(views.c.read_at).label("read"),
            func.sum(case((TrackedLink.channel == CHANNEL, 1), else_=0)).label("moments"),
        )
        .select_from(TrackedLink)
        .outerjoin(views, views.c.link_id == TrackedLink.id)
        .where(TrackedLink.created_at > after, *conditions)
    )  # fmt: skip


def _worn(session: Session, now: datetime) -> dict[int, tuple[Rate, Rate]]:
    """Versions whose links were surely opened less in the last four weeks than in those before."""
    middle = now - timedelta(days=WORN_DAYS)
    late = case((TrackedLink.created_at > middle, 1), else_=0)
    rows = session.execute(
        _links(TrackedLink.content_version_id.label("of"), now - timedelta(days=2 * WORN_DAYS))
        .add_columns(late.label("late"))
        .group_by(TrackedLink.content_version_id, late)
    )
    halves = {(row.of, row.late): Rate(row.opened, row.sent) for row in rows}
    found = {}
    for version_id, part in halves:
        before, lately = halves.get((version_id, 0)), halves.get((version_id, 1))
        if not part or before is None or lately is None:
            continue
        if min(before.of, lately.of) >= WORN_SENT and difference(lately, before)[1] < 0:
            found[version_id] = before, lately
    return found


def _conditions(
    team: str | None, only: int | None
) -> tuple[list[ColumnElement[bool]], list[ColumnElement[bool]], list[ColumnElement[bool]]]:
    """What suggestions, links and moments must fulfil."""
    one: list[ColumnElement[bool]] = []
    other: list[ColumnElement[bool]] = []
    third: list[ColumnElement[bool]] = []
    if team is not None:
        members = select(Rep.id).where(Rep.team == team)
        one.append(Suggestion.rep_id.in_(members))
        other.append(TrackedLink.rep_id.in_(members))
        third.append(Moment.rep_id.in_(members))
    if only is not None:
        one.append(Suggestion.content_version_id == only)
        other.append(TrackedLink.content_version_id == only)
        third.append(Moment.content_version_id == only)
    return one, other, third


def _answers() -> list[ColumnElement[int]]:
    adopted = Suggestion.state == State.ADOPTED
    seen = Suggestion.delivered_at.is_not(None)
    return [
        func.count().label("suggested"),
        func.count(Suggestion.delivered_at).label("shown"),
        func.sum(case((adopted, 1), else_=0)).label("adopted"),
        func.sum(case((adopted & seen, 1), else_=0)).label("adopted_shown"),
        func.sum(case((Suggestion.state == State.REFUSED, 1), else_=0)).label("refused"),
        func.sum(case((Suggestion.state == State.DELIVERED, 1), else_=0)).label("waiting"),
    ]


def _note_answers(mine: Figures, row) -> None:  # type: ignore[no-untyped-def]
    mine.suggested += row.suggested
    mine.shown += row.shown
    mine.adopted += row.adopted
    mine.refused += row.refused
    mine.waiting += row.waiting
