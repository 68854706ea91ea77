"""Rules that stop contents for somebody until a day: proposed by what reps write, decided by
marketing, versioned, and withdrawn without a trace on what was planned before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.feedback import reading
from app.feedback.models import RefusalNote, RuleState, Scope, StopRule, StopRuleVersion
from app.infra.clock import begin_of, local
from app.infra.errors import NotFound, Refused

LONGEST = timedelta(days=366)
NEWEST = 200  # open proposals, and words of theirs, that new words are compared with


@dataclass(frozen=True, slots=True)
class What:
    """What a rule stops, for whom, until when."""

    tag_ids: tuple[int, ...]
    content_id: int | None
    scope: Scope
    until: datetime
    rep_id: int | None = None
    identifier_id: int | None = None
    segment_id: int | None = None

    def as_json(self) -> dict[str, Any]:
        """For the history; ids only."""
        return {
            "tag_ids": list(self.tag_ids), "content_id": self.content_id, "scope": self.scope,
            "rep_id": self.rep_id, "identifier_id": self.identifier_id,
            "segment_id": self.segment_id, "until": self.until.isoformat(),
        }  # fmt: skip


def propose(
    session: Session, note: RefusalNote, text: str, tag_ids: Sequence[int], now: datetime
) -> StopRule:
    """The proposal that these words belong to: an open one that says the same, or a new one."""
    tags = sorted(set(tag_ids))
    until = begin_of(reading.until(text, local(now).date()), now)
    rule = _joined(session, _saying_the_same(session, note, text, tags))
    if rule is not None:
        rule.until = max(rule.until, until)
        _widen(rule, note)
    else:
        rule = StopRule(
            state=RuleState.PROPOSED, number=1, tag_ids=tags, until=until, created_at=now,
            content_id=None if tags else note.content_id, rep_id=note.rep_id, scope=Scope.REP,
        )  # fmt: skip
        if reading.is_about_one(text):
            rule.scope, rule.rep_id = Scope.PERSON, None
            rule.identifier_id = note.identifier_id
        session.add(rule)
    session.flush()
    note.rule_id = rule.id
    session.flush()
    return rule


def take_back(session: Session, suggestion_id: int) -> None:
    """The rep did not mean these words: they go, and a proposal says what is left of it. Raises
    Refused when it is decided."""
    note = session.scalar(select(RefusalNote).where(RefusalNote.suggestion_id == suggestion_id))
    if note is None or note.rule_id is None:
        return
    rule = _joined(session, [get(session, note.rule_id)])
    if rule is None:
        raise Refused("市场部已经处理了您写的意见，这条不能再撤回。")
    session.delete(note)
    session.flush()
    left = notes_of(session, [rule.id])[rule.id]
    if left:
        _narrow(rule, left)
    else:
        session.delete(rule)
    session.flush()


def approve(
    session: Session, rule_id: int, what: What, *, by: str, reason: str = "", now: datetime
) -> StopRule:
    """From now on it holds, as edited; a rule that holds already gets its next version."""
    rule = _locked(session, rule_id)
    if rule.state not in (RuleState.PROPOSED, RuleState.LIVE):
        raise Refused("这条规则已经驳回或撤回，不能再修改。")
    _check(what, now)
    if rule.state == RuleState.LIVE:
        rule.number += 1
    rule.state, rule.decided_at, rule.decided_by = RuleState.LIVE, now, by
    rule.tag_ids, rule.content_id, rule.scope = list(what.tag_ids), what.content_id, what.scope
    rule.rep_id, rule.identifier_id = what.rep_id, what.identifier_id
    rule.segment_id, rule.until = what.segment_id, what.until
    _keep(session, rule, what.as_json(), by, reason, now)
    return rule


def reject(session: Session, rule_id: int, *, by: str, reason: str, now: datetime) -> StopRule:
    """It never held, and never will. Raises Refused without a reason."""
    return _end(session, rule_id, RuleState.PROPOSED, RuleState.REJECTED, by, reason, now)


def withdraw(session: Session, rule_id: int, *, by: str, reason: str, now: datetime) -> StopRule:
    """It holds no more. Raises Refused without a reason."""
    return _end(session, rule_id, RuleState.LIVE, RuleState.WITHDRAWN, by, reason, now)


def in_force(session: Session, now: datetime) -> Sequence[StopRule]:
    """Rules that stop something at `now`."""
    return session.scalars(
        select(StopRule)
        .where(StopRule.state == RuleState.LIVE, StopRule.until > now)
        .order_by(StopRule.id)
    ).all()


def listing(session: Session, limit: int = 200) -> Sequence[StopRule]:
    """Proposals first, then what holds, then what is over; of each the newest first."""
    place = case({RuleState.PROPOSED: 0, RuleState.LIVE: 1}, value=StopRule.state, else_=2)
    return session.scalars(select(StopRule).order_by(place, StopRule.id.desc()).limit(limit)).all()


def count_proposed(session: Session) -> int:
    """How many wait for a decision."""
    number = select(func.count()).where(StopRule.state == RuleState.PROPOSED)
    return session.scalar(number.select_from(StopRule)) or 0


def of_segment(session: Session, segment_id: int) -> Sequence[StopRule]:
    """Rules that ever were about a segment: their history needs it."""
    return session.scalars(select(StopRule).where(StopRule.segment_id == segment_id)).all()


def get(session: Session, rule_id: int) -> StopRule:
    """The rule. Raises NotFound."""
    rule = session.get(StopRule, rule_id)
    if rule is None:
        raise NotFound("没有这条规则。")
    return rule


def words_about(session: Session, identifier_ids: Collection[int]) -> dict[int, str]:
    """What reps wrote of these, by suggestion."""
    mine = select(RefusalNote).where(RefusalNote.identifier_id.in_(identifier_ids))
    return {note.suggestion_id: note.text for note in session.scalars(mine)}


def notes_of(session: Session, rule_ids: Collection[int]) -> dict[int, list[RefusalNote]]:
    """What reps wrote, by the rule it led to, oldest first."""
    found: dict[int, list[RefusalNote]] = {rule_id: [] for rule_id in rule_ids}
    rows = session.scalars(
        select(RefusalNote).where(RefusalNote.rule_id.in_(found)).order_by(RefusalNote.id)
    )
    for row in rows:
        if row.rule_id is not None:
            found[row.rule_id].append(row)
    return found


def versions_of(session: Session, rule_id: int) -> Sequence[StopRuleVersion]:
    """What it said over time, newest first."""
    return session.scalars(
        select(StopRuleVersion)
        .where(StopRuleVersion.rule_id == rule_id)
        .order_by(StopRuleVersion.number.desc())
    ).all()


def _saying_the_same(
    session: Session, note: RefusalNote, text: str, tags: list[int]
) -> Sequence[StopRule]:
    """Open proposals for the same, the oldest of the newest `NEWEST` first: two questions, however
    many wait."""
    chosen = select(StopRule).where(
        StopRule.state == RuleState.PROPOSED,
        StopRule.content_id.is_(None) if tags else StopRule.content_id == note.content_id,
        StopRule.identifier_id == note.identifier_id
        if reading.is_about_one(text)
        else StopRule.identifier_id.is_(None),
    )
    found = session.scalars(chosen.order_by(StopRule.id.desc()).limit(NEWEST)).all()[::-1]
    if tags:
        return [rule for rule in found if sorted(rule.tag_ids) == tags]
    said = session.execute(
        select(RefusalNote.rule_id, RefusalNote.text)
        .where(RefusalNote.rule_id.in_([rule.id for rule in found]))
        .order_by(RefusalNote.id.desc())
        .limit(NEWEST)
    )
    alike = {rule_id for rule_id, words in said if reading.alike(text, [words])}
    return [rule for rule in found if rule.id in alike]


def _joined(session: Session, found: Sequence[StopRule]) -> StopRule | None:
    """The first that is still a proposal, locked: marketing may have decided it meanwhile."""
    for one in found:
        rule = _locked(session, one.id)
        if rule.state == RuleState.PROPOSED:
            return rule
    return None


def _widen(rule: StopRule, note: RefusalNote) -> None:
    """Reps who ask for the same ask for all; what holds for whom stays marketing's decision."""
    if rule.scope == Scope.REP and rule.rep_id != note.rep_id:
        rule.scope, rule.rep_id = Scope.ALL, None


