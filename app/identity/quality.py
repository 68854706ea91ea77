"""How good the identity graph is, in figures: now, and one row a day to see where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session, aliased

from app.identity.models import (
    Component,
    Conflict,
    Identifier,
    IdentifierStatus,
    Kind,
    Physician,
    QualityDay,
)
from app.identity.partition import RULES
from app.infra.db import insert_once

TREND = timedelta(days=60)
LATER = "duplicates", "events", "unlinked"
STRONG = tuple(kind.value for kind, rule in RULES.items() if not rule.weak)


@dataclass(frozen=True, slots=True)
class Quality:
    """Counts. `alone`: persons of one identifier, about whom one source knows; `linked`: WeCom
    contacts with a unionid, who can be found in the Official Account; `conflicts`: what evidence
    would join and a rule keeps apart, not settled by a person. Others count the last three
    (`flows/identity/identity_figures`), None where nobody did: pairs that wait for a decision, what
    happened within 30 days, and what of it happened with people of whom no register tells who they
    are."""

    persons: int
    verified: int
    identifiers: int
    alone: int
    most: int
    contacts: int
    linked: int
    shared: int
    blocked: int
    quarantined: int
    conflicts: int
    duplicates: int | None = None
    events: int | None = None
    unlinked: int | None = None

    @property
    def unlinked_share(self) -> float | None:
        """0–1; None without events."""
        return (self.unlinked or 0) / self.events if self.events else None

    @property
    def linked_share(self) -> float | None:
        """0–1; None without contacts."""
        return self.linked / self.contacts if self.contacts else None

    @property
    def per_person(self) -> float:
        """Identifiers that a person has on average."""
        return self.identifiers / self.persons if self.persons else 0.0


def measure(session: Session) -> Quality:
    """Everything, counted. Walks over all identifiers: for a page, not for a loop."""
    sizes = (
        select(func.count().label("size"))
        .select_from(Identifier)
        .join(Physician, Physician.one_id == Identifier.one_id)
        .where(Physician.live.is_(True))
        .group_by(Identifier.one_id)
        .having(func.max(case((Identifier.kind.in_(STRONG), 1), else_=0)) == 1)
        .subquery()
    )
    persons, identifiers, most = session.execute(
        select(func.count(), func.sum(sizes.c.size), func.max(sizes.c.size))
    ).one()
    states = _counted(session, Identifier.status)
    contacts, linked = _contacts(session)
    return Quality(
        persons=persons, identifiers=int(identifiers or 0), most=most or 0,
        alone=_count(session, select(func.count()).select_from(sizes).where(sizes.c.size == 1)),
        verified=_count(session, select(func.count()).where(
            Physician.live.is_(True), Physician.verified.is_(True)
        )),
        contacts=contacts, linked=linked, shared=states.get(IdentifierStatus.SHARED, 0),
        blocked=states.get(IdentifierStatus.BLOCKED, 0),
        quarantined=states.get(IdentifierStatus.QUARANTINED, 0),
        conflicts=conflicts(session),
    )  # fmt: skip


def conflicts(session: Session) -> int:
    """Those that no person has settled, as `search.open_conflicts` lists them."""
    open_ = Conflict.state == "open", Conflict.reason != "cannot_link"
    return _count(session, select(func.count()).where(*open_))


def quarantined(session: Session) -> int:
    """Identifiers in groups that are too large to be computed."""
    status = IdentifierStatus.QUARANTINED
    return _count(session, select(func.count()).where(Identifier.status == status))


def largest(session: Session, limit: int = 5) -> Sequence[tuple[int, str]]:
    """(how many identifiers, a ONE ID of it) of the largest raw components."""
    rows = session.execute(
        select(Component.id, Component.size)
        .where(Component.merged_into.is_(None))
        .order_by(Component.size.desc(), Component.id)
        .limit(limit)
    ).all()
    found = []
    for component, size in rows:
        first = select(Identifier.one_id).where(Identifier.component_id == component)
        one_id = session.scalar(first.order_by(Identifier.id).limit(1))
        if one_id is not None:
            found.append((size, one_id))
    return found


def is_kept(session: Session, day: date) -> bool:
    """True when the figures of `day` are written down."""
    return session.scalar(select(QualityDay.day).where(QualityDay.day == day)) is not None


def keep(session: Session, day: date, figures: Quality, now: datetime) -> bool:
    """Write down the figures of `day`; False when somebody did before."""
    told = asdict(figures)
    more = {name: told.pop(name) for name in LATER}  # older processes refuse what they do not know
    values = {"day": day, "figures": told, "more": more, "at": now}
    return insert_once(session, QualityDay, values, "day")


def trend(session: Session, today: date) -> list[tuple[date, Quality]]:
    """The days of two months that were kept, oldest first."""
    rows = session.scalars(
        select(QualityDay).where(QualityDay.day >= today - TREND).order_by(QualityDay.day)
    )
    return [(row.day, _told(row.figures, row.more or {})) for row in rows]


def _told(figures: dict[str, Any], more: dict[str, Any]) -> Quality:
    """A newer process may have written down figures that this one does not know."""
    known = {name: more[name] for name in LATER if name in more}
    return replace(Quality(**figures), **known)


def _contacts(session: Session) -> tuple[int, int]:
    other = aliased(Identifier)
    has_union = (
        select(other.id)
        .where(other.one_id == Identifier.one_id, other.kind == Kind.UNIONID)
        .exists()
    )
    mine = select(func.count()).where(Identifier.kind == Kind.WECOM_EXTERNAL_USERID)
    return _count(session, mine), _count(session, mine.where(has_union))


def _counted(session: Session, column: Any) -> dict[str, int]:
    return dict(session.execute(select(column, func.count()).group_by(column)).all())


def _count(session: Session, statement: Any) -> int:
    return session.scalar(statement) or 0
