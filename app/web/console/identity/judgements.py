"""Who is who, decided by people: look at what a judgement would change, make it, take it back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import accounts, identity
from app.accounts.models import Role
from app.flows.allowed.permission import CONSENT_CHANNEL, Standing
from app.flows.identity import judgement
from app.flows.identity.identity_figures import identity_figures, with_waiting
from app.flows.identity.judgement import Judgement
from app.flows.identity.link_decision import needs_two, propose
from app.identity import Identifier, Override, Physician
from app.infra.clock import local
from app.infra.errors import NotFound, YishuError
from app.web import auth
from app.web.console import bp, visible
from app.web.console.identity.trends import trends
from app.web.context import parts
from app.web.numbers import row_number
from app.web.policy import STAFF, allow

JUDGES = (Role.ADMIN, Role.MARKETER)
PAGE = 60
LAST_PAGE = 10_000
CHOICE = 12
TITLES = {
    Judgement.SAME: _l("合并为同一人"),
    Judgement.APART: _l("拆分：不是同一人"),
    Judgement.NOBODYS: _l("不再用这个值关联"),
}
ROWS = (_l("职称"), _l("科室"), _l("医院"), _l("城市"))


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `a` (and `b`), as the address says."""

    kind: Judgement
    person: Physician
    a: Identifier
    b: Identifier | None


@dataclass(frozen=True, slots=True)
class Line:
    """A judgement in a list, with the persons of its identifiers."""

    row: Override
    persons: Sequence[Physician]


@bp.get("/physicians/<one_id>/judge")
@allow(*JUDGES)
def judge_page(one_id: str) -> str:
    """What would change; without a second person: whom to compare with."""
    here = parts()
    with here.db.reading() as session:
        question = _question(session, one_id)
        if question is None:
            return _choose(session, one_id)
    with here.db.transaction() as session:  # it is tried, and taken back
        a = session.get_one(Identifier, question.a.id)
        b = session.get_one(Identifier, question.b.id) if question.b else None
        found = judgement.effects(session, question.kind, a, b, here.clock())
    return render_template(
        "console/identity/judge.html", asked=question, effects=found, title=TITLES[question.kind],
        rows=ROWS, kinds=Judgement, channels=CONSENT_CHANNEL,
    )  # fmt: skip


@bp.post("/physicians/<one_id>/judge")
@allow(*JUDGES)
def judge(one_id: str) -> Response:
    """Make the judgement."""
    here, who = parts(), auth.actor()
    try:
        with here.db.transaction() as session:
            question = _question(session, one_id)
            if question is None:
                raise NotFound(_("请选择要比较的另一位医生。"))
            made = _make(session, question, who.key)
    except YishuError as problem:
        flash(str(problem), "error")
        return redirect(request.full_path)
    if made is None:
        flash(
            _("已记下您的判断。双方都有执业证号或 CRM 编号，还需另一位同事在“复核”里确认。"),
            "success",
        )
        return redirect(url_for("console.physician", one_id=one_id))
    flash(_("已记录判断，可以随时在下方撤销。"), "success")
    if question.kind is Judgement.NOBODYS:  # the value is no longer this physician's
        return redirect(url_for("console.judgements"))
    return redirect(url_for("console.physician", one_id=one_id))


def _make(session: Session, question: Question, actor: str) -> int | None:
    """The number of the judgement; None when a second person has to agree first."""
    reason, now = request.form.get("reason", "").strip()[:500], parts().clock()
    a, b = question.a, question.b
    if question.kind is Judgement.SAME and b is not None and needs_two(session, a, b):
        candidate = propose(session, a, b, actor=actor, reason=reason, now=now)
        accounts.audit(session, actor, "linkage.same", "candidate", candidate.id, now=now)
        return candidate.override_id
    made = judgement.judge(session, question.kind, a, b, actor=actor, reason=reason, now=now)
    accounts.audit(session, actor, f"identity.{made.kind}", "identity", made.id, now=now)
    return made.id


