"""标签 → 词表: the tree, one tag with whom it reaches, new tags, changes; and unknown names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app import accounts, segments, tagging
from app.content.models import ContentVersion, Stage, VersionTag
from app.flows.tagging import vocabulary
from app.flows.tagging.tag_uses import uses
from app.infra.errors import NotFound, YishuError
from app.segments.nodes import TagIs
from app.tagging import Owner, Sensitivity, Source, editing, stored, versions
from app.tagging.document import ANY, CategoryDef, Document, TagDef
from app.tagging.naming import fold
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.policy import MIRRORERS, STAFF, allow

ALL = "*"  # instead of a category
NAMED = 3  # who have a tag
Branch = tuple[CategoryDef, int]
"""A category and how deep it stands."""


@bp.get("/tags/")
@allow(*STAFF)
def tags() -> str:
    """The tree of categories, and the tags of one or of all with how many carry them."""
    q, category = request.args.get("q", "").strip(), request.args.get("category", "")
    retired = "retired" in request.args
    with parts().db.reading() as session:
        document = stored.read(session)
        branches = tree(document)
        if not (q or category or retired) and branches:
            category = branches[0][0].key  # all of them are a long page
        category = "" if category == ALL else category
        shown = [t for t in document.tags if _fits(document, t, q, category, retired)]
        ids = _ids(session)
        shown.sort(key=lambda one: ids[one.key])  # as they were thought of, not by their keys
        return render_template(
            "console/tags/tags.html", document=document, q=q, category=category, retired=retired,
            tree=branches, everything=ALL, shown=shown, ids=ids, people=_people(session, shown),
            contents=_contents(session), refused=tagging.refusals.totals(session),
            version=versions.newest_number(session),
            within={c.key: sum(c.key in document.branch_of(t.category) for t in document.tags
                               if t.active) for c in document.categories},
        )  # fmt: skip


@bp.get("/tags/new")
@allow(*STAFF)
def new_tag() -> str:
    """The form of a new tag."""
    return _form(None, MultiDict({"category": request.args.get("category", "")}))


@bp.post("/tags/")
@allow(*STAFF)
def add_tag() -> Response | tuple[str, int]:
    """A new tag."""
    form = request.form
    key = form.get("key", "").strip().lower()

    def change(document: Document) -> Document:
        tag = TagDef(key=key, **_values(form))
        return editing.added(document, tag, form.getlist("opposites"))

    name = form.get("name", "").strip()
    try:
        _change(change, "tag.created", key, form.get("note", "") or f"新增标签“{name}”")
    except YishuError as problem:
        flash(str(problem), "error")
        return _form(None, form), 409
    flash(_("已添加标签“%(name)s”。", name=name), "success")
    return redirect(url_for("console.tag", key=key))


@bp.get("/tags/one/<key>")
@allow(*STAFF)
def tag(key: str) -> str:
    """What it means, who carries it, what names it, what became of it."""
    with parts().db.reading() as session:
        document = stored.read(session)
        one = _get(document, key)
        row = tagging.by_key(session, key)
        assert row is not None
        text = segments.wording(TagIs(one.name))
        have = (
            segments.audience(session, text, parts().clock(), NAMED, with_reps=False)
            if one.active else None
        )  # fmt: skip
        return render_template(
            "console/tags/tag.html", tag=one, document=document, text=text, have=have,
            uses=uses(session, row.id, key), refused=tagging.refusals.counts(session, row.id),
            stands_for=[t for t in document.tags if t.merged_into == key],
            narrower=[t for t in document.tags if t.parent == key and t.active],
            trail=versions.of_tag(session, key, 12), users=accounts.names(session),
        )  # fmt: skip


@bp.route("/tags/one/<key>/edit", methods=["GET", "POST"])
@allow(*STAFF)
def edit_tag(key: str) -> str | Response | tuple[str, int]:
    """Change what a tag says of itself."""
    form = request.form
    if request.method == "GET":
        with parts().db.reading() as session:
            document = stored.read(session)
            given = _given(document, _get(document, key))
            given["base"] = str(versions.newest_number(session))
        return _form(key, given)
    values = _values(form) | {"opposites": form.getlist("opposites")}
    base = form.get("base", "")
    try:
        changed = _change(
            lambda document: editing.revised(document, key, values), "tag.changed", key,
            form.get("note", ""), base=int(base) if base.isdecimal() else None,
        )  # fmt: skip
    except YishuError as problem:
        flash(str(problem), "error")
        return _form(key, form), 409
    flash(_("已保存，成为版本 %(n)s。", n=changed) if changed else _("没有变化。"), "success")
    return redirect(url_for("console.tag", key=key))


@bp.post("/tags/one/<key>/use")
@allow(*STAFF)
def use_tag(key: str) -> Response:
    """Take a tag out of use, or back."""
    on = request.form.get("use") == "on"
    act = editing.revived if on else editing.retired
    try:
        _change(
            lambda document: act(document, key), "tag.revived" if on else "tag.retired", key,
            "", kind="revive" if on else "retire",
        )  # fmt: skip
        flash(
            _("已恢复使用。") if on else _("已停用，原有的标注保留为历史，可随时恢复。"), "success"
        )
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.tag", key=key))


@bp.get("/tags/name")
@allow(*STAFF)
def check_tag_name() -> str:
    """What stands against a name while somebody types it, as a fragment."""
    name, key = request.args.get("name", ""), request.args.get("own", "")
    with parts().db.reading() as session:
        document = stored.read(session)
        owners = {n: t for t in document.tags for n in (t.own_name, *t.names)}
        owner = owners.get((ANY, fold(name)))
        why = tagging.why_forbidden(session, name)
    return render_template("console/tags/_tag_name.html", why=why, name=name,
                           owner=owner if owner and owner.key != key else None)  # fmt: skip


def tree(document: Document) -> list[Branch]:
    """The categories from the top, each with its depth, those below right behind it."""

    def below(parent: str, depth: int) -> Iterator[Branch]:
        for one in document.categories:
            if one.parent == parent:
                yield one, depth
                yield from below(one.key, depth + 1)

    return list(below("", 0))


def _change(
    change: Callable[[Document], Document], action: str, key: str, note: str, *,
    base: int | None = None, kind: str = "edit",
) -> int | None:  # fmt: skip
    """The number of the version that it made, or None."""
    here, who = parts(), auth.actor()
    now = here.clock()
    with here.db.transaction() as session:
        vocabulary.refuse_stale(session, key, base)
        version = vocabulary.edit(
            session, change, actor=who.key, note=note, kind=kind,
            may_mirror=who.role in MIRRORERS, now=now,
        )  # fmt: skip
        if version is None:
            return None
        accounts.audit(session, who.key, action, "tag", key, now=now, version=version.number)
        return version.number


def _form(key: str | None, given: Mapping[str, Any]) -> str:
    with parts().db.reading() as session:
        document = stored.read(session)
        return render_template(
            "console/tags/tag_form.html", key=key, given=given, document=document,
            tree=tree(document), owners=list(Owner), sources=list(Source),
            sensitivities=list(Sensitivity), mirrorers=MIRRORERS,
        )  # fmt: skip


def _values(form: MultiDict[str, str]) -> dict[str, Any]:
    return {
        **{name: form.get(name, "").strip()
           for name in ("name", "category", "owner", "meaning", "parent", "sensitivity")},
        "half_life_days": _days(form.get("half_life_days", "").strip()),
        "may_assert": tuple(form.getlist("may_assert")),
        **({"mirrored": "mirrored" in form} if auth.actor().role in MIRRORERS else {}),
        "names": editing.parsed_names(form.get("names", "")),
    }  # fmt: skip


def _days(text: str) -> int | None:
    """Without text none; what is no number of days becomes 0, which the check refuses."""
    if not text:
        return None
    return int(text) if text.isdecimal() and len(text) < 8 else 0


def _given(document: Document, tag: TagDef) -> MultiDict[str, Any]:
    given: MultiDict[str, Any] = MultiDict({
        name: getattr(tag, name)
        for name in ("name", "category", "owner", "meaning", "parent", "sensitivity")
    })  # fmt: skip
    given["half_life_days"] = str(tag.half_life_days or "")
    given["names"] = editing.written_names(tag.names).replace("；", "\n")
    given.setlist("may_assert", list(tag.may_assert))
    given.setlist("opposites", sorted(document.opposites_of(tag.key)))
    if tag.mirrored:
        given["mirrored"] = "on"
    return given


def _get(document: Document, key: str) -> TagDef:
    if key not in document.by_key:
        raise NotFound(_("没有这个标签。"))
    return document.by_key[key]


def _fits(document: Document, tag: TagDef, q: str, category: str, retired: bool) -> bool:
    if tag.active == retired or (category and category not in document.branch_of(tag.category)):
        return False
    words = (tag.name, tag.key, tag.meaning, *(raw for _source, raw in tag.names))
    return not q or any(fold(q) in fold(text) for text in words)


def _ids(session: Session) -> dict[str, int]:
    return {row[0]: row[1] for row in session.execute(select(tagging.Tag.key, tagging.Tag.id))}


def _people(session: Session, tags: Sequence[TagDef]) -> dict[str, int]:
    """How many have each of these as audiences count it; nobody has one that is out of use."""
    active = [tag for tag in tags if tag.active]
    sizes = segments.sizes(session, [TagIs(tag.name) for tag in active], parts().clock())
    return {tag.key: size for tag, size in zip(active, sizes, strict=True)}


def _contents(session: Session) -> dict[int, int]:
    """How many contents have each tag, or a narrower one."""
    rows = session.execute(
        select(VersionTag.tag_id, ContentVersion.content_id)
        .join(ContentVersion, ContentVersion.id == VersionTag.version_id)
        .where(ContentVersion.stage != Stage.WITHDRAWN)
        .distinct()
    )
    carry, found = defaultdict[int, set[int]](set), defaultdict[int, set[int]](set)
    for tag_id, content_id in rows:
        carry[tag_id].add(content_id)
    shape = tagging.shape(session)
    for tag_id, contents in carry.items():
        for here in tagging.standing(session, {tag_id: 1.0}):
            for broad in shape.broader(here):
                found[broad] |= contents
    return {tag_id: len(contents) for tag_id, contents in found.items()}
