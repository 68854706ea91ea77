"""Saved segments with versions; members of an expression, page by page; how audiences overlap."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest

from app import accounts, identity, segments
from app.accounts.models import Role
from app.flows.segments import audiences
from app.infra.errors import Refused
from app.segments import Segment, Unparseable
from app.web import auth
from app.web.api import bp
from app.web.api.asking import Asked, Position, answers, body, query
from app.web.context import parts
from app.web.policy import allow


class NewSegment(Asked):
    """An expression under a name. `author`: who decided, in the calling system."""

    name: str = Field(min_length=1, max_length=80)
    expression: str = Field(min_length=1)
    description: str = Field("", max_length=1000)
    author: str = Field("", max_length=40)


class SegmentChange(Asked):
    """What is to be otherwise. Another expression is a new version; `back_to`: that of an older,
    `base`: the version that it was made from: refused once somebody has saved a newer one."""

    name: str | None = Field(None, min_length=1, max_length=80)
    expression: str | None = Field(None, min_length=1)
    description: str | None = Field(None, max_length=1000)
    back_to: int | None = Field(None, ge=1)
    base: int | None = Field(None, ge=1)
    author: str = Field("", max_length=40)


class MembersQuery(Asked):
    """An expression, and behind which place to go on."""

    expression: str = Field(min_length=1)
    after: Position = 0
    limit: int = Field(500, ge=1, le=5000)


class OverlapQuestion(Asked):
    """Two to five expressions, and how many physicians of each region to name."""

    expressions: list[str] = Field(min_length=2, max_length=5)
    sample: int = Field(3, ge=0, le=20)


@bp.get("/segments")
def list_segments() -> Response:
    """All saved segments by name."""
    with parts().db.reading() as session:
        return jsonify(items=[_told(row) for row in segments.saved.listing(session)])


@bp.post("/segments")
@answers(201)
@allow(Role.ADMIN, Role.MARKETER, token=True)
def save_new_segment() -> tuple[Response, int]:
    """Save an expression under a name."""
    asked, here, who = body(NewSegment), parts(), auth.actor()
    try:
        with here.db.transaction() as session:
            row = segments.saved.save(
                session, name=asked.name, expression=asked.expression, now=here.clock(),
                description=asked.description, author=_author(asked.author),
            )  # fmt: skip
            accounts.audit(session, who.key, "segment.saved", "segment", row.id, now=here.clock())
            return jsonify(_told(row)), 201
    except Unparseable as problem:
        raise BadRequest(f"expression: {problem}") from None


@bp.get("/segments/<int:segment_id>")
def get_segment(segment_id: int) -> Response:
    """One segment, its versions (newest first), and who uses it."""
    with parts().db.reading() as session:
        row = segments.saved.get(session, segment_id)
        return jsonify(_told(row) | _more(session, segment_id))


@bp.post("/segments/<int:segment_id>")
@allow(Role.ADMIN, Role.MARKETER, token=True)
def edit_segment(segment_id: int) -> Response:
    """Change it."""
    asked, here, who = body(SegmentChange), parts(), auth.actor()
    author, now = _author(asked.author), here.clock()
    try:
        with here.db.transaction() as session:
            row = segments.saved.get(session, segment_id)
            if asked.back_to is not None:
                audiences.segment_back(session, segment_id, asked.back_to, author=author, now=now)
            audiences.change_segment(
                session, segment_id, expression=asked.expression or row.expression,
                description=asked.description, author=author, base=asked.base, now=now,
            )  # fmt: skip
            if asked.name is not None:
                audiences.rename_segment(session, segment_id, asked.name)
            accounts.audit(session, who.key, "segment.changed", "segment", segment_id, now=now)
            return jsonify(_told(row) | _more(session, segment_id))
    except Unparseable as problem:
        raise BadRequest(f"expression: {problem}") from None


@bp.delete("/segments/<int:segment_id>")
@allow(Role.ADMIN, Role.MARKETER, token=True)
def delete_segment(segment_id: int) -> Response:
    """Delete it; refused while campaigns or segments use it."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        name = audiences.delete_segment(session, segment_id)
        accounts.audit(session, who.key, "segment.delete", "segment", segment_id, now=here.clock())
    return jsonify(deleted=name)


@bp.get("/segments/members")
def segment_members() -> Response:
    """ONE IDs and names of an expression's members; `next` is the `after` of the next page."""
    asked, here, who = query(MembersQuery), parts(), auth.actor()
    try:
        with here.db.reading() as session:
            found, place = segments.page(
                session, asked.expression, here.clock(), asked.after, asked.limit
            )
            known = identity.physicians_by_id(session, found)
            items = [{"one_id": one, "name": known[one].name} for one in found if one in known]
    except (Unparseable, Refused) as problem:
        raise BadRequest(f"expression: {problem}") from None
    with here.db.transaction() as session:
        accounts.audit(
            session, who.key, "segment.members", "segment", "", now=here.clock(), number=len(items)
        )
    return jsonify(items=items, next=place)


@bp.post("/segments/overlap")
def overlap_segments() -> Response:
    """How two to five audiences lie over each other: every region that is not empty."""
    asked, here = body(OverlapQuestion), parts()
    try:
        with here.db.reading() as session:
            found = segments.overlap(session, asked.expressions, here.clock(), asked.sample)
    except (Unparseable, Refused) as problem:
        raise BadRequest(f"expressions: {problem}") from None
    regions = [
        {"inside": list(region.inside), "size": region.size, "expression": region.expression,
         "sample": [{"one_id": p.one_id, "name": p.name} for p in region.sample]}
        for region in found.regions
    ]  # fmt: skip
    return jsonify(sizes=list(found.sizes), either=found.either, regions=regions)


def _author(said: str) -> str:
    return f"token:{said}" if said else auth.actor().key


def _told(row: Segment) -> dict[str, Any]:
    return {
        "id": row.id, "name": row.name, "description": row.description,
        "expression": row.expression, "version": row.version, "created_by": row.created_by,
        "created_at": row.created_at.isoformat(),
    }  # fmt: skip


def _more(session: Session, segment_id: int) -> dict[str, Any]:
    users = audiences.users_of_segment(session, segment_id)
    versions = [
        {"number": v.number, "expression": v.expression, "size": v.size, "author": v.author,
         "at": v.at.isoformat(), "back_to": v.back_to}
        for v in segments.saved.history(session, segment_id)
    ]  # fmt: skip
    return {
        "versions": versions,
        "used_by": {"segments": [row.name for row in users.segments],
                    "campaigns": [row.id for row in users.campaigns],
                    "tag_rules": [row.id for row in users.rules],
                    "suppressions": len(users.spares)},
    }  # fmt: skip
