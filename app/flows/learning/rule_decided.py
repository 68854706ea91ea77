"""Marketing decides about a proposed rule: what it would have stopped, from when it holds, and
telling who proposed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content, delivery, feedback, reps, tagging
from app.content import ContentVersion
from app.delivery import Way
from app.feedback import Scope, StopRule
from app.feedback.rules import What
from app.flows.allowed.eligible import Library, people_of, stopped_contents
from app.identity import Identifier
from app.infra.clock import local
from app.recommend import State, Suggestion

DAYS = 30
MOST = 50_000  # suggestions that are looked at; the newest


@dataclass(frozen=True, slots=True)
class Impact:
    """What a rule would have stopped in the last 30 days: suggestions, by rep, and physicians."""

    suggestions: int
    by_rep: Sequence[tuple[int, int]]  # the most concerned first
    one_ids: Sequence[str]


def impact(session: Session, what: What | StopRule, now: datetime) -> Impact:
    """By the suggestions that were made, whoever got them."""
    contents = stopped_contents(session, what, _suggested_lately(session, now))
    chosen = (
        select(Suggestion.rep_id, Identifier.one_id)
        .join(Identifier, Identifier.id == Suggestion.identifier_id)
        .where(
            Suggestion.content_id.in_(sorted(contents)),
            Suggestion.day > local(now).date() - timedelta(days=DAYS),
            Suggestion.state != State.CANCELLED,
        )
        .order_by(Suggestion.id.desc())
        .limit(MOST)
    )
    if what.scope == Scope.REP:
        chosen = chosen.where(Suggestion.rep_id == what.rep_id)
    rows = [(row.rep_id, row.one_id) for row in session.execute(chosen)] if contents else []
    people = people_of(session, what, {one_id for _, one_id in rows}, now)
    kept = [row for row in rows if people is None or row[1] in people]
    by_rep = Counter(rep_id for rep_id, _ in kept)
    ranked = sorted(by_rep.items(), key=lambda item: (-item[1], item[0]))
    return Impact(len(kept), ranked, sorted({one_id for _, one_id in kept}))


def approve_rule(
    session: Session, rule_id: int, what: What, *, by: str, reason: str, now: datetime
) -> StopRule:
    """As `feedback.rules.approve`; moments that are not published yet are judged again at once."""
    rule = feedback.rules.approve(session, rule_id, what, by=by, reason=reason, now=now)
    delivery.moments.wake(session, now)
    return rule


def tell_proposers(session: Session, rule: StopRule, outcome: str, now: datetime) -> int:
    """Each rep who wrote hears once what came of it; returns how many."""
    told = {note.rep_id for note in feedback.rules.notes_of(session, [rule.id])[rule.id]}
    for rep_id in sorted(told):
        rep = reps.get_rep(session, rep_id)
        delivery.queue(
            session, way=Way.REP_TEXT, dedupe_key=f"rule:{rule.id}:{rule.number}:{rep_id}",
            payload={"corp_id": rep.corp_id, "userid": rep.userid,
                     "text": f"您在建议反馈里写的意见：{outcome}"},
            rep_id=rep.id, now=now,
        )  # fmt: skip
    return len(told)


def outcome_of(session: Session, rule: StopRule, reason: str) -> str:
    """What a rep reads about it; tags that reps may not see are left out."""
    names = tagging.names_for_reps(session)
    tags = "、".join(f"「{names[tag]}」" for tag in rule.tag_ids if tag in names)
    day = local(rule.until)
    until = f"{day.month}月{day.day}日"
    what = {
        feedback.RuleState.LIVE: f"已采纳，{until}前不再推荐{tags or '这份内容'}。",
        feedback.RuleState.REJECTED: "没有采纳。",
        feedback.RuleState.WITHDRAWN: "相应的规则已撤回，恢复推荐。",
    }[feedback.RuleState(rule.state)]
    return what + (f"原因：{reason}" if reason else "")


def _suggested_lately(session: Session, now: datetime) -> Library:
    """Every content of the library with the tags of all its versions that were approved."""
    rows = session.execute(
        select(ContentVersion.id, ContentVersion.content_id).where(
            ContentVersion.decided_at.is_not(None), ContentVersion.decided_at <= now
        )
    ).all()
    topics = content.topics_of(session, [row.id for row in rows])
    found: dict[int, dict[int, float]] = {}
    for row in rows:
        found.setdefault(row.content_id, {}).update(topics[row.id])
    return found
