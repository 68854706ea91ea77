"""内容: write, submit, approve (by somebody else), withdraw; the preview a physician will see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app import accounts, content, tagging
from app.accounts.models import Role
from app.content import ContentVersion, Stage
from app.flows.campaigns.approve_content import approve_content as approve_version
from app.flows.campaigns.withdraw_content import withdraw_content as stop_everywhere
from app.infra.clock import SHANGHAI, local
from app.infra.errors import Refused, YishuError
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.links import page_of
from app.web.policy import STAFF, allow

Change = Callable[[Session, datetime], ContentVersion]
KINDS = {"article": _l("文章"), "link": _l("链接"), "meeting": _l("会议邀请")}
PURPOSES = {"usual": _l("一般内容"), "safety": _l("安全性信息或召回通知")}
STAGES = (
    ("", _l("全部")),
    ("in_review", _l("待审批")),
    ("approved", _l("已批准")),
    ("draft", _l("草稿")),
    ("withdrawn", _l("已撤回")),
)


@bp.get("/contents/")
@allow(*STAFF)
def contents() -> str:
    """The library by stage."""
    stage = request.args.get("stage", "")
    text = request.args.get("q", "").strip()
    known = Stage(stage) if stage in set(Stage) else None
    here = parts()
    with here.db.reading() as session:
        rows = content.listing(session, stage=known, text=text)
        return render_template(
            "console/contents/contents.html", rows=rows, stage=stage, q=text, stages=STAGES,
            counts=content.count_by_stage(session),
            tags=content.tags_of_many(session, [row.id for row in rows]),
            names={tag.id: tag.name for tag in tagging.tags(session)}, now=here.clock(),
        )  # fmt: skip


@bp.route("/contents/new", methods=["GET", "POST"])
@allow(Role.ADMIN, Role.MARKETER)
def new_content() -> str | Response | tuple[str, int]:
    """Write a content."""
    if request.method == "GET":
        return _form(None, MultiDict([("tags", tag) for tag in request.args.getlist("tags")]))
    return _save(None)


@bp.get("/contents/<int:version_id>", endpoint="content")
@allow(*STAFF)
def show_content(version_id: int) -> str:
    """One version with its preview, warnings, and what can be done."""
    here = parts()
    with here.db.reading() as session:
        version = content.get_version(session, version_id)
        names = {tag.id: tag.name for tag in tagging.tags(session)}
        versions = content.versions_of(session, version.content_id)
        return render_template(
            "console/contents/content.html",
            version=version,
            page=page_of(version),
            versions=versions,
            other=_of_other_purpose(version, versions),
            purposes=PURPOSES,
            tags=[names[tag] for tag in _tags(session, version.id) if tag in names],
            terms=content.terms_of(session, [version.content_id]).get(version.content_id),
            warnings=content.warnings(version.title, version.summary, version.body),
            problem=content.problem(session, version, here.clock()),
            after=content.successors(session).get(version.id),
            waiting=_waiting(versions, here.clock()),
            now=here.clock(),
            in_force=any(one.stage == Stage.APPROVED for one in versions),
            today=f"{local(here.clock()):%Y-%m-%d}",
            in_a_year=f"{local(here.clock()) + timedelta(days=365):%Y-%m-%d}",
            is_author=auth.actor().key in version.writers,
            trail=accounts.audit_trail(session, "content", version.content_id),
            users=accounts.names(session),
        )


@bp.route("/contents/<int:version_id>/edit", methods=["GET", "POST"])
@allow(Role.ADMIN, Role.MARKETER)
def edit_content(version_id: int) -> str | Response | tuple[str, int]:
    """Change a draft, or write the next version of what is approved."""
    if request.method == "POST":
        return _save(version_id)
    with parts().db.reading() as session:
        version = content.get_version(session, version_id)
        given: MultiDict[str, str] = MultiDict(
            {name: getattr(version, name) for name in content.library.EDITABLE}
        )
        given.update({name: _shown(getattr(version, name)) for name in content.meeting.FIELDS})
        for tag_id in _tags(session, version.id):
            given.add("tags", str(tag_id))
        for tag in request.args.getlist("add"):
            given.add("tags", tag)
    return _form(version_id, given)


@bp.post("/contents/<int:version_id>/submit")
@allow(Role.ADMIN, Role.MARKETER)
def submit_content(version_id: int) -> Response:
    """Ask for approval."""
    return _act(version_id, "content.submitted", _("已提交审批。"),
                lambda session, now: content.submit(session, version_id, now=now))  # fmt: skip


@bp.post("/contents/<int:version_id>/approve")
@allow(Role.ADMIN, Role.REVIEWER)
def approve_content(version_id: int) -> Response:
    """Approve for a time, by somebody other than the author."""
    form = request.form

    def approve(session: Session, now: datetime) -> ContentVersion:
        return approve_version(
            session, version_id, approver=auth.actor().key,
            approval_no=form.get("approval_no", ""), valid_from=_day(form.get("valid_from", "")),
            valid_until=_day(form.get("valid_until", "")) + timedelta(days=1),
            note=form.get("note", ""), now=now,
        )  # fmt: skip

    return _act(version_id, "content.approved", _("已批准，有效期内可以推荐给医生。"), approve)


@bp.post("/contents/<int:version_id>/reject")
@allow(Role.ADMIN, Role.REVIEWER)
def reject_content(version_id: int) -> Response:
    """Send back with a reason."""
    note = request.form.get("note", "")
    who = auth.actor().key
    return _act(version_id, "content.rejected", _("已退回给作者。"),
                lambda session, now: content.reject(
                    session, version_id, approver=who, note=note, now=now))  # fmt: skip


@bp.post("/contents/<int:version_id>/withdraw")
@allow(Role.ADMIN, Role.REVIEWER)
def withdraw_content(version_id: int) -> Response:
    """Stop it at once, everywhere."""
    reason = request.form.get("reason", "")
    return _act(version_id, "content.withdrawn", _("已撤回：链接立即失效，未发送的消息已取消。"),
                lambda session, now: stop_everywhere(
                    session, version_id, reason=reason, now=now))  # fmt: skip


def _act(version_id: int, action: str, done: str, change: Change) -> Response:
    here, who = parts(), auth.actor()
    try:
        with here.db.transaction() as session:
            now = here.clock()
            version = change(session, now)
            accounts.audit(
                session, who.key, action, "content", version.content_id, now=now,
                version=version.number, purpose=version.purpose,
            )  # fmt: skip
        flash(done, "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.content", version_id=version_id))


def _save(version_id: int | None) -> str | Response | tuple[str, int]:
    here, who = parts(), auth.actor()
    form = request.form
    names = (*content.library.EDITABLE, *content.meeting.FIELDS)
    fields = {name: form.get(name, "") for name in names if name != "purpose" or name in form}
    fields["kind"] = fields["kind"] if fields["kind"] in KINDS else "article"
    tags = {int(tag): 1.0 for tag in form.getlist("tags") if tag.isdecimal()}
    try:
        with here.db.transaction() as session:
            now = here.clock()
            if version_id is None:
                brand = form.get("brand", "")
                version = content.draft(
                    session, author=who.key, fields=fields, tags=tags,
                    brand_id=int(brand) if brand.isdecimal() else None,
                    link_hosts=here.settings.yishu_link_hosts, now=now,
                )  # fmt: skip
            else:
                version = content.edit(
                    session, version_id, author=who.key, fields=fields, tags=tags,
                    link_hosts=here.settings.yishu_link_hosts, now=now,
                )  # fmt: skip
            accounts.audit(
                session, who.key, "content.written", "content", version.content_id, now=now
            )
    except Refused as problem:
        flash(str(problem), "error")
        return _form(version_id, form), 400
    flash(_("已保存为草稿。"), "success")
    return redirect(url_for("console.content", version_id=version.id))


def _form(version_id: int | None, given: MultiDict[str, str]) -> str:
    with parts().db.reading() as session:
        if version_id is not None and "purpose" not in given:
            given = MultiDict(given)
            given["purpose"] = content.get_version(session, version_id).purpose
        return render_template(
            "console/contents/content_form.html", version_id=version_id, given=given,
            chosen=set(given.getlist("tags")), tags=tagging.tags(session),
            categories=tagging.categories(session), brands=content.brands(session), kinds=KINDS,
            purposes=PURPOSES,
        )  # fmt: skip


def _of_other_purpose(
    version: ContentVersion, versions: Sequence[ContentVersion]
) -> ContentVersion | None:
    """The approved version that this one would take the place of, when it has another purpose."""
    if version.stage not in (Stage.DRAFT, Stage.IN_REVIEW):
        return None
    approved = (one for one in versions if one.stage == Stage.APPROVED)
    return next((one for one in approved if one.purpose != version.purpose), None)


def _waiting(versions: Sequence[ContentVersion], now: datetime) -> ContentVersion | None:
    """The approved version that begins last, unless all have begun."""
    later = [(v.valid_from, v) for v in versions if v.stage == Stage.APPROVED and v.valid_from]
    begins, version = max(later, key=lambda one: one[0], default=(now, None))
    return version if begins > now else None


def _tags(session: Session, version_id: int) -> dict[int, float]:
    """Merged tags as those they were merged into."""
    return tagging.standing(session, content.tags_of(session, version_id))


def _shown(value: datetime | str | None) -> str:
    """As the form writes it."""
    return f"{local(value):%Y-%m-%dT%H:%M}" if isinstance(value, datetime) else value or ""


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=SHANGHAI)
    except ValueError:
        raise Refused(_("请填写有效期的日期。")) from None
