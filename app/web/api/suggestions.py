"""GET /suggestions?rep=."""

from __future__ import annotations

from datetime import date

from flask import Response, jsonify
from pydantic import Field

from app import content, recommend, reps
from app.identity.models import Identifier
from app.infra.errors import NotFound
from app.web.api import bp
from app.web.api.asking import Asked, query
from app.web.context import parts


class SuggestionQuery(Asked):
    """`rep` is a WeCom userid; `day` in China."""

    rep: str = Field(min_length=1)
    day: date | None = None


@bp.get("/suggestions")
def list_suggestions() -> Response:
    """A rep's suggestions with reasons and answers, newest first."""
    asked = query(SuggestionQuery)
    here = parts()
    with here.db.reading() as session:
        rep = reps.find_rep(session, here.settings.wecom_corp_id, asked.rep)
        if rep is None:
            raise NotFound("没有这位代表。")
        items = []
        for row in recommend.of_rep(session, rep.id, asked.day):
            identifier = session.get_one(Identifier, row.identifier_id)
            version = content.get_version(session, row.content_version_id)
            items.append(
                {
                    "id": row.id,
                    "rep": rep.userid,
                    "one_id": identifier.one_id,
                    "content_id": row.content_id,
                    "title": version.title,
                    "day": row.day.isoformat(),
                    "position": row.position,
                    "score": round(row.score, 4),
                    "reasons": row.reasons,
                    "state": row.state,
                    "refusal": row.refusal,
                    "campaign_id": row.campaign_id,
                }
            )
    return jsonify(items=items)
