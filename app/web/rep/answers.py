"""Answers from a page: the same story as a tap on the card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Response, abort, flash, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import delivery
from app.facts import CardAnswered
from app.flows import Received
from app.flows.answers import card_answered
from app.flows.answers.refusal import BETTER, NOTE, WHEN, take_back, take_back_claim
from app.flows.planning.suggestion_card import REASON_QUESTION, task_id
from app.infra.clock import local
from app.infra.errors import Refused
from app.recommend import State, Suggestion
from app.recommend.day.way import By
from app.reps import Rep
from app.web.console.insights.insight_words import date_name
from app.web.context import parts
from app.web.rep import bp, entry

ASKED, LONGEST = (REASON_QUESTION, WHEN, BETTER, NOTE), 500


@dataclass(frozen=True, slots=True)
class FromPage(Received):
    """An answer that came from a page instead of a card."""

    key: str = ""

    @property
    def ref(self) -> str:
        """`page:<key>`."""
        return f"page:{self.key}"


@bp.post("/suggestions/<int:suggestion_id>/<key>")
def answer(suggestion_id: int, key: str) -> Response:
    """Adopt, later, or refuse with a reason; back to the page that it came from."""
    here = parts()
    if key not in ("adopt", "later", "refuse_reason"):
        abort(404)
    now = here.clock()
    try:
        with here.db.transaction() as session:
            rep, row = own(session, suggestion_id)
            was = row.state
            if was == State.REFUSED:  # on a page that was open before
                take_back_claim(session, row, now)
            give(session, rep, row, key, now, way=_one_way())
            said = told(row.state, row.refusal or "", row.hidden_until, way=row.way)
        if was == State.ADOPTED and key != "adopt":
            said = str(_("这条建议之前已采用，不能再改；还没有转发或确认的，不转发、不确认即可。"))
    except Refused as problem:
        said = str(problem)
    flash(said)
    return entry.back(request.form.get("beside", ""))


@bp.post("/suggestions/<int:suggestion_id>/reopen")
def reopen(suggestion_id: int) -> Response:
    """Take back that it was not suitable."""
    here = parts()
    now = here.clock()
    try:
        with here.db.transaction() as session:
            _rep, row = own(session, suggestion_id)
            take_back(session, row, f"page:{row.id}:reopen:{now.isoformat()}", now)
        flash(_("已撤回，这条建议又可以处理了。"))
    except Refused as problem:
        flash(str(problem))
    return entry.back(request.form.get("beside", ""))


def give(
    session: Session,
    rep: Rep,
    row: Suggestion,
    key: str,
    now: datetime,
    *,
    way: str = "",
    batch: str = "",
) -> None:
    """What a tap on the card would have done; `way`: another one than the suggestion's; `batch`:
    of several that are answered together."""
    settings = parts().settings
    card = delivery.find_by_task(session, task_id(row.id))
    fact = CardAnswered(
        at=now, corp_id=rep.corp_id, agent_id=settings.wecom_agent_id,
        rep_userid=rep.userid, task_id=task_id(row.id), key=key,
        response_code=(card.response_code or "") if card else "",
        selections=tuple((asked, (request.form.get(asked, "")[:LONGEST],)) for asked in ASKED),
    )  # fmt: skip
    event = FromPage(0, now, f"{row.id}:{key}:{now.isoformat()}")
    prepared = card_answered.Prepared(settings.yishu_base_url, way, batch)
    card_answered.apply(session, fact, prepared, event, now)


def told(
    state: str, refusal: str = "", until: datetime | None = None, *, way: str | None = ""
) -> str:
    """What the page says after an answer."""
    if state == State.LATER and until is not None:
        return str(_("好的，%(when)s 再提醒。", when=comes_back(until)))
    if state == State.REFUSED:
        return _after_refusal(refusal)
    if state == State.ADOPTED and way == By.TASK:
        return str(_("已采用，请在企业微信里确认群发任务。"))
    if state == State.ADOPTED and way == By.ACCOUNT:
        return str(_("已采用，由公众号发给医生。"))
    said: str = {
        State.ADOPTED: _("已采用，可转发的内容已发到您的企业微信。"),
    }.get(State(state), _("这条建议现在不能发送，原因已发到您的企业微信。"))
    return said


@bp.app_template_filter("comes_back")
def comes_back(until: datetime) -> str:
    """`14:00` today, `11月30日 周一` on another day, in China."""
    here = local(until)
    return f"{here:%H:%M}" if here.hour else date_name(here.date())


def _after_refusal(reason: str) -> str:
    said: str = {
        "content": _("已记录：近期不再推荐这份内容，类似的也会少一些。"),
        "timing": _("已记录：七天内不再提醒，以后换个时间。"),
        "discussed": _("已记录：算作一次联系，这份内容不再推荐。"),
        "not_mine": _("已转给市场部确认，在此之前不再推荐。结果会发到您的企业微信。"),
    }.get(reason, _("已记录，近期不再推荐。"))
    if request.form.get(NOTE, "").strip():
        said = _("%(noted)s您写的意见市场部会看到。", noted=said)
    return said


def _one_way() -> str:
    """The way that the form asks for; a moment is never for one alone."""
    asked: str = request.form.get("way", "")
    return asked if asked != By.MOMENT else ""


def own(session: Session, suggestion_id: int) -> tuple[Rep, Suggestion]:
    rep, row = entry.known(session), session.get(Suggestion, suggestion_id)
    if rep is None or row is None or row.rep_id != rep.id:
        abort(404)
    return rep, row
