"""/tags/versions, /tags/categories, /tags/forbidden, /tags/export, /tags/import."""

from __future__ import annotations

from typing import Any, Literal

from flask import Response, jsonify, request
from pydantic import Field
from werkzeug.exceptions import BadRequest

from app import accounts
from app.flows.tagging import vocabulary
from app.flows.tagging.vocabulary_export import MIMES, export
from app.flows.tagging.vocabulary_import import plan
from app.infra.errors import NotFound
from app.tagging import editing, moving, stored, versions
from app.tagging.document import CategoryDef, to_json
from app.tagging.forbidden import FORBIDDEN
from app.tagging.models import VocabularyVersion
from app.web import auth
from app.web.api import bp
from app.web.api.asking import Asked, Position, answers, body, query
from app.web.api.imports import uploaded
from app.web.context import parts
from app.web.policy import MIRRORERS


class VersionsQuery(Asked):
    """Newest first; page on with `before`."""

    before: Position = 0
    limit: int = Field(50, ge=1, le=500)


class DiffQuery(Asked):
    """Against which version; by default the one before."""

    against: Position | None = None


class ExportQuery(Asked):
    """XLSX and JSON hold everything, CSV the tags."""

    format: Literal["xlsx", "csv", "json"] = "json"


class ImportQuery(Asked):
    """`dry_run`: only say what it would do."""

    dry_run: bool = False


class Category(Asked):
    """A branch, new or changed. `remove` takes an empty one away."""

    key: str = Field(min_length=1, max_length=40)
    name: str = Field("", max_length=40)
    parent: str = ""
    exclusive: bool = False
    position: Position | None = None
    remove: bool = False


class Word(Asked):
    """A word that no tag may carry; an empty reason takes one of the company's away."""

    word: str = Field(min_length=2, max_length=40)
    reason: str = Field("", max_length=200)


@bp.get("/tags/versions")
def list_versions() -> Response:
    """What changed, when, by whom."""
    asked = query(VersionsQuery)
    with parts().db.reading() as session:
        found = versions.listing(session, asked.limit, asked.before)
        return jsonify(items=[as_json(one) for one in found])


@bp.get("/tags/versions/<int:number>")
def get_version(number: int) -> Response:
    """The whole vocabulary as a version left it, and what it moved."""
    with parts().db.reading() as session:
        version = versions.get(session, number)
        moved = [
            {"id": m.id, "moved": m.moved, "undone_in": m.undone_in}
            for m in moving.of_version(session, number)
        ]
        told = to_json(versions.document_of(version))
        return jsonify(as_json(version) | {"vocabulary": told, "migrations": moved})


@bp.get("/tags/versions/<int:number>/diff")
def diff_versions(number: int) -> Response:
    """What is otherwise in this version than in another."""
    asked = query(DiffQuery)
    against = number - 1 if asked.against is None else asked.against
    with parts().db.reading() as session:
        found = versions.between(session, against, number)
    return jsonify(version=number, against=against, changes=[one.as_json() for one in found])


@bp.post("/tags/versions/<int:number>/undo")
def undo_version(number: int) -> Response:
    """Take one version back, with what it moved, as a newer version."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        made = vocabulary.undo(session, number, actor=who.key, now=here.clock())
        accounts.audit(session, who.key, "vocabulary.undone", "vocabulary", number,
                       now=here.clock(), version=made.number)  # fmt: skip
        return jsonify(as_json(made))


@bp.post("/tags/versions/<int:number>/rollback")
def roll_back(number: int) -> Response:
    """The vocabulary as a version left it again, as a newer version."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        made = vocabulary.roll_back(session, number, actor=who.key, now=here.clock())
        accounts.audit(session, who.key, "vocabulary.rolled_back", "vocabulary", number,
                       now=here.clock(), version=made.number)  # fmt: skip
        return jsonify(as_json(made))


@bp.get("/tags/categories")
def list_categories() -> Response:
    """The branches; `parent` makes the tree."""
    with parts().db.reading() as session:
        return jsonify(items=[vars(one) for one in stored.read(session).categories])