def _narrow(rule: StopRule, notes: Sequence[RefusalNote]) -> None:
    """What a proposal says when only these words are left of it."""
    ends = [begin_of(reading.until(one.text, local(one.at).date()), one.at) for one in notes]
    rule.until = max(ends)
    reps = {one.rep_id for one in notes}
    if rule.scope == Scope.ALL and len(reps) == 1:
        rule.scope, rule.rep_id = Scope.REP, reps.pop()


def _check(what: What, now: datetime) -> None:
    if not what.tag_ids and what.content_id is None:
        raise Refused("请至少选择一个标签，或指定一份内容。")
    if not now < what.until <= now + LONGEST:
        raise Refused("截止日期要在将来的一年之内。")
    needed = {
        Scope.REP: (what.rep_id, "代表"), Scope.PERSON: (what.identifier_id, "医生"),
        Scope.SEGMENT: (what.segment_id, "人群"), Scope.ALL: (0, ""),
    }[what.scope]  # fmt: skip
    if needed[0] is None:
        raise Refused(f"请选择规则适用的{needed[1]}。")


def _end(
    session: Session, rule_id: int, before: RuleState, after: RuleState, by: str, reason: str,
    now: datetime,
) -> StopRule:  # fmt: skip
    rule = _locked(session, rule_id)
    if rule.state != before:
        raise Refused("这条规则的状态已经变了，请刷新后再看。")
    if not reason.strip():
        raise Refused("请写明原因，提出的代表会看到。")
    if before is RuleState.LIVE:
        rule.number += 1
    rule.state, rule.decided_at, rule.decided_by = after, now, by
    _keep(session, rule, {"state": after}, by, reason, now)
    return rule


def _keep(
    session: Session, rule: StopRule, what: dict[str, Any], by: str, reason: str, now: datetime
) -> None:
    session.add(
        StopRuleVersion(
            rule_id=rule.id, number=rule.number, what=what, by=by, reason=reason.strip()[:200],
            at=now,
        )
    )  # fmt: skip
    session.flush()


def _locked(session: Session, rule_id: int) -> StopRule:
    rule = session.get(StopRule, rule_id, with_for_update=True, populate_existing=True)
    if rule is None:
        raise NotFound("没有这条规则。")
    return rule
