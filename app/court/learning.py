"""Learning from our own logs how reliable each source is, for all tags and for each.

Physicians are read piece by piece, in the order of their ONE IDs, which is random; `MOST` to whom
something was sent are enough. A claim counts for what was sent after it was made and while it
stood; what was sent before anybody claimed the tag says how often openings look like that anyway.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import tagging
from app.court.behaviour import Exposure, exposures
from app.court.likelihood import (
    PRIOR_CASES,
    Cases,
    Claim,
    Fit,
    Odds,
    Seen,
    expected,
    fit,
    share_of,
)
from app.court.terms import note_learned
from app.court.truth import propose_retirements
from app.identity import Identifier, Physician
from app.infra.clock import Clock
from app.infra.db import Database
from app.tagging import Learned, Shape
from app.tagging.models import TagAssertion
from app.tagging.rules import decay, prior

PIECE = 500
MOST = 200_000  # physicians to whom something was sent
GRID = 20  # what is left of a claim is counted in twentieths

Group = tuple[str, int]


class Said(NamedTuple):
    """A positive assertion, in force or not."""

    tag_id: int
    source: str
    confidence: float
    at: datetime
    until: datetime | None


@dataclass
class Logs:
    """What was read, counted: claims by source and tag, and what was opened where none was made."""

    claims: dict[Group, Counter[Claim]] = field(default_factory=lambda: defaultdict(Counter))
    nobody: Counter[Claim] = field(default_factory=Counter)
    people: int = 0
    sent: int = 0
    opened: int = 0

    def add(self, said: Sequence[Said], sent: Sequence[Exposure], shape: Shape) -> None:
        """One physician."""
        if not sent:
            return
        self.people += 1
        self.sent += len(sent)
        self.opened += sum(one.opened_at is not None for one in sent)
        first = _first_claims(said, shape)
        for tag in {tag for one in sent for tag in one.tags}:
            mine = [one for one in sent if tag in one.tags]
            others = len(sent) - len(mine)
            elsewhere = sum(one.opened_at is not None for one in sent if tag not in one.tags)
            early = [one for one in mine if tag not in first or one.at < first[tag]]
            if early:
                self.nobody[Claim(1.0, _seen(early, others, elsewhere))] += 1
            for one in _earliest(said, tag):
                late = [e for e in mine if one.at <= e.at and not (one.until and e.at > one.until)]
                if late:
                    left = _left(one, late, shape.half_lives.get(tag))
                    seen = _seen(late, others, elsewhere)
                    self.claims[one.source, tag][Claim(left, seen)] += 1


def learn(db: Database, clock: Clock, stop: Callable[[], bool] = lambda: False) -> Logs | None:
    """Read the logs, learn, and apply what is news; None when `stop` said so."""
    logs = Logs()
    for piece in _pieces(db):
        if stop() or logs.people >= MOST:
            break
        with db.reading() as session:
            _read(session, piece, logs, clock())
    if stop():
        return None
    found, learned = conclude(logs)
    for one in learned:  # each by itself: whoever is touched follows, and nobody waits for long
        with db.transaction() as session:
            tagging.learn(session, one, clock())
    with db.transaction() as session:
        rate = logs.opened / logs.sent if logs.sent else 0.0
        if logs.claims or logs.nobody:
            note_learned(session, found.odds, found.common, rate, clock())
        else:
            note_learned(session, Odds(), found.common, rate, clock())
        propose_retirements(session, retired(logs, found), clock())
    return logs


def conclude(logs: Logs) -> tuple[Fit[str], list[Learned]]:
    """What all of it says. Pure."""
    sources: dict[str, Counter[Claim]] = defaultdict(Counter)
    for (source, _tag), cases in logs.claims.items():
        if source in tagging.LEARNED_FROM:
            sources[source].update(cases)
    found = fit(_telling_all(sources), _telling(logs.nobody), {s: prior(s) for s in sources})
    learned = []
    for source, cases in sorted(sources.items()):
        share = found.shares[source]
        learned.append(_learned(source, tagging.ANY_TAG, cases, found, share.value, PRIOR_CASES))
    for (source, tag), cases in sorted(logs.claims.items()):
        if source in found.shares:
            learned.append(_learned(source, tag, cases, found, found.shares[source].value))
    return found, learned


def retired(logs: Logs, found: Fit[str]) -> list[Learned]:
    """The same for every tag, whoever claims it."""
    tags: dict[int, Counter[Claim]] = defaultdict(Counter)
    for (source, tag), cases in logs.claims.items():
        if source in found.shares:
            tags[tag].update(cases)
    return [_learned("", tag, cases, found, 0.5, PRIOR_CASES) for tag, cases in tags.items()]


def _learned(
    source: str, tag: int, cases: Cases, found: Fit[str], start: float, worth: float | None = None
) -> Learned:
    if tag == tagging.ANY_TAG:
        share = found.shares[source]
    elif worth is None:
        share = share_of(_telling(cases), found.odds, start)
    else:
        share = share_of(_telling(cases), found.odds, start, worth)
    return Learned(
        source=source, tag_id=tag, value=share.value, low=share.low, high=share.high,
        people=int(sum(cases.values())),
        exposures=int(sum(n * claim.seen.sent for claim, n in cases.items())),
        opens=int(sum(n * claim.seen.with_it for claim, n in cases.items())),
        expected=sum(n * expected(c.seen, found.odds.without)[0] for c, n in cases.items()),
        informed=share.informed,
    )  # fmt: skip


def _telling(cases: Cases) -> Cases:
    """Those that say something: of the others any share is as likely."""
    return {claim: number for claim, number in cases.items() if claim.seen.says_something}


def _telling_all(groups: Mapping[str, Cases]) -> dict[str, Cases]:
    return {group: _telling(cases) for group, cases in groups.items()}


def _pieces(db: Database) -> Iterator[Sequence[str]]:
    last = ""
    while True:
        with db.reading() as session:
            chosen = select(Physician.one_id).where(
                Physician.one_id > last, Physician.live.is_(True)
            )
            piece = session.scalars(chosen.order_by(Physician.one_id).limit(PIECE)).all()
        if not piece:
            return
        yield piece
        last = piece[-1]


def _read(session: Session, one_ids: Sequence[str], logs: Logs, now: datetime) -> None:
    shape = tagging.shape(session)
    sent = {one: of for one, of in exposures(session, one_ids, shape, now).items() if of}
    said: dict[str, list[Said]] = defaultdict(list)
    rows = session.execute(
        select(
            Identifier.one_id, TagAssertion.tag_id, TagAssertion.source, TagAssertion.confidence,
            TagAssertion.at, TagAssertion.superseded_at,
        )
        .join(Identifier, Identifier.id == TagAssertion.identifier_id)
        .where(Identifier.one_id.in_(list(sent)), TagAssertion.confidence > 0)
        .order_by(TagAssertion.at, TagAssertion.id)
    )  # fmt: skip
    for one_id, tag_id, source, confidence, at, until in rows:
        said[one_id].append(Said(tag_id, source, confidence, at, until))
    for one_id, of in sent.items():
        logs.add(said[one_id], of, shape)


def _first_claims(said: Sequence[Said], shape: Shape) -> dict[int, datetime]:
    """Since when anybody says so, or something narrower."""
    first: dict[int, datetime] = {}
    for one in said:
        for tag in shape.broader(one.tag_id):
            first[tag] = min(first.get(tag, one.at), one.at)
    return first


def _earliest(said: Sequence[Said], tag: int) -> list[Said]:
    """The first claim of each source."""
    found: dict[str, Said] = {}
    for one in said:
        if one.tag_id == tag:
            found.setdefault(one.source, one)
    return list(found.values())


def _seen(mine: Sequence[Exposure], others: int, elsewhere: int) -> Seen:
    opened = sum(one.opened_at is not None for one in mine)
    return Seen(len(mine), others, elsewhere + opened, opened)


def _left(one: Said, late: Sequence[Exposure], half_life: int | None) -> float:
    """What is left of the claim on average, in steps; never nothing."""
    ages = [decay((e.at - one.at).total_seconds(), half_life) for e in late]
    left = min(1.0, one.confidence) * sum(ages) / len(ages)
    return max(1, round(left * GRID)) / GRID
