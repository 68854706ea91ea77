"""POST /physicians/{one_id}/what-if: suggestions if something were otherwise. Writes nothing."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session

from app import content, reps, tagging
from app.flows.planning import what_if as flow
from app.flows.planning.what_if import CHANNELS, Change, Imagined, Outlook
from app.infra.errors import NotFound
from app.web.api import bp
from app.web.api.asking import Asked, RowId, body
from app.web.context import parts

MOST = 20
Strength = Annotated[float, Field(gt=0, le=1)]


class ImaginedContent(Asked):
    """A content that does not exist: tag key → weight."""

    title: str = Field("", max_length=120)
    tags: dict[str, Strength] = Field(min_length=1, max_length=50)


class WhatIfBody(Asked):
    """`add`: tag key → strength; `remove`: tag keys; `ask`: a content id to say why it is not
    suggested; `rep`: a WeCom userid, the nearest rep when it is not given."""

    add: dict[str, Strength] = Field(default_factory=dict, max_length=50)
    remove: list[str] = Field(default_factory=list, max_length=100)
    allow: list[Literal["wecom", "oa"]] = Field(default_factory=list, max_length=2)
    contents: list[ImaginedContent] = Field(default_factory=list, max_length=20)
    ask: RowId | None = None
    rep: str | None = None


@bp.post("/physicians/<one_id>/what-if")
def what_if(one_id: str) -> Response:
    """Before and after a change: fits with their parts, verdicts, and why a content is not one."""
    asked = body(WhatIfBody)
    here = parts()
    with here.db.reading() as session:
        rep = None
        if asked.rep is not None:
            rep = reps.find_rep(session, here.settings.wecom_corp_id, asked.rep)
            if rep is None:
                raise NotFound("没有这位代表。")
        given = flow.situation(session, one_id, here.clock(), rep)
        change = Change(
            add={_tag(session, key): value for key, value in asked.add.items()},
            remove=frozenset(_tag(session, key) for key in asked.remove),
            allow=frozenset(CHANNELS[one] for one in asked.allow),
            contents=[
                Imagined(one.title, {_tag(session, key): w for key, w in one.tags.items()})
                for one in asked.contents
            ],
        )
        before, after = flow.outlook(given), flow.outlook(given, change)
        keys = {tag.id: tag.key for tag in tagging.tags(session)}
        told: dict[str, Any] = {
            "one_id": given.one_id, "rep": given.rep.userid if given.rep else None,
            "before": _outlook(before, keys), "after": _outlook(after, keys),
        }  # fmt: skip
        if asked.ask is not None:
            told["why_not"] = _why_not(session, given, after, asked.ask)
    return jsonify(told)


def _why_not(
    session: Session, given: flow.Situation, seen: Outlook, content_id: int
) -> dict[str, Any]:
    version = flow.asked_version(session, content_id, given.at)
    why = flow.why_not(given, seen, version, content.problem(session, version, given.at))
    return {
        "code": why.code, "text": why.text, "place": why.place, "score": why.score,
        "best": [{"title": title, "score": round(score, 4)} for title, score in why.best],
        "until": why.until.isoformat() if why.until else None,
    }  # fmt: skip


def _outlook(seen: Outlook, keys: dict[int, str]) -> dict[str, Any]:
    return {
        "blocked": seen.blocked,
        "verdicts": {
            name: {"allowed": (verdict := seen.verdicts[through]).allowed,
                   "reasons": [reason.code for reason in verdict.reasons]}
            for name, through in CHANNELS.items()
        },
        "items": [
            {
                "content_id": fit.piece.content_id, "title": seen.titles[fit.piece.content_id],
                "score": round(fit.score, 4),
                "parts": {keys.get(tag, str(tag)): round(v, 4) for tag, v in fit.parts.items()},
                "others": {name: round(v, 4) for name, v in fit.others.items()},
            }
            for fit in seen.fits[:MOST]
        ],
        "left_out": {str(content_id): why for content_id, why in seen.out.items()},
    }  # fmt: skip


def _tag(session: Session, key: str) -> int:
    tag = tagging.by_key(session, key)
    if tag is None:
        raise NotFound(f"没有标签 {key}。")
    return tag.id
