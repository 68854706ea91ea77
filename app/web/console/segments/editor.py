"""人群: a condition as text or in the builder, size and names while it changes, and saving it."""

from __future__ import annotations

from collections.abc import Mapping

from flask import flash, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app import accounts, identity, segments
from app.accounts.models import Role
from app.infra.errors import NotFound, Refused, YishuError
from app.segments import Unparseable
from app.segments.builder import Unbuildable, to_model, to_tree
from app.segments.language import FIELD_WORDS
from app.segments.meaning import SORTS
from app.segments.nodes import MAX_LENGTH
from app.segments.values import values
from app.web import auth, language
from app.web.console import bp
from app.web.console.segments.segment_words import COUNT_WORDS, FIELD_NAMES, FLAG_NAMES, STEP_WORDS
from app.web.context import parts
from app.web.numbers import row_number
from app.web.policy import STAFF, allow
from app.web.sentences import said

EXAMPLES = (
    "标签:房颤 且 企微好友",
    "专科 = 肿瘤 且 近30天打开 ≥ 2 且 非 已退订",
    "(标签:高血压 或 标签:房颤) 且 城市 = 云岭市 且 近30天未打开",
)
FIELDS = ("expression", "name", "description")
SHOWN = 3  # physicians whose reasons are shown at once
MAKERS = (Role.ADMIN, Role.MARKETER)


@bp.get("/segments/", endpoint="segments")
@allow(*STAFF)
def segments_page() -> str:
    """Saved audiences, and a condition to try; with `id` that of a saved one, to be changed."""
    return segments_form(request.args.get("id", ""), request.args)


def segments_form(chosen: str, given: Mapping[str, str]) -> str:
    """`chosen`: the saved one that is changed, or ""; `given`: what the fields hold instead."""
    with parts().db.reading() as session:
        saved = segments.saved.listing(session)
        editing = next((row for row in saved if str(row.id) == chosen), None)
        if chosen and editing is None:
            raise NotFound(_("没有这个人群。"))
        fields = {name: given.get(name, getattr(editing, name, "")) for name in FIELDS}
        return render_template(
            "console/segments/segments.html", saved=saved, editing=editing, given=fields,
            longest=MAX_LENGTH, examples=EXAMPLES, fields=FIELD_NAMES, counts=COUNT_WORDS,
            steps=STEP_WORDS, flags=FLAG_NAMES,
        )  # fmt: skip


@bp.get("/segments/count")
@allow(*STAFF)
def segment_count() -> str:
    """Size and sample of an expression, as a fragment."""
    text, chosen = request.args.get("expression", ""), request.args.get("id", "")
    if not text.strip():
        return render_template("console/segments/_audience.html")
    here = parts()
    try:
        with here.db.reading() as session:
            # That it would hold itself is said while somebody types, not when it is saved.
            inside = [segments.saved.get(session, row_number(chosen)).name] if chosen else []
            segments.check(session, text, here.clock(), inside=inside)
            found = segments.audience(session, text, here.clock(), with_reps=False)
    except (Unparseable, Refused, NotFound) as problem:
        return render_template("console/segments/_audience.html", problem=str(problem))
    return render_template("console/segments/_audience.html", audience=found, expression=text)


@bp.get("/segments/reps")
@allow(*STAFF)
def segment_reps() -> str:
    """Over how many reps, as a fragment that comes after the count."""
    text = request.args.get("expression", "")
    here = parts()
    try:
        with here.db.reading() as session:
            found = segments.audience(session, text, here.clock(), 0)
    except (Unparseable, Refused):
        return ""
    return str(_("，%(n)s 位代表", n=found.reps))


@bp.get("/segments/why")
@allow(*STAFF)
def segment_why() -> str:
    """Why the physicians whom a search finds are in or not, part by part, as a fragment."""
    text, who = request.args.get("expression", ""), request.args.get("who", "").strip()
    here = parts()
    try:
        with here.db.reading() as session:
            found, total = identity.search(session, who, limit=SHOWN) if who else ([], 0)
            told = [
                (person, segments.why(session, text, person.one_id, here.clock()))
                for person in found
            ]
    except (Unparseable, Refused) as problem:
        return render_template("console/segments/_why.html", problem=str(problem))
    return render_template("console/segments/_why.html", who=who, told=told, more=total - len(told))


@bp.get("/segments/model")
@allow(*STAFF)
def segment_model() -> Response:
    """What the builder shows for a text: {model, words}, or {problem}."""
    try:
        tree = segments.parse(request.args.get("expression", ""))
    except Unparseable as problem:
        return jsonify(problem=said(str(problem)))
    told = "" if language.choose() == language.ENGLISH else segments.describe(tree)
    return jsonify(model=to_model(tree), words=told)


@bp.post("/segments/text")
@allow(*STAFF)
def segment_text() -> Response:
    """The text of what the builder shows: {text}, or {problem}."""
    try:
        return jsonify(text=segments.wording(to_tree(request.get_json(silent=True))))
    except Unbuildable as problem:
        return jsonify(problem=said(str(problem)))


@bp.get("/segments/names")
@allow(*STAFF)
def segment_names() -> Response:
    """What may be chosen: names of tags, reps …, or values of an attribute, that look like `q`."""
    sort, like = request.args.get("sort", ""), request.args.get("q", "")
    with parts().db.reading() as session:
        if sort in SORTS:
            return jsonify(segments.names(session, sort, like))
        if sort in FIELD_WORDS:
            return jsonify(values(session, sort, like))
    raise NotFound(_("没有这种名称。"))


@bp.post("/segments/")
@allow(*MAKERS)
def save_segment() -> Response | tuple[str, int]:
    """Save an audience under a name."""
    here, who = parts(), auth.actor()
    text = request.form.get("expression", "").strip()
    try:
        with here.db.transaction() as session:
            row = segments.saved.save(
                session, name=request.form.get("name", ""), expression=text, author=who.key,
                description=request.form.get("description", ""), now=here.clock(),
            )  # fmt: skip
            accounts.audit(
                session, who.key, "segment.saved", "segment", row.id, now=here.clock(), version=1
            )
        flash(_("已保存人群“%(name)s”。", name=row.name), "success")
    except (Unparseable, YishuError) as problem:
        flash(str(problem), "error")
        return segments_form("", request.form), 409
    return redirect(url_for("console.segment", segment_id=row.id))
