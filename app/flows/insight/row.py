"""Suggestions as people look at them: for whom, about what, why, when the card leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content, identity, recommend, tagging
from app.delivery import Dispatch, Way
from app.identity import Identifier, Physician
from app.recommend import Suggestion

OTHERS = ("new", "content", "seen")  # parts of a score that come from no tag of the physician


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a score: by a tag (`tag` its name), or by another name."""

    tag: str
    other: str
    value: float


@dataclass(frozen=True, slots=True)
class Row:
    """One suggestion with its names; `card`: the message that carries it, if there is one."""

    suggestion: Suggestion
    physician: Physician | None
    title: str
    parts: Sequence[Part]
    card: Dispatch | None

    @property
    def paid(self) -> float | None:
        """What the physician's attention cost."""
        value = self.suggestion.verdict.get("attention")
        return float(value) if value is not None else None


def rows_of(session: Session, suggestions: Sequence[Suggestion]) -> list[Row]:
    """All of them in a few statements."""
    who = _one_ids(session, [row.identifier_id for row in suggestions])
    people = identity.physicians_by_id(session, list(who.values()))
    titles = content.titles(session, [row.content_version_id for row in suggestions])
    names = tag_names(session)
    cards = _cards(session, [row.id for row in suggestions])
    return [
        Row(
            row, people.get(who.get(row.identifier_id, "")),
            titles.get(row.content_version_id, ""), parts(row.contributions, names),
            cards.get(row.id),
        )
        for row in suggestions
    ]  # fmt: skip


def of_day(session: Session, rep_id: int, day: date) -> list[Row]:
    """A rep's suggestions of one day, in their order."""
    return rows_of(session, recommend.of_rep(session, rep_id, day))


def tag_names(session: Session) -> dict[int, str]:
    """Tag id → name."""
    return {tag.id: tag.name for tag in tagging.tags(session)}


def parts(stored: Mapping[str, float], names: Mapping[int, str]) -> list[Part]:
    """The parts of a score, largest first; a tag that is gone keeps its number."""
    found = []
    for key, value in stored.items():
        by_tag = key.isdecimal()
        name = names.get(int(key), f"#{key}") if by_tag else ""
        found.append(Part(name, "" if by_tag else key, float(value)))
    return sorted(found, key=lambda part: -abs(part.value))


def _one_ids(session: Session, ids: Sequence[int]) -> dict[int, str]:
    rows = session.execute(select(Identifier.id, Identifier.one_id).where(Identifier.id.in_(ids)))
    return {row.id: row.one_id for row in rows}


def _cards(session: Session, ids: Sequence[int]) -> dict[int, Dispatch]:
    rows = session.scalars(
        select(Dispatch)
        .where(Dispatch.suggestion_id.in_(ids), Dispatch.way == Way.REP_CARD)
        .order_by(Dispatch.id)
    )
    return {row.suggestion_id: row for row in rows if row.suggestion_id is not None}