@bp.get("/governance/judgements")
@allow(*STAFF)
def judgements() -> str:
    """What waits for a decision, and what was decided."""
    here, page = parts(), max(1, min(request.args.get("page", 1, int), LAST_PAGE))
    with here.db.reading() as session:
        made = identity.judgements(session, limit=PAGE + 1, offset=(page - 1) * PAGE)
        days = identity.quality.trend(session, local(here.clock()).date())
        day, figures = days[-1] if days else (None, identity_figures(session, here.clock()))
        figures = with_waiting(session, figures)
        return render_template(
            "console/identity/judgements.html", lines=lines(session, made[:PAGE]), page=page,
            more=len(made) > PAGE,
            conflicts=_conflicts(session), users=accounts.names(session),
            figures=figures, figures_day=day, largest=identity.quality.largest(session),
            trends=trends([*(one for _day, one in days[:-1]), figures]),
        )  # fmt: skip


@bp.post("/governance/judgements/<int:override_id>/undo")
@allow(*JUDGES)
def undo_judgement(override_id: int) -> Response:
    """As if it had never been said."""
    here, who = parts(), auth.actor()
    try:
        with here.db.transaction() as session:
            row = identity.retract(session, override_id, actor=who.key, now=here.clock())
            accounts.audit(
                session, who.key, "identity.undone", "identity", row.id, now=here.clock()
            )
            one_id = session.get_one(Identifier, row.a_id).one_id
    except YishuError as problem:
        flash(str(problem), "error")
        return redirect(url_for("console.judgements"))
    flash(_("已撤销，一切恢复到判断之前。"), "success")
    back = request.form.get("back") == "list"
    return redirect(
        url_for("console.judgements") if back else url_for("console.physician", one_id=one_id)
    )


def lines(session: Session, rows: Sequence[Override]) -> list[Line]:
    """Judgements with the persons they are about now."""
    ids = {one for row in rows for one in (row.a_id, row.b_id) if one is not None}
    owners = identity.owners(session, ids)
    people = identity.physicians_by_id(session, owners.values())
    return [
        Line(row, [people[one_id] for one_id in dict.fromkeys(_owners_of(row, owners))])
        for row in rows
    ]


def _owners_of(row: Override, owners: dict[int, str]) -> Iterator[str]:
    """Both persons, or the one that both are now."""
    return (owners[one] for one in (row.a_id, row.b_id) if one in owners)


def _conflicts(session: Session) -> list[tuple[str, Physician, Physician]]:
    rows = identity.open_conflicts(session, PAGE)
    owners = identity.owners(session, {one for row in rows for one in (row.a_id, row.b_id)})
    people = identity.physicians_by_id(session, owners.values())
    return [(row.reason, people[owners[row.a_id]], people[owners[row.b_id]]) for row in rows]


def _question(session: Session, one_id: str) -> Question | None:
    """None when two are to be compared and the second is still to be chosen."""
    person = visible.physician(session, one_id)
    text = request.args.get("kind", Judgement.SAME)
    kind = Judgement(text) if text in set(Judgement) else Judgement.SAME
    if kind is Judgement.SAME:
        other = request.args.get("other", "").strip()
        if not other:
            return None
        return Question(
            kind, person, identity.anchor(session, person.one_id),
            identity.anchor(session, identity.get_physician(session, other).one_id),
        )  # fmt: skip
    number = row_number(request.args.get("identifier", ""))
    mine = {row.id: row for row in identity.identifiers_of(session, person.one_id)}
    if number not in mine:
        raise NotFound(_("这位医生没有这个身份。"))
    if kind is Judgement.NOBODYS:
        return Question(kind, person, mine[number], None)
    return Question(kind, person, mine[number], identity.anchor(session, person.one_id))


def _choose(session: Session, one_id: str) -> str:
    person = visible.physician(session, one_id)
    text = request.args.get("q", person.name or "").strip()
    found, _total = identity.search(session, text, limit=CHOICE + 1) if text else ([], 0)
    others = [other for other in found if other.one_id != person.one_id][:CHOICE]
    return render_template(
        "console/identity/judge_choose.html", person=person, others=others, q=text
    )


@bp.app_template_filter("standing")
def standing(known: Standing) -> str:
    """Consent in two words."""
    if known.opted_out:
        return str(_("已退订"))
    words = {None: _("未同意"), True: _("同意"), False: _("已撤回")}
    return str(words[known.permitted])