@bp.post("/tags/categories")
def set_category() -> Response:
    """Add, change or remove a branch."""
    asked = body(Category)
    with parts().db.reading() as session:
        known = stored.read(session).category_by_key.get(asked.key)
        count = len(stored.read(session).categories)
    if known is None and asked.remove:
        raise NotFound("没有这个分类。")
    place = asked.position if asked.position is not None else known.position if known else count
    wanted = CategoryDef(asked.key, asked.name or (known.name if known else ""), asked.parent,
                         asked.exclusive, place)  # fmt: skip
    return _change(
        (lambda d: editing.category_removed(d, asked.key)) if asked.remove
        else (lambda d: editing.category_set(d, wanted, new=known is None)),
        "category.changed", asked.key,
    )  # fmt: skip


@bp.get("/tags/forbidden")
def list_words() -> Response:
    """The words of the law and of the company that no tag may carry."""
    with parts().db.reading() as session:
        own = stored.read(session).forbidden
    items = [{"word": w, "reason": r, "built_in": True} for w, r in FORBIDDEN.items()]
    return jsonify(items=[*items, *({"word": w, "reason": r, "built_in": False} for w, r in own)])


@bp.post("/tags/forbidden")
def set_word() -> Response:
    """Add a word of the company, or take one away."""
    asked = body(Word)
    return _change(
        lambda d: editing.forbidden_set(d, asked.word, asked.reason), "word.changed", asked.word
    )


@bp.get("/tags/export")
def export_tags() -> Response:
    """The vocabulary as a file."""
    asked = query(ExportQuery)
    with parts().db.reading() as session:
        data = export(stored.read(session), asked.format)
    name = f"attachment; filename=vocabulary.{asked.format}"
    return Response(data, mimetype=MIMES[asked.format], headers={"Content-Disposition": name})


@bp.post("/tags/import")
@answers(200, file=True)
def import_tags() -> tuple[Response, int]:
    """Take a file: changes[], problems[]; with any problem nothing is taken (409)."""
    asked = _import_query()
    filename, data = uploaded()
    here, who = parts(), auth.actor()
    now = here.clock()
    with here.db.transaction() as session:
        before = versions.begin(session, now)
        found = plan(before, filename, data)
        version = None
        if not found.problems and not asked.dry_run:
            version = vocabulary.edit(
                session, lambda _: found.document, actor=who.key, note=f"导入 {filename}",
                kind="import", may_mirror=who.role in MIRRORERS, now=now,
            )  # fmt: skip
        if version is not None:
            accounts.audit(session, who.key, "vocabulary.imported", "vocabulary", version.number,
                           now=now, changes=len(found.changes))  # fmt: skip
        told = {
            "applied": version is not None, "version": version.number if version else None,
            "changes": [one.as_json() for one in found.changes],
            "problems": [{"code": p.code, "key": p.key, "text": p.text} for p in found.problems],
            "ignored_columns": found.ignored,
        }  # fmt: skip
    return jsonify(told), 409 if found.problems else 200


def as_json(version: VocabularyVersion) -> dict[str, Any]:
    """A version without the vocabulary itself."""
    return {
        "number": version.number, "at": version.at.isoformat(), "actor": version.actor,
        "kind": version.kind, "note": version.note, "changes": version.changes,
    }  # fmt: skip


def _import_query() -> ImportQuery:
    try:
        return ImportQuery.model_validate(request.args.to_dict())
    except ValueError as problem:
        raise BadRequest(f"dry_run: {problem}") from None


def _change(change: versions.Edit, action: str, key: str) -> Response:
    here, who = parts(), auth.actor()
    now = here.clock()
    with here.db.transaction() as session:
        version = vocabulary.edit(
            session, change, actor=who.key, may_mirror=who.role in MIRRORERS, now=now
        )
        if version is not None:
            accounts.audit(session, who.key, action, "vocabulary", key, now=now)
        number = version.number if version else versions.newest_number(session)
        changes: list[Any] = version.changes if version else []
        return jsonify(version=number, changes=changes)
