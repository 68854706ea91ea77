"""Which ways lead to a rep's contacts now, and how each of them is opened, for `recommend.way`.

What everybody and each specialty does is learned once a day and process from the newest links, what
a person does from their own: nothing is stored. Read for a few contacts at a time. What others do
is that of the last midnight, so that all processes say the same all day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, exists, func, select
from sqlalchemy.orm import Session

from app import consent, delivery
from app.consent import Through
from app.delivery import Dispatch, Way
from app.flows.allowed.permission import (
    account_facts,
    asker_who_knows,
    relations_of,
    standings_of_each,
)
from app.identity import Identifier, Kind, Physician
from app.infra.clock import midnight
from app.journey import Happened, Touchpoint
from app.links import PageView, TrackedLink
from app.recommend import way, way_rates
from app.recommend.day.way import By, Choice, Option, Used, Wished
from app.recommend.day.way_rates import Sent
from app.reps import Met, Rep

LOG_DAYS = 180
SAMPLE, OF_PERSON = 10_000, 100  # newest links
CHUNK = 1000
ALONE = (By.REP, By.TASK, By.ACCOUNT)  # a moment is for several at once
Rates = Mapping[By, float]


@dataclass(slots=True)
class Common:
    """What others open, as of a midnight."""

    begun: datetime
    everybody: Rates
    specialties: Mapping[str, Rates]


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways to one contact; `account`: the follower, where the account knows this physician."""

    choice: Choice
    account: Identifier | None = None


_known: WeakKeyDictionary[Engine, Common] = WeakKeyDictionary()


def ways_to(
    session: Session,
    rep: Rep,
    rows: Sequence[Identifier | Met],
    now: datetime,
    *,
    among: Sequence[By] = ALONE,
    campaign_id: int | None = None,
    as_of: datetime | None = None,
) -> dict[int, Ways]:
    """The way to each contact of the rep, by the contact's id. Who looks ahead says `as_of` when,
    for what others open is not known of a day to come."""
    rows = list({row.id: row for row in rows}.values())
    if not rows:
        return {}
    people, ids = [row.one_id for row in rows], [row.id for row in rows]
    relations = relations_of(session, ids)
    in_wecom, known = standings_of_each(
        session, people, (Through.REP, Through.ACCOUNT), now, campaign_id=campaign_id
    )
    by_hand, by_task = (  # the same consent, the same caps
        asker_who_knows(session, rep, rows, through, now, in_wecom, relations)
        for through in (Through.REP, Through.GROUP_TASK)
    )
    followers = _followers(session, people)
    tasked = delivery.tasked_today(session, ids, now)
    moments = delivery.moments_this_month(session, ids, now) if By.MOMENT in among else {}
    replies = replies_left(session, [row.id for row in followers.values()], now)
    wishes = consent.wishes(session, people)
    rates = _rates(session, people, _common(session, as_of or now), now)
    preferred = By.TASK if rep.prefers_group_task else By.REP
    found = {}
    for row in rows:
        account = followers.get(row.one_id)
        facts = account_facts(known[row.one_id], content_problem="", follows=account is not None)
        facts = replace(
            facts, rep_active=rep.active, connected=row.id in by_hand.connected,
            unwanted=rep.id in known[row.one_id].own.reps,
        )  # fmt: skip
        verdicts = {
            By.REP: by_hand.verdict(row, now),
            By.TASK: by_task.verdict(row, now),
            By.ACCOUNT: consent.may_contact(facts, by_hand.rules, now),
            By.MOMENT: by_hand.verdict(row, now),
        }
        used = Used(
            row.id in tasked, replies.get(account.id) if account else None, moments.get(row.id, 0)
        )
        share = rates[row.one_id]
        options: list[Option] = [way.option(by, share[by], verdicts[by], used, now) for by in among]
        wished = Wished(wishes.get(row.one_id, Wished.ANY))
        found[row.id] = Ways(way.choose(options, wished, preferred), account)
    return found


def _followers(session: Session, people: Sequence[str]) -> dict[str, Identifier]:
    """Through which follower the account reaches each physician."""
    found: dict[str, Identifier] = {}
    for start in range(0, len(people), CHUNK):
        rows = session.scalars(
            select(Identifier)
            .where(
                Identifier.one_id.in_(people[start : start + CHUNK]),
                Identifier.kind == Kind.OPENID,
            )
            .order_by(Identifier.id)
        )
        found.update({row.one_id: row for row in rows if row.value})
    return found


