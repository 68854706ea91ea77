"""Whether suggestions that a rep looks at may still be adopted: asked whenever they are shown, with
the reason and the moment from which it is possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content
from app.consent import Through, Verdict
from app.content import ContentVersion
from app.flows.allowed import eligible
from app.flows.allowed.history import contents_had
from app.flows.allowed.permission import HAD, asker, push_over
from app.identity import Identifier
from app.recommend import State, Suggestion
from app.recommend.day.way import Choice
from app.reps import Rep

Row = TypeVar("Row", Identifier, ContentVersion)


def still_allowed(
    session: Session,
    rep: Rep,
    rows: Sequence[Suggestion],
    ways: Mapping[int, Choice],
    now: datetime,
) -> dict[int, Verdict]:
    """The verdict of this moment by suggestion; people and contents are read once for all.

    `ways`: those to the physician, by suggestion. Where one is open, nothing speaks against a
    contact; what speaks against the content or its push counts in any case, also that the physician
    has got it meanwhile, through another rep or a push.
    """
    people = _by_id(session, Identifier, {row.identifier_id for row in rows})
    now_is = {row.id: content.in_force(session, row.content_version_id, now) for row in rows}
    versions = _by_id(session, ContentVersion, set(now_is.values()))
    ask = asker(session, rep, list(people.values()), Through.REP, now)
    library = eligible.library_of(session, list(versions.values()))
    one_ids = {person.one_id for person in people.values()}
    may_get = eligible.compiled(session, rep, library, one_ids, now)
    waiting = [row.id for row in rows if row.state != State.ADOPTED]
    had = contents_had(session, sorted(one_ids), now, waiting)
    problems = {key: content.problem(session, one, now) for key, one in versions.items()}
    found = {}
    for row in rows:
        person = people[row.identifier_id]
        contact = ask.verdict(person, now).reasons
        asked = ask.verdict(person, now, content_problem=problems[now_is[row.id]]).reasons
        of_content = [reason for reason in asked if reason not in contact]
        against = may_get.reasons(person.one_id, row.content_id)
        way = ways.get(row.id)
        reached = way is not None and way.by is not None
        over = push_over(session, row.campaign_id)
        again = (HAD,) if row.content_id in had.get(person.one_id, ()) else ()
        found[row.id] = Verdict(
            (*over, *(() if reached else contact), *of_content, *against, *again)
        )
    return found


def _by_id(session: Session, model: type[Row], ids: set[int]) -> dict[int, Row]:
    return {row.id: row for row in session.scalars(select(model).where(model.id.in_(ids)))}
