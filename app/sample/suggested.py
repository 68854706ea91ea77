"""What reps were suggested in two months, and what they answered."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from app import reps
from app.content import ContentVersion
from app.identity import Identifier
from app.infra.clock import local
from app.infra.workdays import is_workday
from app.recommend import State, Suggestion
from app.recommend.fit.forms import Form
from app.sample.company import DAYS, Company, Versions
from app.sample.library import SampleContent

ANSWERS = (State.ADOPTED, State.ADOPTED, State.ADOPTED, State.REFUSED, State.LATER,
           State.EXPIRED)  # fmt: skip


def suggest(
    session: Session,
    company: Company,
    known: dict[str, dict[str, Identifier]],
    versions: Versions,
    rows: dict[str, reps.Rep],
) -> None:
    """What reps were suggested on the working days of two months, and what they answered."""
    rng = company.rng
    friends = [p for p in company.people if p.external_userid]
    for back in range(4, DAYS):
        day = local(company.now) - timedelta(days=back)
        if not is_workday(day.date()):
            continue
        morning = day.replace(hour=9, minute=1, second=0, microsecond=0).astimezone(UTC)
        ready = [pair for pair in versions if pair[1].decided_at and pair[1].decided_at < morning]
        for position, person in enumerate(rng.sample(friends, 12), start=1):
            own = [pair for pair in ready if pair[0].area == person.area]
            if own:
                sample, version = rng.choice(own)
                rep = rows[person.rep_userids[0]]
                row = _past(rng, known[person.key]["wecom"], rep, sample, version, morning)
                row.position = position % 5 + 1
                session.add(row)
    session.flush()


def _past(
    rng: random.Random,
    identifier: Identifier,
    rep: reps.Rep,
    sample: SampleContent,
    version: ContentVersion,
    at: datetime,
) -> Suggestion:
    state = rng.choice(ANSWERS)
    answered = at + timedelta(minutes=rng.randrange(2, 300))
    adopted = state is State.ADOPTED
    return Suggestion(
        plan_key=f"sample:{at:%Y%m%d}:{identifier.id}", rep_id=rep.id,
        identifier_id=identifier.id, content_id=version.content_id,
        content_version_id=version.id, day=local(at).date(), score=round(rng.uniform(0.2, 0.9), 3),
        reasons=[Form.CRM.say(tag=sample.tags[0][0]), Form.NO_CONTACT.say()],
        state=state, created_at=at, delivered_at=at + timedelta(seconds=40),
        answered_at=None if state is State.EXPIRED else answered,
        refusal=rng.choice(("content", "timing", "discussed")) if state is State.REFUSED else None,
        hidden_until=at + timedelta(days=7) if state is State.REFUSED else None,
        forwarded_at=answered if adopted and rng.random() < 0.7 else None,
    )  # fmt: skip