def replies_left(session: Session, follower_ids: Sequence[int], now: datetime) -> dict[int, int]:
    """How many service messages are left to those who wrote within 48 hours."""
    asked: dict[int, datetime] = {}
    for start in range(0, len(follower_ids), CHUNK):
        rows = session.execute(
            select(Touchpoint.identifier_id, func.max(Touchpoint.at).label("at"))
            .where(
                Touchpoint.identifier_id.in_(follower_ids[start : start + CHUNK]),
                Touchpoint.kind == Happened.MESSAGE_RECEIVED,
                Touchpoint.at > now - way.REPLY_WINDOW,
            )
            .group_by(Touchpoint.identifier_id)
        )
        asked.update({row.identifier_id: row.at for row in rows})
    gone = delivery.replies_since(session, asked)
    return {follower: way.REPLIES - gone[follower] for follower in asked}


def _rates(
    session: Session, people: Sequence[str], common: Common, now: datetime
) -> dict[str, Rates]:
    """What share of each way each physician opens."""
    found: dict[str, Rates] = {}
    for start in range(0, len(people), CHUNK):
        part = people[start : start + CHUNK]
        mine: dict[str, list[Sent]] = {}
        for one_id, _, sent in _sent(session, now, OF_PERSON * len(part), part):
            mine.setdefault(one_id, []).append(sent)
        specialties = session.execute(
            select(Physician.one_id, Physician.specialty).where(Physician.one_id.in_(part))
        )
        for one_id, specialty in specialties:
            parent = common.specialties.get(specialty or "", common.everybody)
            seen = way_rates.tally(mine.get(one_id, ()), now)
            found[one_id] = way_rates.learn(seen, parent, way_rates.PERSON)
    return {one_id: found.get(one_id, common.everybody) for one_id in people}


def _common(session: Session, now: datetime) -> Common:
    engine, begun = session.get_bind().engine, midnight(now)
    known = _known.get(engine)
    if known is None or known.begun != begun:
        known = _known[engine] = _learn_common(session, begun)
    return known


def _learn_common(session: Session, now: datetime) -> Common:
    by_specialty: dict[str, list[Sent]] = {}
    for _, specialty, sent in _sent(session, now, SAMPLE):
        by_specialty.setdefault(specialty, []).append(sent)
    all_of_them = [sent for some in by_specialty.values() for sent in some]
    everybody = way_rates.learn(
        way_rates.tally(all_of_them, now), way_rates.DAY_0, way_rates.EVERYBODY
    )
    specialties = {
        name: way_rates.learn(way_rates.tally(some, now), everybody, way_rates.SPECIALTY)
        for name, some in by_specialty.items()
        if name
    }
    return Common(now, everybody, specialties)


def _sent(
    session: Session, now: datetime, most: int, people: Sequence[str] = ()
) -> list[tuple[str, str, Sent]]:
    """The newest links that have arrived a week ago: (whose, of which specialty, what became of
    it). A group task that no rep has confirmed has not."""
    unconfirmed = exists().where(
        Dispatch.identifier_id == TrackedLink.identifier_id,
        Dispatch.created_at == TrackedLink.created_at,
        Dispatch.way == Way.GROUP_TASK, Dispatch.receipt.is_(None),
    )  # fmt: skip
    chosen = (
        select(
            TrackedLink.id, TrackedLink.channel, TrackedLink.created_at, Identifier.one_id,
            Physician.specialty,
        )
        .join(Identifier, Identifier.id == TrackedLink.identifier_id)
        .join(Physician, Physician.one_id == Identifier.one_id)
        .where(
            TrackedLink.created_at > now - timedelta(days=LOG_DAYS),
            TrackedLink.created_at <= now - way_rates.RIPE, ~unconfirmed,
            TrackedLink.channel.in_([by.value for by in By]),
        )
        .order_by(TrackedLink.id.desc())
        .limit(most)
    )  # fmt: skip
    rows = session.execute(chosen.where(Identifier.one_id.in_(people)) if people else chosen).all()
    opened: dict[int, datetime] = {}
    for start in range(0, len(rows), CHUNK):
        views = session.execute(
            select(PageView.link_id, func.min(PageView.opened_at).label("at"))
            .where(PageView.link_id.in_([row.id for row in rows[start : start + CHUNK]]))
            .group_by(PageView.link_id)
        )
        opened.update({view.link_id: view.at for view in views})
    return [
        (row.one_id, row.specialty or "", Sent(By(row.channel), row.created_at, opened.get(row.id)))
        for row in rows
    ]
