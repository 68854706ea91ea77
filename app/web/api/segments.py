"""GET /segments/count, /segments/why: who is in an audience, and why somebody is or not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Response, jsonify
from pydantic import Field
from werkzeug.exceptions import BadRequest

from app import identity, segments
from app.infra.errors import Refused
from app.segments import Reason, Unparseable
from app.segments.expression import All, AnyOf, Not
from app.web.api import bp
from app.web.api.asking import Asked, query
from app.web.context import parts


class CountQuery(Asked):
    """An expression of the audience language, and how many physicians to name, at random."""

    expression: str = Field(min_length=1)
    sample: int = Field(5, ge=0, le=100)


class WhyQuery(Asked):
    """An expression, and of whom to say why."""

    expression: str = Field(min_length=1)
    one_id: str = Field(min_length=1, max_length=24)


@bp.get("/segments/count")
def count_segment() -> Response:
    """How many now: size, reps, opted_out, sample[]; `age_s` above 0: as of so many seconds ago."""
    asked, here = query(CountQuery), parts()
    try:
        with here.db.reading() as session:
            segments.check(session, asked.expression, here.clock())
            found = segments.audience(session, asked.expression, here.clock(), asked.sample)
    except (Unparseable, Refused) as problem:
        raise BadRequest(f"expression: {problem}") from None
    sample = [{"one_id": person.one_id, "name": person.name} for person in found.sample]
    return jsonify(
        size=found.size, reps=found.reps, opted_out=found.opted_out, age_s=found.age_s,
        sample=sample,
    )  # fmt: skip


@bp.get("/segments/why")
def explain_segment() -> Response:
    """Whether a physician is in, and each part of the expression with its truth."""
    asked, here = query(WhyQuery), parts()
    try:
        with here.db.reading() as session:
            one_id = identity.get_physician(session, asked.one_id).one_id
            told = segments.why(session, asked.expression, one_id, here.clock())
    except (Unparseable, Refused) as problem:
        raise BadRequest(f"expression: {problem}") from None
    return jsonify(
        one_id=one_id, inside=told.inside, parts=[_part(reason) for reason in told.reasons]
    )


def _part(reason: Reason) -> dict[str, Any]:
    """`depth` says what it is part of: of the last part above with a smaller one."""
    node = reason.node
    said = {} if isinstance(node, All | AnyOf | Not) else asdict(node)
    name = type(node).__name__
    told = {"depth": reason.depth, "part": name, "holds": reason.holds, "known": reason.known}
    return told | said
