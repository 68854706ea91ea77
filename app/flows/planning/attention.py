"""The ledger of physicians' attention: who shares whom, what was had, and who is being planned."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, BigInteger, bindparam, exists, func, select, text
from sqlalchemy.orm import Session, aliased

from app import consent, recommend
from app.content import Content, ContentVersion
from app.flows.allowed import moment_had, reached
from app.flows.allowed.history import open_since
from app.identity import Identifier
from app.infra.direct import Direct
from app.infra.many import among
from app.links import TrackedLink
from app.recommend import Candidate, DailyPlan, Scored, State, Suggestion
from app.reps import RelationState, Rep, RepContact

MOST_TOGETHER = 6  # reps in one plan: it is one transaction, and waits for nobody
LEDGER_DAYS = 28
CHUNK = 1000
PERSON_LOCKS = 0x59495348 << 32  # keys of advisory locks that belong to physicians
PEOPLE = text(
    "select key, pg_advisory_xact_lock(key) is null as got from unnest(:keys) as key"
).bindparams(bindparam("keys", type_=ARRAY(BigInteger)))
TRY_PEOPLE = text(
    "select key, pg_try_advisory_xact_lock(key) as got from unnest(:keys) as key"
).bindparams(bindparam("keys", type_=ARRAY(BigInteger)))


@dataclass(frozen=True, slots=True)
class Ledger:
    """Brands of contents, and how often each brand had each physician lately."""

    brands: Mapping[int, int | None]
    had: Mapping[str, Mapping[int, int]]
    wanting: Mapping[str, set[int]]

    @classmethod
    def of(cls, session: Session, candidates: Iterable[Candidate[str]], now: datetime) -> Ledger:
        """The ledger of everybody who could be chosen."""
        return cls._of(session, [(c.person, c.fit.piece.content_id) for c in candidates], now)

    @classmethod
    def of_options(
        cls, session: Session, options: Mapping[str, Sequence[Scored]], now: datetime
    ) -> Ledger:
        """The ledger of these people, each with all contents that could be drawn."""
        wants = [(who, fit.piece.content_id) for who, fits in options.items() for fit in fits]
        return cls._of(session, wants, now)

    @classmethod
    def _of(cls, session: Session, wants: Sequence[tuple[str, int]], now: datetime) -> Ledger:
        brands = _brands(session, {content_id for _, content_id in wants})
        wanting: dict[str, set[int]] = {}
        for person, content_id in wants:
            brand = brands.get(content_id)
            if brand is not None:
                wanting.setdefault(person, set()).add(brand)
        return cls(brands, had_of_brands(session, list(wanting), now), wanting)

    def priced(self, candidates: Sequence[Candidate[str]]) -> list[Candidate[str]]:
        """The candidates with what their brand pays for having had more than its share."""
        return [self.pays(c) for c in candidates]

    def worth(self, person: str, fit: Scored) -> float:
        """A fit's score less what its brand pays."""
        return self.pays(Candidate(person, person, fit)).worth

    def pays(self, candidate: Candidate[str]) -> Candidate[str]:
        """The candidate with what its brand pays."""
        fee = recommend.brand_fee(
            candidate, self.brands.get(candidate.fit.piece.content_id),
            self.had.get(candidate.person, {}), self.wanting.get(candidate.person, set()),
        )  # fmt: skip
        return candidate if fee == candidate.fee else replace(candidate, fee=fee)


def neighbours(session: Session, rep: Rep, day: date) -> list[Rep]:
    """Active reps without a plan of `day` who share most physicians with this rep."""
    mine, theirs = aliased(RepContact), aliased(RepContact)
    my_id, their_id = aliased(Identifier), aliased(Identifier)
    shared = func.count(their_id.one_id.distinct())
    planned = exists().where(DailyPlan.rep_id == Rep.id, DailyPlan.day == day)
    rows = session.execute(
        select(Rep, shared.label("shared"))
        .join(theirs, theirs.rep_id == Rep.id)
        .join(their_id, their_id.id == theirs.identifier_id)
        .join(my_id, my_id.one_id == their_id.one_id)
        .join(mine, mine.identifier_id == my_id.id)
        .where(mine.rep_id == rep.id, Rep.id != rep.id, Rep.active.is_(True), ~planned)
        .where(mine.state == RelationState.CONNECTED, theirs.state == RelationState.CONNECTED)
        .group_by(Rep.id)
        .order_by(shared.desc(), Rep.id)
        .limit(MOST_TOGETHER - 1)
    )
    return [row[0] for row in rows]


