"""GET /physicians, /physicians/{one_id}, /physicians/{one_id}/timeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest

from app import identity, journey, tagging
from app.identity import Identifier, Kind, Physician
from app.tagging import Tag, Weight
from app.web.api import bp
from app.web.api.asking import Asked, Position, query
from app.web.context import parts


class PhysicianQuery(Asked):
    """Look one identifier up (kind, namespace, value), or search by text."""

    kind: Kind | None = None
    namespace: str = ""
    value: str = ""
    q: str = ""
    limit: int = Field(50, ge=1, le=500)
    offset: Position = 0


class TimelineQuery(Asked):
    """Newest first; page on with `before`."""

    before: datetime | None = None
    limit: int = Field(50, ge=1, le=500)


@bp.get("/physicians")
def list_physicians() -> Response:
    """Physicians by identifier or text: items[].one_id, identifiers[], tags[]."""
    asked = query(PhysicianQuery)
    here = parts()
    with here.db.reading() as session:
        if asked.kind is not None:
            if not asked.value:
                raise BadRequest("value: needed with kind")
            row = identity.find(session, identity.make_id(asked.kind, asked.value, asked.namespace))
            known = row is not None and bool(row.value)
            found = [identity.get_physician(session, row.one_id)] if row and known else []
            total = len(found)
        else:
            people, total = identity.search(
                session, asked.q, limit=asked.limit, offset=asked.offset
            )
            found = list(people)
        items = as_json(session, found, here.clock())
    return jsonify(items=items, total=total)


@bp.get("/physicians/<one_id>")
def get_physician(one_id: str) -> Response:
    """One physician; an old ONE ID answers with the living one."""
    here = parts()
    with here.db.reading() as session:
        physician = identity.get_physician(session, one_id)
        return jsonify(as_json(session, [physician], here.clock())[0])


@bp.get("/physicians/<one_id>/timeline")
def timeline(one_id: str) -> Response:
    """Touchpoints over all identifiers, newest first."""
    asked = query(TimelineQuery)
    if asked.before is not None and asked.before.tzinfo is None:
        raise BadRequest("before: needs a time zone")
    with parts().db.reading() as session:
        physician = identity.get_physician(session, one_id)
        entries = journey.timeline(
            session, physician.one_id, before=asked.before, limit=asked.limit
        )
    items = [
        {
            "id": entry.id,
            "kind": entry.kind.value,
            "channel": entry.channel,
            "at": entry.at.isoformat(),
            "rep_id": entry.rep_id,
            "content_version_id": entry.content_version_id,
            "detail": entry.detail,
        }
        for entry in entries
    ]
    return jsonify(one_id=physician.one_id, items=items)


def as_json(session: Session, people: Sequence[Physician], now: datetime) -> list[dict[str, Any]]:
    """Physicians with identifiers and tags, strongest first; asks the same for one or many."""
    one_ids = [physician.one_id for physician in people]
    weights = tagging.weights(session, one_ids, now)
    identifiers = identity.identifiers_of_many(session, one_ids)
    tags = {tag.id: tag for tag in tagging.tags(session)}
    return [
        _told(physician, identifiers[physician.one_id], weights[physician.one_id].values(), tags)
        for physician in people
    ]


def _told(
    physician: Physician,
    identifiers: Iterable[Identifier],
    weights: Iterable[Weight],
    tags: Mapping[int, Tag],
) -> dict[str, Any]:
    return {
        "one_id": physician.one_id,
        "name": physician.name,
        "verified": physician.verified,
        **{name: getattr(physician, name) for name in identity.ATTRIBUTES if name != "name"},
        "identifiers": [
            {
                "kind": row.kind,
                "namespace": row.namespace,
                "value": row.value,
                "status": row.status,
                "first_seen_at": row.first_seen_at.isoformat(),
            }
            for row in identifiers
        ],
        "tags": [
            {
                "key": tags[weight.tag_id].key,
                "name": tags[weight.tag_id].name,
                "weight": round(weight.value, 4),
                "source": weight.source,
                "evidence": weight.evidence,
                "at": weight.at.isoformat(),
            }
            for weight in sorted(weights, key=lambda weight: -weight.value)
            if weight.tag_id in tags
        ],
    }
