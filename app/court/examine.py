"""Looking at physicians: contradictions become cases, cases without one are closed again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from app import tagging
from app.court import due
from app.court.behaviour import by_tag, exposures
from app.court.decide import decide, note
from app.court.models import SYSTEM, CaseEvent, CaseState, TagCase
from app.court.rules import (
    Before,
    Contradiction,
    Key,
    Kind,
    Person,
    Terms,
    Verdict,
    find,
    is_news,
)
from app.court.terms import Words, settle_at, terms, words
from app.identity import Identifier, Physician
from app.tagging.models import TagAssertion


def examine_due(session: Session, now: datetime, limit: int = 50) -> int:
    """Look at some of those who wait; how many that were."""
    taken = due.take(session, limit)
    examine(session, taken, now)
    return len(taken)


def examine(session: Session, one_ids: Sequence[str], now: datetime) -> None:
    """Bring the cases of these physicians in line with what contradicts itself."""
    if not one_ids:
        return
    here = _Here(session, now)
    _let_go(session, one_ids)
    anchors = _anchors(session, one_ids)
    people = persons(session, list(anchors), here.terms, now)
    cases = _cases_of(session, list(anchors))
    for one_id in sorted(anchors):
        here.bring_in_line(anchors[one_id], people[one_id], cases[one_id])
    session.flush()


def persons(
    session: Session,
    one_ids: Sequence[str],
    known: Terms,
    now: datetime,
    *,
    before_case: int | None = None,
) -> dict[str, Person]:
    """What is known of each, as the rules see it; `before_case`: as if it had no verdict."""
    lines = tagging.lines_of(session, one_ids, before_case=before_case)
    sent = exposures(session, one_ids, known.shape, now)
    return {
        one_id: Person(
            lines[one_id], by_tag(sent[one_id]), len(sent[one_id]),
            sum(one.opened_at is not None for one in sent[one_id]),
        )
        for one_id in one_ids
    }  # fmt: skip


class _Here:
    """One look of the court: its terms, and the session that it writes to."""

    def __init__(self, session: Session, now: datetime) -> None:
        self.session, self.now = session, now
        self.terms: Terms = terms(session)
        self.words: Mapping[int, Words] = words(session)
        self.settle_at = settle_at(session)

    def bring_in_line(self, anchor_id: int, person: Person, cases: Sequence[TagCase]) -> None:
        found = {one.key: one for one in find(person, self.terms, self.now)}
        known: dict[Key, list[TagCase]] = defaultdict(list)
        for case in cases:
            known[Kind(case.kind), case.tag_id, case.other_id].append(case)
        for key, of in known.items():
            self._keep_one(key, of, found.get(key), person)
        for key in found.keys() - known.keys():
            self._open(anchor_id, found[key])

    def _keep_one(
        self, key: Key, cases: Sequence[TagCase], found: Contradiction | None, person: Person
    ) -> None:
        """Who became one person may bring the same case twice: one is enough."""
        decided = [case for case in cases if case.verdict is not None]
        first = min(decided or cases, key=lambda case: case.id)
        for case in cases:
            if case.verdict is None and case is not first and case.state != CaseState.MOOT:
                self._close(case)
        self._hear_again(decided)
        for case in decided or [first]:
            self._follow(case, found, person)

    def _hear_again(self, decided: Sequence[TagCase]) -> None:
        """Verdicts that contradict each other, about who became one person: somebody decides the
        newest again, once; that overrules the others."""
        if not decided:
            return
        newest = max(decided, key=_when)
        differ = [
            case for case in decided
            if case.verdict != newest.verdict and newest.id not in case.facts.get("met", ())
        ]  # fmt: skip
        for case in differ:
            case.facts = {**case.facts, "met": [*case.facts.get("met", ()), newest.id]}
        if differ and newest.state == CaseState.SETTLED:
            newest.facts = {**newest.facts, "by_hand": True}
            self._move(newest, CaseState.OPEN, CaseEvent.REOPENED)

    def _follow(self, case: TagCase, found: Contradiction | None, person: Person) -> None:
        if found is not None:
            case.proposed, case.strength = found.proposed, found.strength
        if case.state == CaseState.SETTLED:
            if self._is_news(case, found, person):
                case.facts = {**case.facts, "by_hand": True}
                self._move(case, CaseState.OPEN, CaseEvent.REOPENED)
        elif found is None and case.verdict is None and case.state == CaseState.OPEN:
            self._close(case)
        elif found is not None and case.state == CaseState.MOOT:
            self._move(case, CaseState.OPEN, CaseEvent.REOPENED)
            self._settle(case, found)
        elif found is not None:
            self._settle(case, found)

    def _is_news(self, case: TagCase, found: Contradiction | None, person: Person) -> bool:
        if case.verdict is None:
            return False
        told, key = case.facts, (Kind(case.kind), case.tag_id, case.other_id)
        known = Before(told.get("sources", ()), told.get("upto", 0), told.get("sent", 0))
        return is_news(key, Verdict(case.verdict), known, person, self.terms, self.now,
                       still=found is not None)  # fmt: skip

    def _open(self, anchor_id: int, found: Contradiction) -> None:
        now = self.now
        case = TagCase(
            identifier_id=anchor_id, kind=found.kind, tag_id=found.tag, other_id=found.other,
            owner=self.words[found.tag].owner, state=CaseState.OPEN, proposed=found.proposed,
            strength=found.strength, facts={}, opened_at=now, updated_at=now, turn=0,
        )  # fmt: skip
        self.session.add(case)
        self.session.flush()
        note(self.session, case, CaseEvent.OPENED, SYSTEM, now)
        self._settle(case, found)

    def _settle(self, case: TagCase, found: Contradiction) -> None:
        """At once, when it is sure enough and no person has spoken about it."""
        at = self.settle_at
        if at is None or found.strength < at or case.verdict or case.facts.get("by_hand"):
            return
        decide(
            self.session, case.id, found.proposed, actor=SYSTEM, reason="", now=self.now,
            strength=found.strength,
        )  # fmt: skip

    def _close(self, case: TagCase) -> None:
        self._move(case, CaseState.MOOT, CaseEvent.MOOT)

    def _move(self, case: TagCase, state: CaseState, event: CaseEvent) -> None:
        case.state, case.updated_at = state, self.now
        note(self.session, case, event, SYSTEM, self.now)


def _when(case: TagCase) -> tuple[datetime, int]:
    assert case.decided_at is not None
    return case.decided_at, case.id


def _let_go(session: Session, one_ids: Sequence[str]) -> None:
    """Who were taken for one person and are not: the verdict about one overrules nothing that is
    said about the other."""
    of_case = aliased(Identifier)
    parted = (
        select(TagAssertion.id)
        .join(Identifier, Identifier.id == TagAssertion.identifier_id)
        .join(TagCase, TagCase.id == TagAssertion.overruled_by)
        .join(of_case, of_case.id == TagCase.identifier_id)
        .where(Identifier.one_id.in_(one_ids), of_case.one_id != Identifier.one_id)
    )
    if found := session.scalars(parted).all():
        tagging.release_overruled(session, found)


def _anchors(session: Session, one_ids: Sequence[str]) -> dict[str, int]:
    chosen = select(Physician.one_id, Physician.anchor_id).where(
        Physician.one_id.in_(one_ids), Physician.live.is_(True)
    )
    return {one_id: anchor for one_id, anchor in session.execute(chosen) if anchor is not None}


def _cases_of(session: Session, one_ids: Sequence[str]) -> dict[str, list[TagCase]]:
    rows = session.execute(
        select(Identifier.one_id, TagCase)
        .join(TagCase, TagCase.identifier_id == Identifier.id)
        .where(Identifier.one_id.in_(one_ids))
        .order_by(TagCase.id)
        .execution_options(populate_existing=True)
    )
    found: dict[str, list[TagCase]] = {one_id: [] for one_id in one_ids}
    for one_id, case in rows:
        found[one_id].append(case)
    return found
