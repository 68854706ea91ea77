"""GET /tag-names…: names that wait with what they may mean; deciding, undoing, importing."""

from __future__ import annotations

from typing import Any, Literal

from flask import Response, jsonify, request
from pydantic import Field
from werkzeug.exceptions import BadRequest

from app import tagging
from app.flows.tagging import fold_names, import_tags, undo_tags
from app.flows.tagging.fold_names import Done
from app.flows.tagging.name_suggestions import suggest
from app.infra.errors import Refused
from app.tagging import Suggestion, UnmappedName
from app.web import auth
from app.web.api import bp
from app.web.api.asking import Asked, Position, RowId, answers, body, query
from app.web.api.imports import uploaded
from app.web.context import parts
from app.web.policy import IMPORTERS, STAFF, allow


class NamesQuery(Asked):
    """How many names, of those that wait."""

    limit: int = Field(50, ge=1, le=200)


class HistoryQuery(Asked):
    """How many decisions; `before`: of those older than this id."""

    limit: int = Field(100, ge=1, le=500)
    before: RowId | None = None


class Decision(Asked):
    """What a name means: a tag's key with `fold`, a category with `new`, a reason with `ignore`."""

    id: RowId
    tag: str = Field("", max_length=60)


class DecideBody(Asked):
    """Up to 1,000 names, decided alike."""

    how: Literal["fold", "new", "ignore"]
    names: list[Decision] = Field(min_length=1, max_length=1000)
    category: str = Field("", max_length=40)
    owner: Literal["sales", "marketing", "medical"] = "marketing"
    reason: str = Field("", max_length=200)


class UndoBody(Asked):
    """One decision by its id, or all of one click by its batch."""

    id: Position = 0
    batch: str = Field("", max_length=32)


class UndoImport(Asked):
    """Why it is taken back."""

    reason: str = Field(min_length=1, max_length=200)


@bp.get("/tag-names")
def list_tag_names() -> Response:
    """Names that wait, most carried first, with suggestions and what speaks for each."""
    asked = query(NamesQuery)
    with parts().db.reading() as session:
        rows = tagging.unmapped(session, asked.limit)
        found = suggest(session, rows)
        keys = {tag.id: tag for tag in tagging.tags(session)}
        items = []
        for row in rows:
            told = [_told(one, keys[one.tag_id].key) for one in found[row.id]]
            why = tagging.why_forbidden(session, row.raw)
            items.append(_name(row, why) | {"suggestions": told})
    return jsonify(items=items)


@bp.post("/tag-names/decisions")
@answers(201)
@allow(*STAFF, token=True)
def decide_tag_names() -> tuple[Response, int]:
    """Fold, make tags of, or ignore names, as one version of the vocabulary; refusals are told.
    `left`: names whose carriers still follow, see `GET /tag-names/decisions/{batch}`."""
    asked, here, who = body(DecideBody), parts(), auth.actor()
    ids = {one.id: one.tag for one in asked.names}
    by: dict[str, Any] = {"actor": who.key, "clock": here.clock}
    if asked.how == "ignore":
        done = fold_names.ignore_many(here.db, ids, asked.reason, **by)
    elif asked.how == "new":
        done = fold_names.make_many(here.db, ids, asked.category, asked.owner, **by)
    else:
        done = fold_names.fold_many(here.db, ids, **by)
    return jsonify(_done(done)), 201


@bp.get("/tag-names/decisions")
def list_decisions() -> Response:
    """Who decided what about which name, newest first."""
    asked = query(HistoryQuery)
    with parts().db.reading() as session:
        rows = tagging.folding_history(session, limit=asked.limit, before=asked.before)
        items = [
            {"id": row.id, "batch": row.batch, "kind": row.kind, "name": name.raw,
             "source": name.source, "tag": tag.key if tag else None, "people": row.people,
             "reason": row.reason, "actor": row.actor, "at": row.at.isoformat(),
             "undone_at": row.undone_at.isoformat() if row.undone_at else None}
            for row, name, tag in rows
        ]  # fmt: skip
    return jsonify(items=items)


@bp.get("/tag-names/decisions/<batch>")
def show_progress(batch: str) -> Response:
    """How far one click is: of how many names carriers still follow, how many were taken back."""
    with parts().db.reading() as session:
        progress = tagging.progress(session, batch)
    return jsonify(batch=batch, number=progress.names, left=progress.left, undone=progress.undone)


@bp.post("/tag-names/undo")
@allow(*STAFF, token=True)
def undo_decisions() -> Response:
    """Take back one decision, or all of one click; tags of physicians are as before."""
    asked, here, who = body(UndoBody), parts(), auth.actor()
    if asked.batch:
        done = fold_names.undo_batch(here.db, asked.batch, actor=who.key, clock=here.clock)
        return jsonify(_done(done))
    done = fold_names.undo_one(here.db, asked.id, actor=who.key, clock=here.clock)
    return jsonify(_done(done))


@bp.post("/tag-names/imports")
@answers(201, file=True)
@allow(*IMPORTERS, token=True)
def import_tag_names() -> tuple[Response, int]:
    """A marketing tool's CSV or XLSX; `?tool=`; `?dry_run=1` only says what it would do."""
    filename, data = uploaded()
    here, who, now = parts(), auth.actor(), parts().clock()
    with here.db.transaction() as session:
        upload = import_tags.keep(
            session, filename, data, tool=request.args.get("tool", ""), actor=who.key, now=now
        )
    columns = import_tags.guess(upload.table[0])
    try:
        if request.args.get("dry_run", "") in ("1", "true"):
            with here.db.reading() as session:
                looked, number = import_tags.look(session, upload, columns), None
        else:
            looked = import_tags.apply(here.db, upload.id, columns, actor=who.key, now=now)
            number = upload.id
    except Refused as problem:
        raise BadRequest(f"file: {problem}") from None
    remarks = [{"line": line, "reason": why} for line, why in looked.remarks[:1000]]
    return jsonify(looked.figures | {"id": number, "remarks": remarks}), 201


@bp.post("/tag-names/imports/<int:import_id>/undo")
@allow(*IMPORTERS, token=True)
def undo_tag_import(import_id: int) -> Response:
    """Take an import back: `back` physicians are as before, of `kept` a newer file has told."""
    asked, here, who = body(UndoImport), parts(), auth.actor()
    done = undo_tags.undo(here.db, import_id, asked.reason, actor=who.key, now=here.clock())
    return jsonify(id=import_id, back=done.back, kept=done.kept)


def _name(row: UnmappedName, why: str) -> dict[str, Any]:
    return {"id": row.id, "source": row.source, "name": row.raw, "people": row.seen,
            "last_at": row.last_at.isoformat(),
            "forbidden": why or None}  # fmt: skip


def _told(one: Suggestion, key: str) -> dict[str, Any]:
    return {
        "tag": key, "score": round(one.score, 3), "confident": one.confident,
        "alike": one.alike, "characters": round(one.signals.sight, 3),
        "sound": round(one.signals.sound, 3), "have_tag": one.have, "opened": one.opened,
        "looked_at": one.carriers,
    }  # fmt: skip


def _done(done: Done) -> dict[str, Any]:
    return {"batch": done.batch, "number": done.folded, "people": done.people,
            "left": done.left, "refused": done.refused}  # fmt: skip
