"""Verdicts: what they do, their exact undoing, and appeals.

A verdict supersedes the assertions that lose and adds its own: +1 for what holds, −1 for what does
not. So a losing claim that its source repeats has no weight; it is heard again when something new
speaks, or when somebody appeals. Whoever decides after an appeal or new evidence first takes back
what the verdict before did, so there is one verdict in force at a time. What settled itself since,
about one of its tags, may rest on it: that is open again with it, and looked at anew.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from app import tagging
from app.court.behaviour import by_tag, exposures
from app.court.models import SYSTEM, CaseEvent, CaseState, TagCase, TagCaseEvent
from app.court.rules import Kind, Person, Verdict, before, effect, options
from app.identity import Identifier
from app.infra.errors import NotFound, Refused
from app.tagging import Source, Tag
from app.tagging.models import TagAssertion


def get(session: Session, case_id: int, *, lock: bool = False) -> TagCase:
    """The case. Raises NotFound."""
    case = session.get(TagCase, case_id, with_for_update=lock or None, populate_existing=lock)
    if case is None:
        raise NotFound("没有这个标签分歧。")
    return case


def decide(
    session: Session,
    case_id: int,
    verdict: Verdict,
    *,
    actor: str,
    reason: str,
    now: datetime,
    strength: float | None = None,
) -> TagCase:
    """Settle an open case. `strength`: how sure it is when nobody decides but the rules.

    Raises NotFound, and Refused when it is not open, the verdict makes no sense, or somebody else
    has to decide.
    """
    case = get(session, case_id, lock=True)
    if case.state != CaseState.OPEN:
        raise Refused("这个分歧已经有了结论，请刷新后再看。")
    if verdict not in options(Kind(case.kind)):
        raise Refused("这个分歧不能这样裁定，请选择页面上的一个选项。")
    if actor == case.not_by:
        raise Refused("这是对您的裁定提出的申诉，请由另一位同事裁定。")
    person = _person(session, case, now)
    facts = _facts(case, person)
    if case.verdict is not None:
        facts["before"] = _standing(case)
        _take_back(session, case, now)
        _open_again(session, case, actor, now)
    case.turn += 1
    facts["sure"] = 1.0 if strength is None else strength
    _carry_out(session, case, verdict, actor=actor, at=now, sure=facts["sure"])
    case.state, case.verdict, case.decided_by = CaseState.SETTLED, verdict, actor
    case.decided_at = case.updated_at = now
    case.not_by, case.facts = None, facts
    note(session, case, CaseEvent.SETTLED, actor, now, verdict=verdict, reason=reason,
         strength=strength)  # fmt: skip
    return case


def undo(session: Session, case_id: int, *, actor: str, now: datetime) -> TagCase:
    """Everything is as it was before the last verdict, and the case is open. Raises Refused."""
    case = get(session, case_id, lock=True)
    if case.state != CaseState.SETTLED or case.verdict is None:
        raise Refused("这个分歧没有可以撤销的裁定。")
    _take_back(session, case, now)
    _open_again(session, case, actor, now)
    earlier: dict[str, Any] = case.facts.get("before") or {}
    case.facts = {**(earlier.get("facts") or {}), "by_hand": True}
    case.verdict = case.decided_by = case.decided_at = case.not_by = None
    if earlier:
        case.turn += 1
        at = datetime.fromisoformat(earlier["at"])
        case.verdict, case.decided_by, case.decided_at = earlier["verdict"], earlier["by"], at
        case.not_by = earlier["not_by"]
        _carry_out(session, case, Verdict(earlier["verdict"]), actor=earlier["by"], at=at,
                   sure=earlier["sure"])  # fmt: skip
    case.state, case.updated_at = CaseState.OPEN, now
    note(session, case, CaseEvent.UNDONE, actor, now)
    return case


def appeal(session: Session, case_id: int, *, actor: str, reason: str, now: datetime) -> TagCase:
    """Somebody disagrees: a second person decides; until then the verdict stands. Raises
    Refused."""
    case = get(session, case_id, lock=True)
    if case.state != CaseState.SETTLED:
        raise Refused("只有已经裁定的分歧可以申诉。")
    if not reason.strip():
        raise Refused("请写明申诉的理由，裁定的同事会看到。")
    case.state, case.updated_at = CaseState.OPEN, now
    case.not_by, case.facts = case.decided_by, {**case.facts, "by_hand": True}
    note(session, case, CaseEvent.APPEALED, actor, now, reason=reason)
    return case


def erase(session: Session, identifier_id: int, before: datetime | None) -> None:
    """Cases that hang on an identifier whose history is erased, or the older ones; what they
    overruled about the rest of the person holds again."""
    chosen = select(TagCase.id).where(TagCase.identifier_id == identifier_id)
    if before is not None:
        chosen = chosen.where(TagCase.opened_at < before)
    ids = session.scalars(chosen).all()
    for case_id in ids:
        tagging.reinstate(session, case_id)
    session.execute(delete(TagCaseEvent).where(TagCaseEvent.case_id.in_(ids)))
    session.execute(delete(TagCase).where(TagCase.id.in_(ids)))


def note(
    session: Session,
    case: TagCase,
    kind: CaseEvent,
    actor: str,
    now: datetime,
    *,
    verdict: Verdict | None = None,
    reason: str = "",
    strength: float | None = None,
) -> None:
    """A line of the case's history."""
    session.add(
        TagCaseEvent(
            case_id=case.id, kind=kind, actor=actor, at=now, verdict=verdict,
            strength=case.strength if strength is None else strength,
            reason=reason.strip() or None,
        )
    )  # fmt: skip
    session.flush()


