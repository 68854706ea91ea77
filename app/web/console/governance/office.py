"""治理: inbox and dead letters, reps, users, tokens, audit."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import accounts, content, inbox, reps
from app.accounts.models import AuditEntry, Role
from app.inbox import State
from app.infra.db import ring_after_commit
from app.infra.errors import YishuError
from app.web import auth
from app.web.console import bp
from app.web.console.governance.limits import clock, whole
from app.web.context import parts
from app.web.numbers import asked_row, row_number
from app.web.policy import STAFF, allow

PAGE, ENTRIES = 50, 200
INBOX_STATES = (
    ("", _l("全部")),
    ("pending", _l("待处理")),
    ("dead", _l("死信")),
    ("unknown", _l("未知")),
    ("done", _l("完成")),
    ("dropped", _l("已放弃")),
)


@bp.get("/governance/")
@allow(*STAFF)
def governance() -> str:
    """The room's first page: the inbox."""
    text = request.args.get("state", "")
    state = State(text) if text in set(State) else None
    before = asked_row("before")
    source = request.args.get("source", "")[:40]
    with parts().db.reading() as session:
        rows = inbox.listing(session, state=state, source=source, before_id=before, limit=PAGE)
        return render_template(
            "console/governance/inbox.html",
            rows=rows, counts=inbox.count_by_state(session), state=text,
            states=INBOX_STATES, source=source, more=rows[-1].id if len(rows) == PAGE else None,
        )  # fmt: skip


@bp.get("/governance/inbox/<int:event_id>")
@allow(Role.ADMIN)
def inbox_event(event_id: int) -> str:
    """One event; its body is shown to administrators, and the look is noted."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        event = inbox.find(session, event_id)
        accounts.audit(session, who.key, "inbox.read", "inbox", event_id, now=here.clock())
        body = event.body.decode(errors="replace")
        return render_template("console/governance/inbox_event.html", event=event, body=body)


@bp.post("/governance/inbox/replay")
@allow(Role.ADMIN)
def replay_inbox() -> Response:
    """Put one event, or all in a state, back to work."""
    here, who = parts(), auth.actor()
    ids = [row_number(text) for text in request.form.getlist("id")]
    text = request.form.get("state", "")
    state = State(text) if text in ("dead", "unknown") else None
    if not ids and state is None:
        flash(_("请选择要重新处理的事件。"), "error")
        return redirect(url_for("console.governance"))
    with here.db.transaction() as session:
        now = here.clock()
        number = inbox.replay(session, now, ids=ids, state=None if ids else state)
        accounts.audit(session, who.key, "inbox.replayed", "inbox", "", now=now, number=number)
        ring_after_commit(session, inbox.DRAIN)
    flash(_("已重新处理 %(n)s 条。", n=number), "success")
    return redirect(url_for("console.governance"))


@bp.post("/governance/inbox/drop")
@allow(Role.ADMIN)
def drop_inbox() -> Response:
    """Give up one event."""
    here, who = parts(), auth.actor()
    event_id = row_number(request.form.get("id", ""))
    with here.db.transaction() as session:
        now = here.clock()
        number = inbox.drop(session, now, request.form.get("why", ""), ids=[event_id])
        accounts.audit(session, who.key, "inbox.dropped", "inbox", event_id, now=now, number=number)
    flash(
        _("已放弃 %(n)s 条，可以在收件中查看或恢复。", n=number), "success" if number else "warning"
    )
    return redirect(url_for("console.inbox_event", event_id=event_id))


@bp.route("/governance/reps", methods=["GET", "POST"])
@allow(Role.ADMIN, Role.MARKETER)
def rep_settings() -> str | Response:
    """When and how many suggestions each rep gets."""
    here, who = parts(), auth.actor()
    if request.method == "POST":
        try:
            with here.db.transaction() as session:
                rep = reps.get_rep(session, row_number(request.form.get("id", "")))
                at = clock("daily_at", rep.daily_at_minute)
                most = max(reps.MOST_A_DAY, rep.daily_limit)
                limit = whole("daily_limit", 0, most, rep.daily_limit)
                reps.set_day(  # what was set before these bounds may stay
                    session, rep, at_minute=at if at != rep.daily_at_minute else None,
                    limit=limit if limit != rep.daily_limit else None,
                    prefers_group_task=bool(request.form.get("prefers_group_task")),
                )  # fmt: skip
                accounts.audit(session, who.key, "rep.changed", "rep", rep.id, now=here.clock())
            flash(_("已保存 %(name)s 的设置。", name=rep.name), "success")
        except YishuError as problem:
            flash(str(problem), "error")
        return redirect(url_for("console.rep_settings"))
    with here.db.reading() as session:
        return render_template(
            "console/governance/reps.html",
            rows=reps.active_reps(session), brands=content.brands(session),
            scopes=reps.brands_of_all(session), most=reps.MOST_A_DAY,
        )  # fmt: skip


@bp.route("/governance/users", methods=["GET", "POST"])
@allow(Role.ADMIN)
def users() -> str | Response:
    """People with a login, and tokens of systems."""
    here, who = parts(), auth.actor()
    if request.method == "POST":
        try:
            with here.db.transaction() as session:
                told = _change_accounts(session, who)
            flash(told, "success")
        except YishuError as problem:
            flash(str(problem), "error")
        return redirect(url_for("console.users"))
    with here.db.reading() as session:
        return render_template(
            "console/governance/users.html", users=accounts.list_users(session),
            tokens=accounts.list_tokens(session), reps=reps.active_reps(session), roles=list(Role),
        )  # fmt: skip


@bp.get("/governance/audit")
@allow(Role.ADMIN, Role.REVIEWER)
def audit() -> str:
    """Who did what, newest first, `?before=` of those before an entry; and whether the record is
    whole."""
    newest = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(ENTRIES)
    if before := asked_row("before"):
        newest = newest.where(AuditEntry.id < before)
    with parts().db.reading() as session:
        rows = session.scalars(newest).all()
        return render_template(
            "console/governance/audit.html", rows=rows, more=len(rows) == ENTRIES,
            broken=accounts.verify_audit(session), users=accounts.names(session),
        )  # fmt: skip


def _change_accounts(session: Session, who: accounts.Actor) -> str:
    now, form = parts().clock(), request.form
    action = form.get("action", "")
    number = row_number(form.get("id", ""))
    if action == "create":
        rep = form.get("rep_id", "")
        user = accounts.create_user(
            session, form.get("login", ""), name=form.get("name", ""),
            password=form.get("password", ""), role=Role(form.get("role", "rep")),
            rep_id=int(rep) if rep.isdecimal() else None, now=now,
        )  # fmt: skip
        accounts.audit(session, who.key, "user.created", "user", user.id, now=now)
        return str(_("已添加账号 %(login)s。", login=user.login))
    if action in ("enable", "disable"):
        user = accounts.set_active(session, number, action == "enable")
        accounts.audit(session, who.key, f"user.{action}d", "user", user.id, now=now)
        return str(_("已更新账号 %(login)s。", login=user.login))
    if action == "token":
        text = accounts.create_token(
            session, form.get("name", ""), Role(form.get("role", "marketer")), now=now
        )
        accounts.audit(session, who.key, "token.created", "token", form.get("name", ""), now=now)
        return str(_("令牌只显示这一次，请立即保存：%(text)s", text=text))
    token = accounts.revoke_token(session, number, now=now)
    accounts.audit(session, who.key, "token.revoked", "token", token.name, now=now)
    return str(_("令牌 %(name)s 已停用。", name=token.name))
