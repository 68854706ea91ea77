"""标签 → 词表: as a file and back with a look at it first; branches, and forbidden words."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Callable

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app import accounts
from app.flows.tagging import vocabulary
from app.flows.tagging.vocabulary_export import MIMES, export
from app.flows.tagging.vocabulary_import import plan
from app.infra.errors import NotFound, Refused, YishuError
from app.tagging import editing, stored, versions
from app.tagging.document import CategoryDef, Document, from_json, to_text
from app.tagging.forbidden import FORBIDDEN
from app.web import auth
from app.web.console import bp
from app.web.console.tags.tag_words import called
from app.web.console.tags.tree import tree
from app.web.context import parts
from app.web.policy import MIRRORERS, STAFF, allow

SHOWN = 300
MOST_BYTES = 20 * 1024 * 1024  # of a vocabulary that a form sends back


@bp.get("/tags/export.<form>")
@allow(*STAFF)
def export_tags(form: str) -> FlaskResponse:
    """The vocabulary as a file."""
    if form not in MIMES:
        raise NotFound(_("没有这种文件。"))
    with parts().db.reading() as session:
        data, number = export(stored.read(session), form), versions.newest_number(session)
    name = f"attachment; filename=vocabulary-{number}.{form}"
    return FlaskResponse(data, mimetype=MIMES[form], headers={"Content-Disposition": name})


@bp.get("/tags/import")
@allow(*STAFF)
def import_tags() -> str:
    """What a file must look like."""
    return render_template("console/tags/tag_import.html")


@bp.post("/tags/import")
@allow(*STAFF)
def look_at_vocabulary() -> str | Response:
    """What a file would do; nothing is taken yet."""
    file = request.files.get("file")
    if file is None or not file.filename:
        flash(_("请选择一个 XLSX、CSV 或 JSON 文件。"), "error")
        return redirect(url_for("console.import_tags"))
    try:
        with parts().db.reading() as session:
            found = plan(stored.read(session), file.filename, file.read())
            base = versions.newest_number(session)
    except YishuError as problem:
        flash(str(problem), "error")
        return redirect(url_for("console.import_tags"))
    packed = base64.b64encode(zlib.compress(to_text(found.document).encode(), 9)).decode()
    return render_template(
        "console/tags/tag_import.html", found=found, filename=file.filename, base=base,
        packed="" if found.problems else packed, shown=SHOWN, called=called(found.document),
    )  # fmt: skip


@bp.post("/tags/import/take")
@allow(*STAFF)
def take_vocabulary() -> Response:
    """Take what was looked at, unless the vocabulary has changed since."""
    form = request.form
    base, filename = form.get("base", ""), form.get("filename", "")[:200]

    def change(document: Document) -> Document:
        return _unpacked(form.get("packed", ""))

    here, who = parts(), auth.actor()
    now = here.clock()
    try:
        with here.db.transaction() as session:
            versions.begin(session, now)
            if str(versions.newest_number(session)) not in (base, str(_first(base))):
                raise Refused(_("词表刚刚有了新的版本，请重新上传并检查。"))
            version = vocabulary.edit(
                session,
                change,
                actor=who.key,
                note=f"导入 {filename}",
                kind="import",
                may_mirror=who.role in MIRRORERS,
                now=now,
            )
            if version is not None:
                accounts.audit(session, who.key, "vocabulary.imported", "vocabulary",
                               version.number, now=now)  # fmt: skip
    except YishuError as problem:
        flash(str(problem), "error")
        return redirect(url_for("console.import_tags"))
    if version is None:
        flash(_("没有变化。"), "success")
        return redirect(url_for("console.tags"))
    flash(_("已导入，成为版本 %(n)s。", n=version.number), "success")
    return redirect(url_for("console.tag_version", number=version.number))


@bp.get("/tags/branches")
@allow(*STAFF)
def tag_branches() -> str:
    """The tree of categories and the words that no tag may carry, to change."""
    with parts().db.reading() as session:
        document = stored.read(session)
    return render_template(
        "console/tags/tag_branches.html",
        document=document, tree=tree(document), built_in=FORBIDDEN,
        used={tag.category for tag in document.tags},
    )  # fmt: skip


@bp.post("/tags/branches")
@allow(*STAFF)
def set_branch() -> Response:
    """Add, change or remove a category."""
    form = request.form
    key, new = form.get("key", "").strip().lower(), form.get("action") == "add"
    position = form.get("position", "")

    def change(document: Document) -> Document:
        if form.get("action") == "remove":
            return editing.category_removed(document, key)
        known = document.category_by_key.get(key)
        place = int(position) if position.isdecimal() and len(position) < 6 else (
            known.position if known else len(document.categories))  # fmt: skip
        wanted = CategoryDef(key, form.get("name", "").strip(), form.get("parent", ""),
                             "exclusive" in form, place)  # fmt: skip
        return editing.category_set(document, wanted, new=new)

    return _change(change, "category.changed", key)


@bp.post("/tags/words")
@allow(*STAFF)
def set_word() -> Response:
    """Forbid a word, or allow one again that the company had forbidden."""
    word, reason = request.form.get("word", ""), request.form.get("reason", "")
    return _change(
        lambda document: editing.forbidden_set(document, word, reason), "word.changed", word[:40]
    )


def _change(change: Callable[[Document], Document], action: str, key: str) -> Response:
    here, who = parts(), auth.actor()
    now = here.clock()
    try:
        with here.db.transaction() as session:
            version = vocabulary.edit(
                session, change, actor=who.key, may_mirror=who.role in MIRRORERS, now=now
            )
            if version is not None:
                accounts.audit(session, who.key, action, "vocabulary", key, now=now)
        flash(
            _("已保存，成为版本 %(n)s。", n=version.number) if version else _("没有变化。"),
            "success",
        )
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.tag_branches"))


def _first(base: str) -> int:
    """Before the first change there is no version; the change itself writes the one before it."""
    return 1 if base == "0" else -1


def _unpacked(packed: str) -> Document:
    try:
        reading = zlib.decompressobj()
        text = reading.decompress(base64.b64decode(packed, validate=True), MOST_BYTES)
        return from_json(json.loads(text))
    except (binascii.Error, zlib.error, ValueError, KeyError, TypeError):
        raise Refused(_("内容不完整，请重新上传并检查。")) from None
