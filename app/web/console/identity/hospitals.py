"""治理 → 医院: the list of institutions, and one with all its names."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app import accounts, hospitals, identity
from app.accounts.models import Role
from app.flows.identity.hospitals import follow
from app.hospitals.names import Kind
from app.infra.errors import YishuError
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.policy import allow

KEEPERS = (Role.ADMIN, Role.MARKETER)
PAGE = 30
LAST_PAGE = 10_000
NAME_KINDS = {
    Kind.OFFICIAL: _l("正式名称"),
    Kind.FORMER: _l("曾用名"),
    Kind.PARALLEL: _l("又名"),
    Kind.SHORT: _l("简称"),
    Kind.ENGLISH: _l("英文名"),
    Kind.CAMPUS: _l("院区"),
    Kind.REPORTED: _l("来源中的写法"),
}


@bp.get("/governance/hospitals")
@allow(*KEEPERS)
def hospitals_page() -> str:
    """All institutions; the search is in the address."""
    text = request.args.get("q", "").strip()[:80]
    page = max(1, min(request.args.get("page", 1, int), LAST_PAGE))
    with parts().db.reading() as session:
        rows, total = hospitals.search(session, text, limit=PAGE, offset=(page - 1) * PAGE)
        ids = [row.id for row in rows]
        return render_template(
            "console/identity/hospitals.html", rows=rows, total=total, q=text, page=page,
            pages=max(1, -(-total // PAGE)), named=hospitals.names_of(session, ids),
            people=identity.institutions.number_of(session, ids),
            coverage=identity.institutions.coverage(session),
            waiting=identity.institutions.how_many_wait(session),
            url=lambda number: url_for("console.hospitals_page", q=text or None, page=number),
        )  # fmt: skip


@bp.get("/governance/hospitals/<int:institution_id>")
@allow(*KEEPERS)
def hospital(institution_id: int) -> str:
    """One institution, its names and where each came from."""
    with parts().db.reading() as session:
        row = hospitals.review.find(session, institution_id)
        return render_template(
            "console/identity/hospital.html", row=row, users=accounts.names(session),
            named=hospitals.names_of(session, [row.id])[row.id],
            campuses=hospitals.campuses_of(session, row.id),
            parent=hospitals.by_id(session, [row.parent_id]).get(row.parent_id or 0),
            people=identity.institutions.number_of(session, [row.id]).get(row.id, 0),
        )  # fmt: skip


@bp.post("/governance/hospitals/<int:institution_id>/names")
@allow(*KEEPERS)
def add_hospital_name(institution_id: int) -> Response:
    """A further name."""
    here, who = parts(), auth.actor()
    try:
        with here.db.transaction() as session:
            hospitals.review.add_name(
                session, institution_id, request.form.get("name", ""), actor=who.key,
                now=here.clock(),
            )  # fmt: skip
            accounts.audit(
                session, who.key, "hospital.named", "hospital", institution_id, now=here.clock()
            )
        flash(_("已添加，%(n)s 位医生随之对应。", n=follow(here.db)), "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.hospital", institution_id=institution_id))


@bp.post("/governance/hospitals/<int:institution_id>/names/<int:alias_id>/remove")
@allow(*KEEPERS)
def remove_hospital_name(institution_id: int, alias_id: int) -> Response:
    """Take a further name away."""
    here, who = parts(), auth.actor()
    try:
        with here.db.transaction() as session:
            hospitals.review.remove_name(session, institution_id, alias_id)
            accounts.audit(
                session, who.key, "hospital.unnamed", "hospital", institution_id,
                now=here.clock(), name=alias_id,
            )  # fmt: skip
        flash(_("已删除，%(n)s 位医生不再对应到这里。", n=follow(here.db)), "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.hospital", institution_id=institution_id))


@bp.app_template_filter("name_kind")
def name_kind(kind: str) -> str:
    """What a name is to its institution."""
    return str(NAME_KINDS.get(Kind(kind), kind))


@bp.app_template_filter("name_source")
def name_source(source: str) -> str:
    """Where a name came from."""
    begin, _colon, number = source.partition(":")
    if begin == "import":
        return str(_("导入文件 %(n)s", n=number))
    return str(_("确认医院名称") if begin == "review" else _("人工添加"))
