"""标签 → 归并 → 导入: a marketing tool's file, its columns, a look, then it is taken, or back."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app import accounts
from app.flows.tagging import import_tags, import_work, undo_tags
from app.infra.errors import NotFound, Refused, YishuError
from app.tagging import TagImport
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.policy import IMPORTERS, STAFF, allow

SHOWN, SAMPLE, TAKEN = 100, 5, 50
MEANINGS = {
    "phone": _l("手机"),
    "unionid": "unionid",
    "crm_id": _l("CRM 编号"),
    "licence_no": _l("执业证号"),
    "tags": _l("标签"),
}


@bp.get("/tags/take")
@allow(*STAFF)
def take_tags() -> str:
    """What a file must look like, and what was taken."""
    with parts().db.reading() as session:
        return render_template(
            "console/tags/tag_take.html", taken=import_tags.taken(session, TAKEN),
            users=accounts.names(session), importers=IMPORTERS,
            under_way=import_work.under_way(session),
        )  # fmt: skip


@bp.post("/tags/take")
@allow(*IMPORTERS)
def upload_tags() -> Response:
    """Read a file and keep it; nothing is taken yet."""
    here, who, file = parts(), auth.actor(), request.files.get("file")
    if file is None or not file.filename:
        flash(_("请选择一个 CSV 或 XLSX 文件。"), "error")
        return redirect(url_for("console.take_tags"))
    try:
        with here.db.transaction() as session:
            upload = import_tags.keep(
                session, file.filename, file.read(), tool=request.form.get("tool", ""),
                actor=who.key, now=here.clock(),
            )  # fmt: skip
    except YishuError as problem:
        flash(str(problem), "error")
        return redirect(url_for("console.take_tags"))
    return redirect(url_for("console.look_at_tags", upload_id=upload.id))


@bp.get("/tags/take/<int:upload_id>")
@allow(*STAFF)
def look_at_tags(upload_id: int) -> str:
    """The columns and what taking it would do; or what it did."""
    with parts().db.reading() as session:
        upload = session.get(TagImport, upload_id)
        if upload is None:
            raise NotFound(_("没有这个文件，请重新上传。"))
        work = import_work.work_on(session, upload_id)
        if work is not None and not work.problem:
            return render_template("console/tags/tag_import_look.html", upload=upload, work=work)
        header = upload.table[0] if upload.table else []
        columns = _columns(request.args) or import_tags.guess(header)
        looked, touched, problem = None, None, ""
        try:
            if upload.applied_at is None:
                looked = import_tags.look(session, upload, columns)
            else:
                touched = undo_tags.touches(session, upload)
        except Refused as refused:
            problem = str(refused)
        return render_template(
            "console/tags/tag_import_look.html", upload=upload, header=header, columns=columns,
            sample=upload.table[1 : SAMPLE + 1], looked=looked, problem=problem,
            meanings=MEANINGS, shown=SHOWN, touched=touched, users=accounts.names(session),
            importers=IMPORTERS, work=work,
        )  # fmt: skip


@bp.get("/tags/take/<int:upload_id>/progress")
@allow(*STAFF)
def import_progress(upload_id: int) -> Response:
    """How far it is, asked again and again; once it is through, the page comes anew."""
    with parts().db.reading() as session:
        work = import_work.work_on(session, upload_id)
        if work is None or work.problem:
            return Response(headers={"HX-Refresh": "true"})
        return Response(render_template("console/tags/_tag_import_progress.html", work=work))


@bp.post("/tags/take/<int:upload_id>")
@allow(*IMPORTERS)
def apply_tags(upload_id: int) -> Response:
    """Have it taken."""
    here, who = parts(), auth.actor()
    try:
        with here.db.transaction() as session:
            import_work.ask_to_take(
                session, upload_id, _columns(request.form), actor=who.key, now=here.clock()
            )
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.look_at_tags", upload_id=upload_id))


@bp.post("/tags/take/<int:upload_id>/undo")
@allow(*IMPORTERS)
def undo_tags_taken(upload_id: int) -> Response:
    """Have it taken back: what the tool said before holds again."""
    here, who, form = parts(), auth.actor(), request.form
    try:
        with here.db.transaction() as session:
            import_work.ask_to_undo(
                session, upload_id, form.get("reason", ""), actor=who.key, now=here.clock()
            )
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.look_at_tags", upload_id=upload_id))


def _columns(form: MultiDict[str, str]) -> dict[int, str]:
    """`c3=tags`: the fourth column holds tags."""
    found = {}
    for name, meaning in form.items():
        if name[:1] == "c" and name[1:].isdecimal() and len(name) < 6 and meaning in MEANINGS:
            found[int(name[1:])] = meaning
    return found
