"""Making assertions equal to what rules say, for many physicians at once.

`ref` is `rule:ID.VERSION:DAY`, the day on which the conclusion rests: a newer deed supersedes the
older assertion, so that the tag stays as fresh as the behaviour, at most once a day. What a rule
says no more is superseded; what it says again is revived. Nothing is overwritten.

What a verdict overruled stays overruled while the rule repeats it, on whatever day it rests; said
no more, it is forgotten. A rule gives no tag that rules may not assert, and for one that was merged
the tag that it stands for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app import tagging
from app.autotag.deeds import begin_of
from app.identity import changed
from app.identity.models import Identifier, Physician
from app.tagging.lexicon import LEXICON
from app.tagging.models import Source, TagAssertion

AT_ONCE = 500


class Wanted(NamedTuple):
    """A tag that a rule gives to somebody, since this day."""

    rule_id: int
    version: int
    tag_id: int
    since: int
    said: str
    confidence: float

    @property
    def ref(self) -> str:
        """The name of the evidence."""
        return f"rule:{self.rule_id}.{self.version}:{date.fromordinal(self.since).isoformat()}"


class Settled(NamedTuple):
    """How many assertions began and ended."""

    given: int
    taken: int


class Holding(NamedTuple):
    """An assertion of a rule that holds, or would without a verdict."""

    id: int
    identifier_id: int
    tag_id: int
    ref: str
    overruled: bool = False

    @property
    def rule_id(self) -> int:
        """Of the rule that made it."""
        return int(self.ref[5:].partition(".")[0])


def settle(
    session: Session,
    wanted: Mapping[str, Sequence[Wanted]],
    rules: Collection[int],
    now: datetime,
) -> Settled:
    """`wanted`: ONE ID → what these rules give; whoever is named loses what is not given."""
    given = taken = 0
    people = list(wanted)
    for start in range(0, len(people), AT_ONCE):
        piece = people[start : start + AT_ONCE]
        one = _settle(session, {one_id: wanted[one_id] for one_id in piece}, set(rules), now)
        given, taken = given + one.given, taken + one.taken
    return Settled(given, taken)


def _settle(
    session: Session, wanted: Mapping[str, Sequence[Wanted]], rules: Collection[int], now: datetime
) -> Settled:
    holding, allowed = holdings(session, list(wanted), rules), _allowed(session)
    old: list[Holding] = []
    new: dict[str, list[Wanted]] = {}
    for one_id, wants in wanted.items():
        fresh, over = _difference(allowed(wants), holding.get(one_id, ()))
        old += over
        if fresh:
            new[one_id] = fresh
    end(session, old, now)
    anchors = _anchors(session, list(new))
    rows = [
        _row(anchors[one_id], want) for one_id, wants in new.items() if one_id in anchors
        for want in wants
    ]  # fmt: skip
    _begin(session, rows)
    return Settled(len(rows), len(old))


def _difference(
    wants: Sequence[Wanted], holding: Sequence[Holding]
) -> tuple[list[Wanted], list[Holding]]:
    """What has to begin and what is over."""
    left = {(want.tag_id, want.ref): want for want in wants}
    said = {(want.rule_id, want.tag_id) for want in wants}
    denied = {(one.rule_id, one.tag_id) for one in holding if one.overruled}
    over = [
        one for one in holding
        if (one.tag_id, one.ref) not in left
        and not (one.overruled and (one.rule_id, one.tag_id) in said)
    ]  # fmt: skip
    there = {(one.tag_id, one.ref) for one in holding}
    fresh = [
        want for key, want in left.items()
        if key not in there and (want.rule_id, want.tag_id) not in denied
    ]  # fmt: skip
    return fresh, over


def _allowed(session: Session) -> Callable[[Sequence[Wanted]], list[Wanted]]:
    known = LEXICON.of(session)

    def allowed(wants: Sequence[Wanted]) -> list[Wanted]:
        now = (one._replace(tag_id=known.merged.get(one.tag_id, one.tag_id)) for one in wants)
        return [one for one in now if known.may(Source.RULE, one.tag_id)]

    return allowed


def holdings(
    session: Session, one_ids: Sequence[str], rules: Collection[int]
) -> dict[str, list[Holding]]:
    """What these rules say of these physicians at the moment, oldest first; also what a verdict
    overruled of it."""
    rows = session.execute(
        select(Identifier.one_id, TagAssertion.id, TagAssertion.identifier_id, TagAssertion.tag_id,
               TagAssertion.ref, TagAssertion.overruled_by.is_not(None))
        .join(TagAssertion, TagAssertion.identifier_id == Identifier.id)
        .where(
            Identifier.one_id.in_(one_ids), tagging.STANDS,
            TagAssertion.source == Source.RULE, TagAssertion.ref.startswith("rule:"),
        )
        .order_by(TagAssertion.id)
    )  # fmt: skip
    found: dict[str, list[Holding]] = defaultdict(list)
    for row in rows:
        one_id, one = row[0], Holding(*row[1:])
        if one.rule_id in rules:
            found[one_id].append(one)
    return found


def end(session: Session, old: Sequence[Holding], now: datetime) -> None:
    """These hold no more."""
    for start in range(0, len(old), AT_ONCE):
        ids = [one.id for one in old[start : start + AT_ONCE]]
        tagging.withdraw(session, [TagAssertion.id.in_(ids)], now)


def _begin(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Those that were superseded hold again; their words stay as they were."""
    if rows:
        dialect = session.get_bind().dialect.name
        session.connection().execute(_AGAIN[dialect == "postgresql"], list(rows))
    for row in rows:
        changed.note(session, row["identifier_id"])


def _again(maker: Any) -> Any:
    keys = ["identifier_id", "tag_id", "source", "ref"]
    made = maker.insert(TagAssertion.__table__)
    return made.on_conflict_do_update(index_elements=keys, set_={"superseded_at": None})


_AGAIN = (_again(sqlite), _again(postgresql))


def _row(identifier_id: int, want: Wanted) -> dict[str, Any]:
    return {
        "identifier_id": identifier_id, "tag_id": want.tag_id, "source": Source.RULE.value,
        "ref": want.ref, "evidence": want.said, "confidence": want.confidence,
        "actor": f"rule:{want.rule_id}", "at": begin_of(want.since), "superseded_at": None,
    }  # fmt: skip


def _anchors(session: Session, one_ids: Sequence[str]) -> dict[str, int]:
    """The identifier at which a physician's conclusions hang: the strongest."""
    chosen = select(Physician.one_id, Physician.anchor_id)
    rows = session.execute(
        chosen.where(
            Physician.one_id.in_(one_ids), Physician.live.is_(True),
            Physician.anchor_id.is_not(None),
        )
    )  # fmt: skip
    return {one_id: anchor for one_id, anchor in rows if anchor is not None}
