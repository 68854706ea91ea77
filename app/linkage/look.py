"""Whom a new or changed physician may be as well: compared, scored, and put into the queue.

look(session, who, …)        their likely pairs; who: those of `due`
unchanged(session, pair)     whether both are still what was compared
put(session, found, now)     into the queue, where they are no answered question yet
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, aliased

from app.identity import WEAK, Identifier, Physician, owners
from app.infra.db import insert_once
from app.linkage import keys, model, queue
from app.linkage.automatic import may_join
from app.linkage.compare import COLUMNS, compare
from app.linkage.models import LinkCandidate, LinkModel, State
from app.linkage.people import Somebody, apart, exceeds, people
from app.linkage.score import Score, Scorer

LEAST_BITS = 0.0  # as likely as not: what is less likely is not worth anybody's time
FEW = 10_000  # are counted every time: it takes no time, and their number may grow tenfold at once
COUNTED_FOR = timedelta(minutes=1)
_loaded: dict[int, model.Model] = {}
_counted: dict[str, tuple[datetime, int]] = {}  # database → when, how many physicians


@dataclass(frozen=True, slots=True)
class Pair:
    """Two physicians who may be one. `sure`: nobody has to look."""

    a: Somebody
    b: Somebody
    score: Score
    sure: bool


def current_model(session: Session) -> model.Model:
    """The newest weights: trained here, or those that come with the product."""
    newest = session.execute(_NEWEST).first()
    if newest is None:
        return model.default()
    if newest.id not in _loaded:
        text = session.scalar(select(LinkModel.weights).where(LinkModel.id == newest.id)) or ""
        _loaded.clear()
        _loaded[newest.id] = model.loads(text, COLUMNS)
    return _loaded[newest.id]


def save_model(session: Session, trained: model.Model, now: datetime) -> None:
    """Use these weights from now on."""
    session.add(LinkModel(version=trained.version, weights=trained.dumps(), at=now))


def scorer(session: Session, now: datetime) -> Scorer:
    """The current weights for as many physicians as there are, or were a minute ago."""
    return Scorer(current_model(session), _living(session, now))


def _living(session: Session, now: datetime) -> int:
    place = str(session.get_bind().engine.url)
    at, number = _counted.get(place, (now, 0))
    if number < FEW or not timedelta(0) <= now - at < COUNTED_FOR:
        number = session.scalar(select(func.count()).where(Physician.live.is_(True))) or 0
        _counted[place] = now, number
    return number


def look(session: Session, one_ids: Sequence[str], with_: Scorer) -> list[Pair]:
    """The likely pairs of these physicians, whose keys are brought up to date."""
    mine = people(session, one_ids)
    for one_id in one_ids:
        keys.store(session, one_id, keys.tokens(mine[one_id].features) if one_id in mine else ())
    found: dict[tuple[int, int], Pair] = {}
    for me in mine.values():
        meets, namesakes = keys.others(session, me.one_id, keys.tokens(me.features))
        share = {"name": with_.share("name", namesakes)}
        for other in people(session, meets).values():
            pair = weigh(me, other, with_, share)
            if pair is not None:
                found[pair.a.stands, pair.b.stands] = pair
    return allowed(session, found.values())


def weigh(me: Somebody, other: Somebody, with_: Scorer, share: dict[str, float]) -> Pair | None:
    """The pair, when it is likely enough and one person may have all that the two have."""
    levels = compare(me.features, other.features)
    if with_.bits(levels, share) < LEAST_BITS or exceeds(me, other):
        return None
    a, b = sorted((me, other), key=lambda one: one.stands)
    score = with_.explain(levels, share)
    sure = not _alike(a, b) and may_join(
        levels, score.probability, (a.hospital, b.hospital),
        (a.features.institution, b.features.institution),
    )  # fmt: skip
    return Pair(a, b, score, sure)


def _alike(a: Somebody, b: Somebody) -> bool:
    """Both registered, or both known by one kind of strong identifier, as two contacts of a
    company are: likelier two of one name than one with two of it."""
    strong = {one for one in a.held.keys() & b.held.keys() if one[0] not in WEAK}
    return bool(strong) or (a.registered and b.registered)


def allowed(session: Session, found: Iterable[Pair]) -> list[Pair]:
    """Without those whom a judgement keeps apart."""
    pairs = list(found)
    kept = apart(session, ((one.a, one.b) for one in pairs))
    return [one for one in pairs if (one.a.one_id, one.b.one_id) not in kept]


def unchanged(session: Session, pair: Pair) -> bool:
    """False when one of them has or says anything else by now: then the score is of others."""
    now = people(session, (pair.a.one_id, pair.b.one_id))
    return now == {one.one_id: one for one in (pair.a, pair.b)}


def put(
    session: Session, found: Sequence[Pair], version: str, now: datetime
) -> list[tuple[LinkCandidate, Pair]]:
    """Their candidates that are open, held; what people have answered or could not tell stays so.

    Left out are pairs of somebody who became somebody else meanwhile, who is due again, and those
    on which somebody decides in this moment.
    """
    pairs = _unchanged(session, found)
    known = _known(session, pairs)
    ids = [known.get(_both(pair)) or _new(session, pair, now) for pair in pairs]
    rows = _locked(session, ids)
    placed = []
    for row, pair in ((rows[n], pair) for n, pair in zip(ids, pairs, strict=True) if n in rows):
        if row.state == State.EXPIRED:
            queue.reopen(row, queue.ELSEWHERE, now)
        if row.state in queue.WAITING:
            row.score, row.probability = pair.score.bits, pair.score.probability
            row.weights, row.model_version = pair.score.weights, version
            if row.decided_by is None:  # else it is when somebody said so
                row.updated_at = now
        if row.state == State.OPEN:
            placed.append((row, pair))
    session.flush()
    return placed


def _locked(session: Session, ids: Sequence[int]) -> dict[int, LinkCandidate]:
    """These candidates as they are now, but for those that somebody else holds."""
    chosen = select(LinkCandidate).where(LinkCandidate.id.in_(ids)).order_by(LinkCandidate.id)
    held = chosen.with_for_update(skip_locked=True).execution_options(populate_existing=True)
    return {row.id: row for row in session.scalars(held)}


def _both(pair: Pair) -> frozenset[str]:
    return frozenset((pair.a.one_id, pair.b.one_id))


def _unchanged(session: Session, found: Sequence[Pair]) -> list[Pair]:
    owner = owners(session, {one.stands for pair in found for one in (pair.a, pair.b)})
    return [
        pair
        for pair in found
        if all(owner.get(one.stands) == one.one_id for one in (pair.a, pair.b))
    ]


def _new(session: Session, pair: Pair, now: datetime) -> int:
    """Its row's id, which another worker may have written in this moment."""
    values: dict[str, Any] = {
        "a_id": pair.a.stands, "b_id": pair.b.stands, "score": pair.score.bits,
        "probability": pair.score.probability, "weights": pair.score.weights, "model_version": "",
        "state": State.OPEN, "created_at": now, "updated_at": now,
    }  # fmt: skip
    insert_once(session, LinkCandidate, values, "a_id", "b_id")
    same = LinkCandidate.a_id == pair.a.stands, LinkCandidate.b_id == pair.b.stands
    return session.scalars(select(LinkCandidate.id).where(*same)).one()


def _known(session: Session, found: Sequence[Pair]) -> dict[frozenset[str], int]:
    """Candidates about the same two persons, whichever identifiers stood for them: their ids."""
    members = sorted({m for pair in found for one in (pair.a, pair.b) for m in one.members})
    rows: dict[frozenset[str], tuple[int, str]] = {}
    for start in range(0, len(members), 500):
        part = members[start : start + 500]
        chosen = (
            select(LinkCandidate.id, LinkCandidate.state, _A.one_id, _B.one_id)
            .join(_A, _A.id == LinkCandidate.a_id)
            .join(_B, _B.id == LinkCandidate.b_id)
            .where(or_(LinkCandidate.a_id.in_(part), LinkCandidate.b_id.in_(part)))
            .order_by(LinkCandidate.id)
        )
        for number, state, a, b in session.execute(chosen):
            other = rows.get(frozenset((a, b)))
            if other is None or other[1] == State.EXPIRED:
                rows[frozenset((a, b))] = number, state
    return {both: number for both, (number, _) in rows.items()}


_A, _B = aliased(Identifier), aliased(Identifier)
_NEWEST = select(LinkModel.id).order_by(LinkModel.id.desc()).limit(1)