def lock_reps(session: Session, reps: Iterable[Rep]) -> None:
    """Let nobody else plan for these reps until the transaction ends. In one order."""
    ids = sorted(rep.id for rep in reps)
    session.execute(
        select(Rep.id).where(Rep.id.in_(ids)).order_by(Rep.id).with_for_update(key_share=True)
    )


def lock_people(session: Session, people: Iterable[str], *, wait: bool) -> set[str]:
    """Let no other plan take these physicians until the transaction ends; returns who was locked.

    Only the first call of a transaction may wait, in one order, so plans never wait in a circle.
    SQLite has one writer, who plans alone.
    """
    keys: dict[int, list[str]] = {}
    for person in people:
        keys.setdefault(PERSON_LOCKS | zlib.crc32(person.encode()), []).append(person)
    if session.get_bind().dialect.name != "postgresql":
        return {person for found in keys.values() for person in found}
    rows = session.execute(PEOPLE if wait else TRY_PEOPLE, {"keys": sorted(keys)})
    return {person for row in rows if row.got or wait for person in keys[row.key]}


def waiting(session: Session, people: Iterable[str], now: datetime) -> set[str]:
    """Whom a suggestion waits for, that another plan wrote in the meantime."""
    asked = sorted(people)
    found: set[str] = set()
    for start in range(0, len(asked), CHUNK):
        rows = session.scalars(
            select(Identifier.one_id)
            .join(Suggestion, Suggestion.identifier_id == Identifier.id)
            .where(
                Identifier.one_id.in_(asked[start : start + CHUNK]),
                Suggestion.state.in_((State.PLANNED, State.DELIVERED)),
                Suggestion.day >= open_since(now),
            )
        )
        found |= set(rows)
    return found


def left(session: Session, people: Iterable[str], now: datetime) -> dict[str, int]:
    """The contacts that are left of the cap with each physician, after those that were made or are
    promised in its days; whoever chose a pace of their own takes one at most."""
    asked, rules = sorted(people), consent.rules(session)
    since = now - timedelta(days=rules.cap_days)
    slow = {one for one, own in consent.own(session, asked).items() if own.days}
    return {
        person: (min(rules.cap_contacts, 1) if person in slow else rules.cap_contacts)
        - sum(at > since for at in moments)
        for person, moments in reached.contacted_at(session, asked, since).items()
    }


def _brands(session: Session, content_ids: set[int]) -> dict[int, int | None]:
    return dict(_BRANDS.all(session, {"ids": sorted(content_ids)}))


def had_of_brands(session: Session, people: list[str], now: datetime) -> dict[str, Counter[int]]:
    """Contents that physicians got lately, by brand, through whomever and however; one that a
    moment showed counts once."""
    found: dict[str, Counter[int]] = {}
    since = now - timedelta(days=LEDGER_DAYS)
    for start in range(0, len(people), CHUNK):
        some = {"ids": people[start : start + CHUNK], "since": since}
        for one_id, brand_id, times in _HAD.all(session, some):
            found.setdefault(one_id, Counter())[brand_id] += times
        _in_moments(session, found, people[start : start + CHUNK], since)
    return found


def _in_moments(
    session: Session, found: dict[str, Counter[int]], people: list[str], since: datetime
) -> None:
    """The link of a moment is nobody's, so who saw it is asked of its viewers."""
    shown = session.execute(moment_had.had(people, since)).all()
    brands = _brands(session, {content_id for _, content_id in shown})
    for one_id, content_id in shown:
        if (brand := brands[content_id]) is not None:
            found.setdefault(one_id, Counter())[brand] += 1


def _columns(*columns: Any) -> tuple[Any, ...]:
    return columns


_BRANDS = Direct(select(Content.id, Content.brand_id).where(among(Content.id, "ids")), _columns)
_HAD = Direct(
    select(Identifier.one_id, Content.brand_id, func.count())
    .join(TrackedLink, TrackedLink.identifier_id == Identifier.id)
    .join(ContentVersion, ContentVersion.id == TrackedLink.content_version_id)
    .join(Content, Content.id == ContentVersion.content_id)
    .where(
        among(Identifier.one_id, "ids"),
        TrackedLink.created_at > bindparam("since"),
        Content.brand_id.is_not(None),
    )
    .group_by(Identifier.one_id, Content.brand_id),
    _columns,
)
