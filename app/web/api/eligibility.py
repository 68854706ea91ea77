"""GET|PUT /reps/{userid}/brands, GET|PUT /contents/{id}/terms: who may pass on what to whom."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session

from app import accounts, content, reps
from app.accounts.models import Role
from app.flows.allowed import terms_changed
from app.infra.errors import NotFound, Refused
from app.reps import Rep
from app.web import auth
from app.web.api import bp
from app.web.api.asking import Asked, body
from app.web.context import parts
from app.web.policy import allow


class Brands(Asked):
    """Keys or names of brands that the rep speaks for; none: all."""

    brands: list[str] = Field(default_factory=list, max_length=500)


class Terms(Asked):
    """For whom a content is; empty lists: for everybody."""

    verified_only: bool = False
    provinces: list[str] = Field(default_factory=list, max_length=60)
    specialties: list[str] = Field(default_factory=list, max_length=60)
    refusal_for_all: bool = False


@bp.get("/reps/<userid>/brands")
def rep_brands(userid: str) -> Response:
    """The brands that a rep speaks for; none: all."""
    with parts().db.reading() as session:
        return jsonify(_brands(session, _rep(session, userid)))


@bp.put("/reps/<userid>/brands")
@allow(Role.ADMIN, Role.MARKETER, token=True)
def set_rep_brands(userid: str) -> Response:
    """Exactly these from now on, for planning and for what waits."""
    asked, here, who = body(Brands), parts(), auth.actor()
    with here.db.transaction() as session:
        rep = _rep(session, userid)
        known = {name: one.id for one in content.brands(session) for name in (one.key, one.name)}
        unknown = [name for name in asked.brands if name not in known]
        if unknown:
            raise Refused(f"没有品牌“{unknown[0]}”。")
        chosen = {known[name] for name in asked.brands}
        terms_changed.set_brands(session, rep.id, chosen, here.clock())
        accounts.audit(session, who.key, "rep.brands", "rep", rep.id, now=here.clock(),
                       number=len(asked.brands))  # fmt: skip
        return jsonify(_brands(session, rep))


@bp.get("/contents/<int:content_id>/terms")
def content_terms(content_id: int) -> Response:
    """For whom a content is."""
    with parts().db.reading() as session:
        if session.get(content.Content, content_id) is None:
            raise NotFound("没有这份内容。")
        return jsonify(_terms(session, content_id))


@bp.put("/contents/<int:content_id>/terms")
@allow(Role.ADMIN, Role.MARKETER, Role.REVIEWER, token=True)
def set_content_terms(content_id: int) -> Response:
    """From now on, for planning and for what waits."""
    asked, here, who = body(Terms), parts(), auth.actor()
    with here.db.transaction() as session:
        terms_changed.set_terms(
            session, content_id, verified_only=asked.verified_only, provinces=asked.provinces,
            specialties=asked.specialties, refusal_for_all=asked.refusal_for_all, by=who.key,
            now=here.clock(),
        )  # fmt: skip
        accounts.audit(session, who.key, "content.terms", "content", content_id,
                       now=here.clock(), verified_only=asked.verified_only)  # fmt: skip
        return jsonify(_terms(session, content_id))


def _rep(session: Session, userid: str) -> Rep:
    rep = reps.find_rep(session, parts().settings.wecom_corp_id, userid)
    if rep is None:
        raise NotFound("没有这位代表。")
    return rep


def _brands(session: Session, rep: Rep) -> dict[str, Any]:
    mine = reps.brands_of(session, rep.id)
    return {
        "rep": rep.userid,
        "brands": [one.key for one in content.brands(session) if one.id in mine],
    }


def _terms(session: Session, content_id: int) -> dict[str, Any]:
    row = content.terms_of(session, [content_id]).get(content_id)
    return {
        "content_id": content_id,
        "verified_only": bool(row and row.verified_only),
        "provinces": row.provinces if row else [],
        "specialties": row.specialties if row else [],
        "refusal_for_all": bool(row and row.refusal_for_all),
    }
