"""The physician's own page `/me/<token>`: what we know, and what the physician chooses about it.

The token is the only key: 144 random bits that are handed out in the chat with the Official
Account and nowhere else, good for a day. A tracked link `/t/<token>` may be forwarded to
colleagues, so it opens nothing here. Looking changes nothing; each change counts at once, and the
page says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import (
    Blueprint,
    Response,
    abort,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app import links
from app.flows.pages import own_choices
from app.flows.pages.own_page import own_page, owner
from app.flows.pages.own_record import own_record
from app.identity import Identifier
from app.web.context import parts
from app.web.limits import hidden, limiter
from app.web.policy import Policy, default_policy

bp = Blueprint("physician", __name__, url_prefix="/me")
default_policy(bp, Policy(protected_by="an unguessable token that only the physician was sent"))
limiter.limit("60 per minute", key_func=lambda: hidden(request.path))(bp)  # a ward has one address

PACES = {
    "7": _l("每周最多一次"), "14": _l("每两周最多一次"), "30": _l("每月最多一次"),
    "": _l("不另作限制（按公司的上限）"), "pause": _l("暂停：不再联系我"),
}  # fmt: skip
SOURCES = {
    "wecom_tag": _l("代表在企业微信里的标签"), "wecom_personal": _l("代表在企业微信里的标签"),
    "marketing": _l("市场活动的记录"), "rule": _l("从您近期与我们的往来推断"),
    "verdict": _l("同事核实过"), "channel": _l("您扫码进入的渠道"), "crm": _l("公司的客户资料"),
    "content_read": _l("您读过的内容"), "message": _l("您发来的消息"), "person": _l("同事标注"),
    "rep_feedback": _l("代表的反馈"),
}  # fmt: skip
SAID = {  # what was done → the part of the page, and what it says there
    "tag_deleted": ("tags", _l("已删除，立即生效。任何来源都不会再给您加上它；您可以随时撤销。")),
    "tag_restored": ("tags", _l("已撤销删除，立即生效。")),
    "topic_off": ("topics", _l("已关闭，立即生效。除安全性信息外，不会再收到这个主题的内容。")),
    "topic_on": ("topics", _l("已恢复，立即生效。")),
    "pace": ("pace", _l("已保存，立即生效。")),
    "paused": ("pace", _l("已为您停止推送，立即生效。")),
    "rep_off": ("reps", _l("已关闭，立即生效。这位代表不会再收到给您的建议，也不能通过我们发送。")),
    "rep_on": ("reps", _l("已恢复，立即生效。")),
    "left": ("leave", _l("已停止全部联系，立即生效。删除资料的请求已经登记。")),
    "stayed": ("leave", _l("已撤回删除请求。联系仍然停止，可以在上面恢复。")),
}


@dataclass(frozen=True, slots=True)
class Opened:
    """Whose page it is, and the evidence of what is done there."""

    row: Identifier
    evidence: str


@bp.get("/<token>")
def show(token: str) -> str:
    """The page."""
    here = parts()
    now = here.clock()
    with here.db.reading() as session:
        page = own_page(session, _opened(session, token).row, now)
    part, said = SAID.get(request.args.get("said", ""), ("", ""))
    return render_template(
        "physician/own.html", token=token, page=page, paces=PACES, sources=SOURCES,
        chosen="pause" if page.paused else str(page.own.days or ""), part=part, said=said,
    )  # fmt: skip


@bp.post("/<token>/tags/<int:tag_id>")
def tag(token: str, tag_id: int) -> Response:
    """Delete a tag, or take that back."""
    here = parts()
    back = request.form.get("action") == "restore"
    with here.db.transaction() as session:
        act = own_choices.restore_tag if back else own_choices.delete_tag
        act(session, _opened(session, token).row, tag_id, here.clock())
    return _back(token, "tag_restored" if back else "tag_deleted")


@bp.post("/<token>/topics/<int:tag_id>")
def topic(token: str, tag_id: int) -> Response:
    """Switch a topic on or off."""
    return _switch(token, own_choices.switch_topic, tag_id, "topic")


@bp.post("/<token>/reps/<int:rep_id>")
def rep(token: str, rep_id: int) -> Response:
    """Let a rep write, or not."""
    return _switch(token, own_choices.switch_rep, rep_id, "rep")


@bp.post("/<token>/pace")
def pace(token: str) -> Response:
    """How often at most."""
    here = parts()
    chosen = request.form.get("pace", "-")
    if chosen not in PACES:
        abort(400)
    with here.db.transaction() as session:
        opened = _opened(session, token)
        if chosen == "pause":
            own_choices.pause(session, opened.row, opened.evidence, here.clock())
        else:
            days = int(chosen) if chosen else None
            own_choices.set_pace(session, opened.row, days, opened.evidence, here.clock())
    return _back(token, "paused" if chosen == "pause" else "pace")


@bp.get("/<token>/download")
def download(token: str) -> Response:
    """All that is kept about the physician, as JSON."""
    here = parts()
    with here.db.reading() as session:
        record = own_record(session, _opened(session, token).row, here.clock())
    return Response(
        json.dumps(record, ensure_ascii=False, indent=1), mimetype="application/json",
        headers={"Content-Disposition": "attachment; filename=my-information.json"},
    )  # fmt: skip


@bp.route("/<token>/leave", methods=["GET", "POST"])
def leave(token: str) -> Response | str:
    """Asks once; then everything stops, and staff are asked to erase what is kept."""
    here = parts()
    if request.method != "POST":  # HEAD is looking, too
        with here.db.reading() as session:
            _opened(session, token)
        return render_template("physician/own_leave.html", token=token)
    stays = request.form.get("action") == "stay"
    with here.db.transaction() as session:
        opened = _opened(session, token)
        if stays:
            own_choices.stay(session, opened.row, here.clock())
        else:
            own_choices.leave(session, opened.row, opened.evidence, here.clock())
    return _back(token, "stayed" if stays else "left")


@bp.after_request
def _tell_nobody(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _opened(session: Session, token: str) -> Opened:
    """Ends the request with a kind page for a token that is unknown or over."""
    link = links.find_own(session, token, parts().clock())
    row = owner(session, link) if link is not None else None
    if link is None or row is None:
        abort(make_response(render_template("physician/own_over.html"), 404))
    return Opened(row, f"own_link:{link.id}")


def _switch(
    token: str, switch: Callable[[Session, Identifier, int, bool, datetime], None], number: int,
    what: str,
) -> Response:  # fmt: skip
    off = request.form.get("action") == "off"
    here = parts()
    with here.db.transaction() as session:
        switch(session, _opened(session, token).row, number, off, here.clock())
    return _back(token, f"{what}_off" if off else f"{what}_on")


def _back(token: str, said: str) -> Response:
    part = SAID[said][0]
    return redirect(  # type: ignore[return-value]
        f"{url_for('physician.show', token=token, said=said)}#{part}", 303
    )
