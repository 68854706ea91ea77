"""治理 → 医院 → 导入: upload a list, look at what it would do, then take it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app import accounts
from app.flows.identity import import_hospitals
from app.hospitals import HospitalImport
from app.hospitals.rows import REJECTED
from app.infra.errors import NotFound, YishuError
from app.web import auth
from app.web.console import bp
from app.web.console.identity.hospitals import KEEPERS
from app.web.context import parts
from app.web.policy import allow

SHOWN = 200


@bp.get("/governance/hospitals/import")
@allow(*KEEPERS)
def hospital_import() -> str:
    """What a file must look like."""
    return render_template("console/identity/hospital_import.html")


@bp.post("/governance/hospitals/import")
@allow(*KEEPERS)
def upload_hospitals() -> Response:
    """Check a file and keep it; nothing is taken yet."""
    here, who, file = parts(), auth.actor(), request.files.get("file")
    if file is None or not file.filename:
        flash(_("请选择一个 CSV 或 XLSX 文件。"), "error")
        return redirect(url_for("console.hospital_import"))
    try:
        sheet = import_hospitals.read(file.filename, file.read())
    except YishuError as problem:
        flash(str(problem), "error")
        return redirect(url_for("console.hospital_import"))
    with here.db.transaction() as session:
        upload = import_hospitals.keep(
            session, file.filename, sheet, actor=who.key, now=here.clock()
        )
    if sheet.ignored:
        columns = _("、").join(sheet.ignored)[:200]
        flash(_("没有使用这些列：%(columns)s", columns=columns), "warning")
    return redirect(url_for("console.look_at_hospitals", upload_id=upload.id))


@bp.get("/governance/hospitals/import/<int:upload_id>")
@allow(*KEEPERS)
def look_at_hospitals(upload_id: int) -> str:
    """What it would do, or what it did."""
    here = parts()
    with here.db.reading() as session:
        upload = session.get(HospitalImport, upload_id)
        if upload is None:
            raise NotFound(_("没有这个文件，请重新上传。"))
        if upload.applied_at is None:
            done = import_hospitals.look(session, upload, here.clock())
            figures, remarks = dict(done.figures), [remark.as_json() for remark in done.remarks]
        else:
            figures, remarks = upload.figures, upload.rejections
        session.expunge_all()
    return render_template(
        "console/identity/hospital_look.html",
        upload=upload, figures=figures, remarks=remarks[:SHOWN],
        more=max(0, len(remarks) - SHOWN), rejected=[str(code) for code in REJECTED],
    )  # fmt: skip


@bp.post("/governance/hospitals/import/<int:upload_id>")
@allow(*KEEPERS)
def take_hospitals(upload_id: int) -> Response:
    """Take it."""
    here, who = parts(), auth.actor()
    now = here.clock()
    try:
        with here.db.transaction() as session:
            accounts.audit(
                session, who.key, "hospitals.imported", "hospital_import", upload_id, now=now
            )
        done = import_hospitals.apply(here.db, upload_id, actor=who.key, now=now)
        flash(_("已导入，新增 %(n)s 家医院。", n=done.figures["new"]), "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.look_at_hospitals", upload_id=upload_id))
