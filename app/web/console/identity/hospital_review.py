"""治理 → 医院 → 待确认: names that mean no institution; a person says which, and can undo it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import accounts, hospitals, identity
from app.flows.identity.hospitals import follow
from app.hospitals import Asked, Decision, Suggestion
from app.hospitals.rows import Said
from app.identity.institutions import Waiting
from app.infra.errors import NotFound, YishuError
from app.web import auth
from app.web.console import bp
from app.web.console.identity.hospitals import KEEPERS
from app.web.context import parts
from app.web.numbers import row_number
from app.web.policy import allow

AT_ONCE = 5  # names on a page, each with five suggestions
DECIDED = 20
DECISIONS = {
    Decision.ALIAS: _l("是这一家"),
    Decision.NEW: _l("新增医院"),
    Decision.IGNORED: _l("已忽略"),
}
SAID = {
    Said.MISSING: _l("没有医院名称"),
    Said.TOO_LONG: _l("内容太长"),
    Said.TOO_GENERAL: _l("名称太笼统，请写全称"),
    Said.BAD_CODE: _l("城市代码不正确，或不属于这个省份"),
    Said.SEVERAL: _l("没有写城市，而多个城市都有同名医院"),
    Said.IS_ALIAS: _l("这是另一家医院的其他名称，没有新增"),
    Said.SAME: _l("与前面一行是同一家，已合并"),
    Said.HELD: _l("括号里的名称需要人工确认，没有采用"),
    Said.TAKEN: _l("这个名称属于同城的另一家医院，没有采用"),
}


@dataclass(frozen=True, slots=True)
class Question:
    """A name to decide about, with what it might mean."""

    asked: Waiting
    suggestions: list[Suggestion]


@bp.get("/governance/hospitals/review")
@allow(*KEEPERS)
def hospital_review() -> str:
    """The names of most physicians first."""
    with parts().db.reading() as session:
        waiting = identity.institutions.waiting(session, limit=AT_ONCE)
        names = hospitals.pool(session) if waiting else hospitals.Pool(())
        decided = identity.institutions.decided(session, limit=DECIDED)
        return render_template(
            "console/identity/hospital_review.html",
            total=identity.institutions.how_many_wait(session),
            questions=[
                Question(one, hospitals.suggest(session, _asked(one), names)) for one in waiting
            ],
            decided=decided, decisions=DECISIONS, users=accounts.names(session),
            found=hospitals.by_id(session, [one.row.institution_id for one in decided]),
            none_at_all=not hospitals.search(session, limit=1)[1],
        )  # fmt: skip


@bp.post("/governance/hospitals/review/<int:row_id>")
@allow(*KEEPERS)
def decide_hospital(row_id: int) -> Response:
    """Decide about one name, or take it back."""
    here, who = parts(), auth.actor()
    action, _colon, number = request.form.get("action", "").partition(":")
    try:
        with here.db.transaction() as session:
            _decide(session, row_id, action, row_number(number), who.key)
            accounts.audit(
                session, who.key, f"hospital.{action}", "hospital_name", row_id, now=here.clock()
            )
        flash(_told(action, follow(here.db)), "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.hospital_review"))


def _decide(session: Session, row_id: int, action: str, number: int, actor: str) -> None:
    now = parts().clock()
    if action == "is":
        hospitals.review.is_one(session, row_id, number, actor=actor, now=now)
    elif action == "new":
        hospitals.review.is_new(session, row_id, actor=actor, now=now)
    elif action == "ignore":
        hospitals.review.ignore(session, row_id, actor=actor, now=now)
    elif action == "undo":
        hospitals.review.undo(session, row_id)
    else:
        raise NotFound(_("没有这个操作。"))


def _told(action: str, moved: int) -> str:
    if action == "undo":
        return str(_("已撤销，%(n)s 位医生恢复到之前。", n=moved))
    if action == "ignore":
        return str(_("已忽略，不再询问。可以在下方撤销。"))
    return str(_("已记录，%(n)s 位医生随之对应。可以在下方撤销。", n=moved))


def _asked(one: Waiting) -> Asked:
    return Asked(one.row.text, one.row.city, one.row.province)


@bp.app_template_filter("said_of_row")
def said_of_row(code: str) -> str:
    """What there is to say about a row of an imported list."""
    return str(SAID[Said(code)])