def _carry_out(
    session: Session, case: TagCase, verdict: Verdict, *, actor: str, at: datetime, sure: float
) -> None:
    """What loses is superseded, what the verdict says is asserted."""
    does = effect(Kind(case.kind), verdict, case.tag_id, case.other_id)
    said = {**dict.fromkeys(does.confirm, 1.0), **dict.fromkeys(does.deny, -1.0)}
    merged = tagging.LEXICON.of(session).merged
    signs = {merged.get(tag_id, tag_id): sign for tag_id, sign in said.items()}
    losing = _against(session, case, signs)
    tagging.overrule(session, losing, case.id, at)
    for tag_id, sign in signs.items():
        name = session.get_one(Tag, tag_id).name
        says = f"标签仲裁：“{name}”成立" if sign > 0 else f"标签仲裁：“{name}”不成立"
        tagging.assert_tag(
            session, case.identifier_id, tag_id, source=Source.VERDICT,
            ref=f"{_mark(case)}{case.turn}", evidence=says, at=at, confidence=sign * sure,
            actor=actor,
        )  # fmt: skip


def _take_back(session: Session, case: TagCase, now: datetime) -> None:
    mine = select(TagAssertion.id).where(
        TagAssertion.identifier_id == case.identifier_id, TagAssertion.source == Source.VERDICT,
        TagAssertion.ref.startswith(_mark(case), autoescape=True),
        TagAssertion.superseded_at.is_(None),
    )  # fmt: skip
    for assertion_id in session.scalars(mine).all():
        tagging.supersede(session, assertion_id, now)
    tagging.reinstate(session, case.id)


def _open_again(session: Session, case: TagCase, actor: str, now: datetime) -> None:
    """What the rules settled about one of its tags since its verdict."""
    tags, one_id = [tag for tag in (case.tag_id, case.other_id) if tag], _one_id(session, case)
    chosen = (
        select(TagCase)
        .join(Identifier, Identifier.id == TagCase.identifier_id)
        .where(Identifier.one_id == one_id, TagCase.id != case.id, TagCase.decided_by == SYSTEM)
        .where(TagCase.state == CaseState.SETTLED, TagCase.decided_at >= case.decided_at)
        .where(or_(TagCase.tag_id.in_(tags), TagCase.other_id.in_(tags)))
        .order_by(TagCase.id)
        .with_for_update(of=TagCase)
    )
    for other in session.scalars(chosen).all():
        _take_back(session, other, now)
        other.verdict = other.decided_by = other.decided_at = None
        other.state, other.facts, other.updated_at = CaseState.OPEN, {}, now
        note(session, other, CaseEvent.UNDONE, actor, now)


def _against(session: Session, case: TagCase, signs: dict[int, float]) -> list[int]:
    """The active assertions about this physician that say otherwise, but the physician's own."""
    if not signs:
        return []
    rows = session.execute(
        select(TagAssertion.id, TagAssertion.tag_id, TagAssertion.confidence)
        .join(Identifier, Identifier.id == TagAssertion.identifier_id)
        .where(
            Identifier.one_id == _one_id(session, case), TagAssertion.tag_id.in_(list(signs)),
            TagAssertion.superseded_at.is_(None), TagAssertion.source != Source.PHYSICIAN,
        )
    )  # fmt: skip
    return [row.id for row in rows if row.confidence * signs[row.tag_id] < 0]


def _facts(case: TagCase, person: Person) -> dict[str, Any]:
    tags = [tag for tag in (case.tag_id, case.other_id) if tag]
    known = before(Kind(case.kind), tags, person)
    heard = set(known.sources) | set(case.facts.get("sources", ()))
    return {"sources": sorted(heard), "upto": known.upto, "sent": known.sent}


def _standing(case: TagCase) -> dict[str, Any]:
    """The verdict that another one replaces."""
    assert case.decided_at is not None
    facts = {name: value for name, value in case.facts.items() if name != "before"}
    return {
        "verdict": case.verdict, "by": case.decided_by, "at": case.decided_at.isoformat(),
        "not_by": case.not_by, "sure": case.facts.get("sure", 1.0), "facts": facts,
    }  # fmt: skip


def _person(session: Session, case: TagCase, now: datetime) -> Person:
    one_id, shape = _one_id(session, case), tagging.shape(session)
    sent = exposures(session, [one_id], shape, now)[one_id]
    return Person(
        tagging.lines_of(session, [one_id])[one_id], by_tag(sent), len(sent),
        sum(one.opened_at is not None for one in sent),
    )  # fmt: skip


def _one_id(session: Session, case: TagCase) -> str:
    return session.get_one(Identifier, case.identifier_id).one_id


def _mark(case: TagCase) -> str:
    return f"case:{case.id}:"
