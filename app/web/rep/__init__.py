"""Pages inside WeCom: a rep's list of today, with the same answers as the cards.

WeCom's OAuth says who the rep is. Every query is limited to that rep's own suggestions.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import content, delivery, identity, journey, recommend, reps, tagging
from app.facts import CardAnswered
from app.flows import Received, card_answered
from app.flows.best_content import best_for
from app.flows.suggestion_card import REASON_QUESTION, task_id
from app.identity import Id, Kind, Physician
from app.identity.models import Identifier
from app.infra.clock import local
from app.infra.errors import Permanent
from app.recommend import REFUSALS, State, Suggestion
from app.reps import Rep
from app.web.context import parts
from app.web.policy import Policy, default_policy

bp = Blueprint("rep", __name__, url_prefix="/rep")
default_policy(bp, Policy(protected_by="WeCom's OAuth; a rep sees only the own suggestions"))

REP, STATE, BESIDE = "rep_id", "rep_state", "rep_beside"
OPEN = (State.PLANNED, State.DELIVERED, State.LATER)


@dataclass(frozen=True, slots=True)
class FromPage(Received):
    """An answer that came from a page instead of a card."""

    key: str = ""

    @property
    def ref(self) -> str:
        """`page:<key>`."""
        return f"page:{self.key}"


@dataclass(frozen=True, slots=True)
class Line:
    """One suggestion as the list shows it."""

    row: Suggestion
    person: Physician
    title: str
    minutes: int
    open: bool


@bp.get("/")
def today() -> str | Response:
    """Today's suggestions."""
    here = parts()
    with here.db.reading() as session:
        rep = _me(session)
        if rep is None:
            return _to_wecom()
        rows = recommend.of_rep(session, rep.id, local(here.clock()).date())
        lines = [_line(session, row) for row in rows]
    return render_template(
        "rep/today.html", rep=rep, lines=lines, refusals=REFUSALS,
        done=sum(not line.open for line in lines),
    )  # fmt: skip


@bp.get("/sidebar")
def sidebar() -> str | Response:
    """What WeCom shows beside a chat: who this is, what to talk about, what happened lately.

    The contact's id comes from the page, so it proves nothing: the rep must follow this contact.
    """
    here = parts()
    now = here.clock()
    with here.db.reading() as session:
        rep = _me(session)
        if rep is None:
            return _to_wecom()
        one = Id(Kind.WECOM_EXTERNAL_USERID, rep.corp_id, request.args.get("external_userid", ""))
        row = identity.find(session, one)
        if row is None or not reps.may_see(session, rep.id, row.one_id):
            abort(404)
        person = identity.get_physician(session, row.one_id)
        weights = tagging.weights(session, [row.one_id], now)[row.one_id]
        names = {tag.id: tag.name for tag in tagging.tags(session)}
        own = [s for s in recommend.of_rep(session, rep.id) if s.identifier_id == row.id]
        return render_template(
            "rep/sidebar.html", person=person,
            tags=[names[w.tag_id] for w in sorted(weights.values(), key=lambda w: -w.value)[:6]
                  if w.tag_id in names],
            lines=[_line(session, s) for s in own[:3]],
            fits=best_for(session, row.one_id, 3, now),
            entries=journey.timeline(session, row.one_id, limit=6),
        )  # fmt: skip


@bp.get("/login")
def login() -> Response:
    """Back from WeCom with a code: used once, bound to this session by its state."""
    expected, given = cookie.pop(STATE, ""), request.args.get("state", "")
    if not expected or not secrets.compare_digest(expected.encode(), given.encode()):
        abort(403)
    here = parts()
    settings = here.settings
    try:
        visitor = here.outside.wecom[settings.wecom_corp_id].login(request.args.get("code", ""))
    except Permanent:
        abort(403, _("登录没有成功，请从企业微信里重新打开。"))
    with here.db.reading() as session:
        rep = reps.find_rep(session, settings.wecom_corp_id, visitor.userid)
    if rep is None or not rep.active:
        abort(403, _("没有找到您的代表身份，请联系管理员。"))
    cookie[REP] = rep.id
    contact = cookie.pop(BESIDE, "")
    if contact:
        return redirect(url_for("rep.sidebar", external_userid=contact))  # type: ignore[return-value]
    return redirect(url_for("rep.today"))  # type: ignore[return-value]


@bp.post("/suggestions/<int:suggestion_id>/<key>")
def answer(suggestion_id: int, key: str) -> Response:
    """Adopt, later, or refuse with a reason: the same story as a tap on the card."""
    here = parts()
    now = here.clock()
    if key not in ("adopt", "later", "refuse_reason"):
        abort(404)
    with here.db.transaction() as session:
        rep, row = _own(session, suggestion_id)
        card = delivery.find_by_task(session, task_id(row.id))
        fact = CardAnswered(
            at=now, corp_id=rep.corp_id, agent_id=here.settings.wecom_agent_id,
            rep_userid=rep.userid, task_id=task_id(row.id), key=key,
            response_code=(card.response_code or "") if card else "",
            selections=((REASON_QUESTION, (request.form.get("reason", "other"),)),),
        )  # fmt: skip
        event = FromPage(0, now, f"{row.id}:{key}:{now.isoformat()}")
        prepared = card_answered.Prepared(here.settings.yishu_base_url)
        card_answered.apply(session, fact, prepared, event, now)
        state = row.state
    flash(_told(state))
    return redirect(url_for("rep.today"))  # type: ignore[return-value]


def _told(state: str) -> str:
    told: str = {
        State.ADOPTED: _("已采用，可转发的内容已发到您的企业微信。"),
        State.LATER: _("好的，明天再提醒。"),
        State.REFUSED: _("已记录，近期不再推荐。"),
    }.get(State(state), _("这条建议现在不能发送，原因已发到您的企业微信。"))
    return told


def _me(session: Session) -> Rep | None:
    """The rep of this session; nobody once the rep has left the company."""
    rep = session.get(Rep, cookie.get(REP, 0))
    return rep if rep is not None and rep.active else None


def _own(session: Session, suggestion_id: int) -> tuple[Rep, Suggestion]:
    rep, row = _me(session), session.get(Suggestion, suggestion_id)
    if rep is None or row is None or row.rep_id != rep.id:
        abort(404)
    return rep, row


def _line(session: Session, row: Suggestion) -> Line:
    identifier = session.get_one(Identifier, row.identifier_id)
    version = content.get_version(session, row.content_version_id)
    return Line(
        row, identity.get_physician(session, identifier.one_id), version.title,
        max(1, round(content.reading_seconds(version.body) / 60)), State(row.state) in OPEN,
    )  # fmt: skip


def _to_wecom() -> Response:
    here = parts()
    state = secrets.token_hex(16)
    cookie[STATE] = state
    cookie[BESIDE] = request.args.get("external_userid", "")[:64]
    wecom = here.outside.wecom[here.settings.wecom_corp_id]
    target = f"{here.settings.yishu_base_url}{url_for('rep.login')}"
    return redirect(wecom.login_url(target, state))  # type: ignore[return-value]
