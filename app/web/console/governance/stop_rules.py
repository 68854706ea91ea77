"""治理 → 反馈规则: what reps wrote, as rules that marketing approves, edits, rejects, withdraws."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import accounts, content, feedback, identity, reps, segments, tagging
from app.accounts.models import Role
from app.feedback import Scope, StopRule
from app.feedback.rules import What
from app.flows.learning.rule_decided import approve_rule, impact, outcome_of, tell_proposers
from app.infra.clock import SHANGHAI
from app.infra.errors import Refused, YishuError
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.policy import allow

DECIDERS = (Role.ADMIN, Role.MARKETER)
SHOWN = 5  # physicians who are named


@bp.get("/governance/rules")
@allow(*DECIDERS)
def stop_rules() -> str:
    """Proposals first, then what holds, then what is over."""
    with parts().db.reading() as session:
        rules = feedback.rules.listing(session)
        notes = feedback.rules.notes_of(session, [rule.id for rule in rules])
        return render_template("console/governance/stop_rules.html", rules=rules, notes=notes,
                               now=parts().clock(), **_words(session, rules))  # fmt: skip


@bp.get("/governance/rules/<int:rule_id>")
@allow(*DECIDERS)
def stop_rule(rule_id: int) -> str:
    """One rule: who wrote what, what it would have stopped, the form, its history."""
    here = parts()
    with here.db.reading() as session:
        rule = feedback.rules.get(session, rule_id)
        would = impact(session, rule, here.clock())
        notes = feedback.rules.notes_of(session, [rule_id])[rule_id]
        owners = identity.owners(session, [note.identifier_id for note in notes])
        shown = [*would.one_ids[:SHOWN], *owners.values()]
        return render_template(
            "console/governance/stop_rule.html",
            rule=rule, impact=would, notes=notes, owners=owners,
            people=identity.physicians_by_id(session, sorted(set(shown))),
            shown=would.one_ids[:SHOWN], versions=feedback.rules.versions_of(session, rule_id),
            segments=segments.saved.listing(session), vocabulary=tagging.tags(session),
            active=reps.active_reps(session), users=accounts.names(session), scopes=list(Scope),
            **_words(session, [rule]),
        )  # fmt: skip


@bp.post("/governance/rules/<int:rule_id>")
@allow(*DECIDERS)
def decide_stop_rule(rule_id: int) -> Response:
    """Approve as edited, reject, or withdraw."""
    here, who = parts(), auth.actor()
    action, reason = request.form.get("action", ""), request.form.get("reason", "")
    now = here.clock()
    try:
        with here.db.transaction() as session:
            rule = feedback.rules.get(session, rule_id)
            if action == "approve":
                what = _given(session, rule, now)
                approve_rule(session, rule_id, what, by=who.key, reason=reason, now=now)
            elif action == "reject":
                feedback.rules.reject(session, rule_id, by=who.key, reason=reason, now=now)
            elif action == "withdraw":
                feedback.rules.withdraw(session, rule_id, by=who.key, reason=reason, now=now)
            else:
                raise Refused("请选择采纳、驳回或撤回。")
            tell_proposers(session, rule, outcome_of(session, rule, reason.strip()[:200]), now)
            accounts.audit(
                session, who.key, f"stop_rule.{action}", "stop_rule", rule_id, now=now,
                number=rule.number,
            )  # fmt: skip
        flash(_("已保存，下一次计划和发送起生效，并告诉了提出的代表。"), "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.stop_rule", rule_id=rule_id))


def _given(session: Session, rule: StopRule, now: datetime) -> What:
    """What the form says. Raises Refused."""
    form = request.form
    text = form.get("scope", "")
    scope = Scope(text) if text in set(Scope) else Scope(rule.scope)
    tags = sorted({int(tag) for tag in form.getlist("tags") if tag.isdecimal()})
    known = {tag.id for tag in tagging.tags(session)}
    if not known.issuperset(tags):
        raise Refused("选择的标签已经不在用了，请刷新后重选。")
    return What(
        tuple(tags), None if tags else rule.content_id, scope, _until(form.get("until", ""), now),
        rep_id=_number("rep_id") if scope is Scope.REP else None,
        identifier_id=_person(session, rule) if scope is Scope.PERSON else None,
        segment_id=_number("segment_id") if scope is Scope.SEGMENT else None,
    )  # fmt: skip


def _person(session: Session, rule: StopRule) -> int | None:
    """The physician of the proposal, or of its first note."""
    if rule.identifier_id is not None:
        return rule.identifier_id
    notes = feedback.rules.notes_of(session, [rule.id])[rule.id]
    return notes[0].identifier_id if notes else None


def _number(name: str) -> int | None:
    text = request.form.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 16 else None


def _until(text: str, now: datetime) -> datetime:
    """The end of the named day in China. Raises Refused."""
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=SHANGHAI)
    except ValueError:
        raise Refused("请填写规则最后一天的日期。") from None
    return (day + timedelta(days=1)).astimezone(now.tzinfo)


def _words(session: Session, rules: Sequence[StopRule]) -> dict[str, object]:
    newest = {}
    for rule in rules:
        if rule.content_id is not None:
            newest[rule.content_id] = content.versions_of(session, rule.content_id)[0].title
    return {
        "names": {tag.id: tag.name for tag in tagging.tags(session)},
        "titles": newest,
        "reps": reps.reps_by_id(session),
        "named_segments": {row.id: row.name for row in segments.saved.listing(session)},
        "last_day": timedelta(seconds=1),
    }
