"""What both sides of a case have to say: assertions with their words, and what was opened when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app import content, tagging
from app.court.behaviour import exposures
from app.court.examine import persons
from app.court.models import TagCase
from app.court.rules import PAIRS, Contradiction, Kind, Side, Verdict, find
from app.court.terms import terms
from app.identity import Identifier
from app.tagging import Reason

SHOWN = 8


@dataclass(frozen=True, slots=True)
class Told:
    """A content that was sent, and when it was opened."""

    title: str
    at: datetime
    opened_at: datetime | None


@dataclass(frozen=True, slots=True)
class Column:
    """What speaks for one side. `side` None: the contradiction is not there any more."""

    tag: int  # 0: behaviour
    reasons: Sequence[Reason]
    told: Sequence[Told]
    sent: int
    opened: int
    side: Side | None
    acts: bool  # behaviour is told here


@dataclass(frozen=True, slots=True)
class Evidence:
    """Both columns, and the probability of each verdict, as if there were none yet."""

    one_id: str
    columns: tuple[Column, Column]
    chances: Mapping[Verdict, float]


def evidence(session: Session, case: TagCase, now: datetime) -> Evidence:
    """As it is now; what the verdict overruled is heard as before it."""
    one_id = session.get_one(Identifier, case.identifier_id).one_id
    known = terms(session)
    person = persons(session, [one_id], known, now, before_case=case.id)[one_id]
    key = (Kind(case.kind), case.tag_id, case.other_id)
    found = next((one for one in find(person, known, now) if one.key == key), None)
    reasons = tagging.reasons(session, one_id, now, before_case=case.id)
    sent = exposures(session, [one_id], known.shape, now)[one_id]
    titles = content.titles(session, [one.version_id for one in sent])

    def behaviour(tag: int) -> tuple[list[Told], int, int]:
        whole = case.kind == Kind.SILENT
        of = [one for one in sent if whole or tag in one.tags]
        newest = sorted(of, key=lambda one: (one.opened_at is not None, one.at), reverse=True)
        told = [Told(titles.get(e.version_id, ""), e.at, e.opened_at) for e in newest[:SHOWN]]
        return told, len(of), sum(one.opened_at is not None for one in of)

    def column(tag: int, said: Sequence[Reason], place: int, *, acts: bool) -> Column:
        told, number, opened = behaviour(tag or case.tag_id) if acts else ([], 0, 0)
        return Column(tag, said, told, number, opened, _side(found, place), acts)

    mine = reasons.get(case.tag_id, [])
    if key[0] in PAIRS:
        other = reasons.get(case.other_id, [])
        columns = (
            column(case.tag_id, mine, 0, acts=True),
            column(case.other_id, other, 1, acts=True),
        )
    elif key[0] is Kind.DENIED:
        good = [one for one in mine if one.strength >= 0]
        bad = [one for one in mine if one.strength < 0]
        columns = (column(case.tag_id, good, 0, acts=True), column(case.tag_id, bad, 1, acts=False))
    else:
        there = 1 if key[0] is Kind.UNTAGGED else 0  # where the tag's own probability stands
        columns = (
            column(case.tag_id, mine, there, acts=False),
            column(0, [], 1 - there, acts=True),
        )
    return Evidence(one_id, columns, found.chances if found else {})


def _side(found: Contradiction | None, place: int) -> Side | None:
    return found.sides[place] if found is not None and place < len(found.sides) else None
