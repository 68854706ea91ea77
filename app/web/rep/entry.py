"""Who the rep is: WeCom's OAuth, once for a session, and the way back to the page asked for."""

from __future__ import annotations

import secrets

from flask import Response, abort, redirect, request, url_for
from flask import session as cookie
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import reps
from app.infra.errors import Permanent
from app.reps import Rep
from app.web.context import parts
from app.web.rep import bp

REP, STATE, BESIDE, WANTED = "rep_id", "rep_state", "rep_beside", "rep_wanted"
LONGEST_ID = 64


def known(session: Session) -> Rep | None:
    """The rep of this session, as long as the rep is in the company; None: ask WeCom
    (`?login=again` asks in any case)."""
    if request.args.get("login") == "again":
        return None
    rep = session.get(Rep, cookie.get(REP, 0))
    return rep if rep is not None and rep.active else None


def to_wecom() -> Response:
    """Ask WeCom who this is."""
    here = parts()
    state = secrets.token_hex(16)
    cookie[STATE] = state
    cookie[BESIDE] = request.args.get("external_userid", "")[:LONGEST_ID]
    cookie[WANTED] = request.endpoint
    wecom = here.outside.wecom[here.settings.wecom_corp_id]
    target = f"{here.settings.yishu_base_url}{url_for('rep.login')}"
    return redirect(wecom.login_url(target, state))  # type: ignore[return-value]


@bp.get("/login")
def login() -> Response:
    """Back from WeCom with a code: used once, bound to this session by its state."""
    expected, given = cookie.pop(STATE, ""), request.args.get("state", "")
    if not expected or not secrets.compare_digest(expected.encode(), given.encode()):
        abort(403, _("登录没有成功，请从企业微信里重新打开。"))
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
    if cookie.pop(WANTED, "") == "rep.meetings":
        return redirect(url_for("rep.meetings"))  # type: ignore[return-value]
    return back(cookie.pop(BESIDE, ""))


def back(external_userid: str) -> Response:
    """To the sidebar of this contact, else to the list."""
    if external_userid:
        target = url_for("rep.sidebar", external_userid=external_userid[:LONGEST_ID])
    else:
        target = url_for("rep.today")
    return redirect(target)  # type: ignore[return-value]
