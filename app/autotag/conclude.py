"""What rules say of physicians on a day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import segments
from app.autotag import deeds
from app.autotag.journeys import AT_ONCE, Library, steps_of
from app.autotag.live import Live, need_words, with_meaning
from app.autotag.rules import holds
from app.autotag.settle import Wanted
from app.identity.models import Physician


def conclude(
    session: Session,
    asked: Mapping[str, Sequence[Live]],
    library: Library,
    now: datetime,
) -> dict[str, list[Wanted]]:
    """`asked`: ONE ID → the rules to look at. Everybody is named; nothing is concluded
    of who is forgotten or has become somebody else."""
    rules = {one.id: one for of in asked.values() for one in of}
    meanings = {one.id: meaning for one, meaning in with_meaning(session, list(rules.values()))}
    steps = steps_of(session, _living(session, asked), library, words=need_words(rules.values()))
    today = deeds.day_of(now)
    found: dict[str, list[Wanted]] = {one_id: [] for one_id in asked}
    for one_id, of in asked.items():
        if not steps.get(one_id):
            continue
        journey = deeds.of(steps[one_id], today)
        for one in of:
            given = holds(one.rule, journey, today, meanings[one.id])
            found[one_id] += [
                Wanted(one.id, one.version, tag, what.since, what.said, one.rule.confidence)
                for tag, what in given.items()
            ]
    return _inside(session, found, rules, now)


def _living(session: Session, asked: Iterable[str]) -> list[str]:
    people = list(asked)
    found: list[str] = []
    for start in range(0, len(people), AT_ONCE):
        piece = Physician.one_id.in_(people[start : start + AT_ONCE])
        found += session.scalars(select(Physician.one_id).where(piece, Physician.live.is_(True)))
    return found


def _inside(
    session: Session, found: dict[str, list[Wanted]], rules: Mapping[int, Live], now: datetime
) -> dict[str, list[Wanted]]:
    """Without those who are not in the audience of the rule; asked only where it would hold."""
    limited = {one.id: one.rule.audience for one in rules.values() if one.rule.audience}
    asked = sorted(w for w, wants in found.items() if any(x.rule_id in limited for x in wants))
    if not asked:
        return found
    inside = segments.of_these(session, limited.values(), asked, now)
    for who in asked:
        found[who] = [
            want for want in found[who]
            if want.rule_id not in limited or who in inside[limited[want.rule_id]]
        ]  # fmt: skip
    return found
