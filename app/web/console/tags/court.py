"""标签 → 仲裁: what contradicts itself about one physician; a key decides, the next one follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import accounts, court, identity
from app.accounts.models import Role
from app.court import CaseState, Evidence, TagCase, Verdict, Viewer
from app.identity import Physician
from app.infra.clock import midnight
from app.infra.errors import NotFound, Refused, YishuError
from app.web import auth
from app.web.console import bp, visible
from app.web.console.identity.desk_answer import desk_answer
from app.web.console.insights.insight_words import page_number
from app.web.context import parts
from app.web.numbers import asked_row, asked_rows
from app.web.policy import EVERYONE, allow

MOST_BESIDES, PAGE = 50, 30


@dataclass(frozen=True, slots=True)
class Shown:
    """A case as pages show it."""

    case: TagCase
    person: Physician
    evidence: Evidence

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Which verdicts make sense."""
        return court.options(court.Kind(self.case.kind))


@bp.get("/tags/court")
@allow(*EVERYONE)
def court_desk() -> str:
    """The next case, or `?case=`."""
    here, who = parts(), viewer()
    with here.db.reading() as session:
        return render_template(
            "console/tags/court.html", shown=_next(session, who, here.clock()),
            pace=_pace(session, who), settle_at=court.settle_at(session), **_words(session),
        )  # fmt: skip


@bp.get("/tags/court/next")
@allow(*EVERYONE)
def court_next() -> str:
    """Only the case, to be loaded ahead."""
    here, who = parts(), viewer()
    with here.db.reading() as session:
        shown = _next(session, who, here.clock())
        return render_template("console/tags/_tag_case.html", shown=shown, **_words(session))


@bp.post("/tags/court/<int:case_id>")
@allow(*EVERYONE)
def court_decide(case_id: int) -> Response:
    """One side, the other, both or neither."""
    here, who, text = parts(), viewer(), request.form.get("verdict", "")
    try:
        with here.db.transaction() as session:
            case = visible_case(session, case_id, who)
            if not court.may_decide(case, who):
                raise Refused("这个标签由其他角色负责，或者是对您的裁定提出的申诉。")
            if text not in set(Verdict):
                raise Refused("请选择页面上的一个结论。")
            court.decide(
                session, case_id, Verdict(text), actor=who.key, now=here.clock(),
                reason=request.form.get("reason", "").strip()[:500],
            )  # fmt: skip
            accounts.audit(
                session, who.key, "court.decided", "tag_case", case_id, now=here.clock(),
                verdict=text,
            )  # fmt: skip
    except YishuError as problem:
        return _answer(case_id, str(problem), sound=False)
    return _answer(None, _("已裁定，按 u 可以撤销。"))


@bp.post("/tags/court/undo")
@allow(*EVERYONE)
def court_undo() -> Response:
    """Take back what one decided last, and look at it again."""
    here, who = parts(), viewer()
    try:
        with here.db.transaction() as session:
            last = court.last_of(session, who)
            if last is None:
                return _answer(None, _("您还没有可以撤销的裁定。"), sound=False)
            _undo(session, last, who, here.clock())
    except YishuError as problem:
        return _answer(None, str(problem), sound=False)
    return _answer(last.id, _("已撤销，请重新裁定。"))


@bp.get("/tags/court/cases")
@allow(*EVERYONE)
def court_cases() -> str:
    """All cases that one may see; the filter is in the address."""
    here, who = parts(), viewer()
    state, kind = request.args.get("state", ""), request.args.get("kind", "")
    page = page_number()
    with here.db.reading() as session:
        found, total = court.listing(
            session, who, state=CaseState(state) if state in set(CaseState) else None,
            kind=kind if kind in set(court.Kind) else "", limit=PAGE, offset=(page - 1) * PAGE,
        )  # fmt: skip
        people = _people(session, [case.identifier_id for case in found])
        return render_template(
            "console/tags/court_cases.html", cases=found, people=people, total=total, page=page,
            pages=max(1, -(-total // PAGE)), state=state, kind=kind, states=list(CaseState),
            kinds=list(court.Kind), counts=court.count_by_state(session),
            url=lambda number: url_for("console.court_cases", state=state or None,
                                       kind=kind or None, page=number),
            **_words(session),
        )  # fmt: skip


@bp.get("/tags/court/<int:case_id>")
@allow(*EVERYONE)
def court_case(case_id: int) -> str:
    """One case with its history; a settled one may be appealed."""
    here, who = parts(), viewer()
    with here.db.reading() as session:
        case = visible_case(session, case_id, who)
        shown = _show(session, case, here.clock())
        if shown is None:
            raise NotFound("没有这个标签分歧。")
        return render_template(
            "console/tags/court_case.html", shown=shown, events=court.events(session, case_id),
            may_undo=case.state == CaseState.SETTLED and court.may_undo(case, who),
            may_decide=court.may_decide(case, who),
            **_words(session),
        )  # fmt: skip


@bp.post("/tags/court/<int:case_id>/appeal")
@allow(*EVERYONE)
def court_appeal(case_id: int) -> Response:
    """Somebody disagrees: a second person decides."""
    here, who = parts(), viewer()
    try:
        with here.db.transaction() as session:
            visible_case(session, case_id, who)
            reason = request.form.get("reason", "")[:500]
            court.appeal(session, case_id, actor=who.key, reason=reason, now=here.clock())
            accounts.audit(
                session, who.key, "court.appealed", "tag_case", case_id, now=here.clock()
            )
        flash(_("已提出申诉，将由另一位同事重新裁定。在此之前原裁定有效。"), "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.court_case", case_id=case_id))


@bp.post("/tags/court/<int:case_id>/undo")
@allow(*EVERYONE)
def court_undo_one(case_id: int) -> Response:
    """Take back a verdict: one's own, an administrator any."""
    here, who = parts(), viewer()
    try:
        with here.db.transaction() as session:
            case = visible_case(session, case_id, who)
            if not court.may_undo(case, who):
                raise Refused("只能撤销自己的裁定；不同意时请申诉。")
            _undo(session, case, who, here.clock())
        flash(_("已撤销，请重新裁定。"), "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.court_case", case_id=case_id))


