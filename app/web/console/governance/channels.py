"""渠道: QR codes through which physicians arrive, and the Official Account's menu."""

from __future__ import annotations

import segno
from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app import accounts, links, reps, tagging
from app.accounts.models import Role
from app.flows.followers.menu_used import MENU
from app.infra.errors import Refused, YishuError
from app.links import ChannelCode
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.policy import STAFF, allow


@bp.get("/governance/channels")
@allow(*STAFF)
def channels() -> str:
    """All codes with what they assert."""
    with parts().db.reading() as session:
        rows = links.codes(session)
        return render_template(
            "console/governance/channels.html", rows=[(row, _picture(row)) for row in rows],
            reps=reps.reps_by_id(session), active_reps=reps.active_reps(session),
            tags=tagging.tags(session), names={t.key: t.name for t in tagging.tags(session)},
        )  # fmt: skip


@bp.post("/governance/channels")
@allow(Role.ADMIN, Role.MARKETER)
def add_channel() -> Response:
    """A new code, made on the platform first."""
    here, who = parts(), auth.actor()
    form = request.form
    kind, scene = form.get("kind", ""), form.get("scene", "").strip()
    rep_id = int(form["rep_id"]) if form.get("rep_id", "").isdecimal() else None
    try:
        with here.db.reading() as session:
            if links.find_code(session, kind, scene) is not None:
                raise Refused(_("场景值 %(scene)s 已经使用。", scene=scene))
            rep = reps.get_rep(session, rep_id) if rep_id else None
        config_id, url = _on_platform(kind, scene, rep.userid if rep else "")
        with here.db.transaction() as session:
            links.create_code(
                session, kind=kind, scene=scene, name=form.get("name", ""), rep_id=rep_id,
                tag_keys=form.getlist("tags"), welcome_text=form.get("welcome_text", ""),
                config_id=config_id, qr_url=url, now=here.clock(),
            )  # fmt: skip
            accounts.audit(session, who.key, "channel.created", "channel", scene, now=here.clock())
        flash(_("已生成渠道二维码。"), "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.channels"))


@bp.post("/governance/channels/menu")
@allow(Role.ADMIN, Role.MARKETER)
def set_menu() -> Response:
    """Give the Official Account our menu."""
    here, who = parts(), auth.actor()
    try:
        here.outside.official_accounts[here.settings.oa_app_id].create_menu(MENU)
        with here.db.transaction() as session:
            accounts.audit(session, who.key, "menu.set", "account", "main", now=here.clock())
        flash(_("公众号菜单已更新，关注者会在 5 分钟内看到。"), "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.channels"))


def _on_platform(kind: str, scene: str, userid: str) -> tuple[str, str]:
    """Make the code on the platform: (config id, address in the code)."""
    here = parts()
    if kind == "oa":
        return "", here.outside.official_accounts[here.settings.oa_app_id].create_code(scene)
    if not userid:
        raise Refused(_("企业微信的渠道码需要选择接待的代表。"))
    way = here.outside.wecom[here.settings.wecom_corp_id].add_contact_way([userid], scene)
    return way.config_id, way.qr_code


def _picture(row: ChannelCode) -> str:
    """The code as an image; WeCom gives a picture's address, the account a text to encode."""
    if not row.qr_url or row.kind == "wecom":
        return row.qr_url
    picture: str = segno.make(row.qr_url, error="m").svg_data_uri(scale=3)
    return picture