@bp.post("/tags/court/settle")
@allow(Role.ADMIN)
def court_settle() -> Response:
    """From which strength cases settle themselves; empty: never."""
    here, who = parts(), auth.actor()
    text = request.form.get("settle_at", "").strip().rstrip("%")
    try:
        value = float(text) / 100 if text else None
    except ValueError:
        value = 0.0
    try:
        with here.db.transaction() as session:
            court.set_settle_at(session, value)
            accounts.audit(
                session, who.key, "court.settle_at", "tag_case", "", now=here.clock(), value=value
            )
        flash(_("已保存。以后发现的分歧按这个把握自动裁定。") if value else
              _("已关闭自动裁定，所有分歧都等人裁定。"), "success")  # fmt: skip
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.court_desk"))


def viewer() -> Viewer:
    """Whoever is logged in, as the court sees it."""
    who = auth.actor()
    return Viewer(who.key, who.role, visible.limit())


def visible_case(session: Session, case_id: int, who: Viewer) -> TagCase:
    """The case, if this person may see it. Raises NotFound either way otherwise."""
    found = court.find_visible(session, case_id, who)
    if found is None:
        raise NotFound("没有这个标签分歧。")
    return found


def _undo(session: Session, case: TagCase, who: Viewer, now: datetime) -> None:
    court.undo(session, case.id, actor=who.key, now=now)
    accounts.audit(session, who.key, "court.undone", "tag_case", case.id, now=now)


def _answer(case: int | None, text: str, *, sound: bool = True) -> Response:
    """For the script, what to say and the figures; else the desk again."""
    here, who = parts(), viewer()
    if request.accept_mimetypes.best == "application/json":
        with here.db.reading() as session:
            found = _pace(session, who)
        return desk_answer(case, text, found, sound=sound)
    flash(text, "success" if sound else "error")
    return redirect(url_for("console.court_desk", case=case))


def _pace(session: Session, who: Viewer) -> court.Pace:
    now = parts().clock()
    return court.pace(session, who, now, midnight(now))


def _next(session: Session, who: Viewer, now: datetime) -> Shown | None:
    """What is asked for, or what comes next."""
    besides = set(asked_rows("besides")[:MOST_BESIDES])
    wanted = asked_row("case")
    asked = court.find_visible(session, wanted, who) if wanted else None
    if asked is not None and asked.state == CaseState.OPEN and court.may_decide(asked, who):
        return _show(session, asked, now)
    while (case := court.next_for(session, who, besides)) is not None:
        shown = _show(session, case, now)
        if shown is not None:
            return shown
        besides.add(case.id)
    return None


def _show(session: Session, case: TagCase, now: datetime) -> Shown | None:
    """None when nothing is known of the physician any more."""
    people = _people(session, [case.identifier_id])
    person = people.get(case.identifier_id)
    return Shown(case, person, court.evidence(session, case, now)) if person else None


def _people(session: Session, identifier_ids: list[int]) -> dict[int, Physician]:
    owners = identity.owners(session, identifier_ids)
    people = identity.physicians_by_id(session, list(owners.values()))
    return {one: people[owner] for one, owner in owners.items() if owner in people}


def _words(session: Session) -> dict[str, object]:
    return {"users": accounts.names(session), "names": court.words(session)}
