"""GET /tag-cases, GET /tag-cases/{id}, POST /tag-cases/{id}/decide|appeal|undo; GET /tag-truth."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session

from app import accounts, court, identity
from app.court import CaseState, Kind, TagCase, Truth, Verdict, Viewer
from app.infra.errors import NotFound, Refused
from app.web import auth
from app.web.api import bp
from app.web.api.asking import Asked, Position, body, query
from app.web.context import parts


class CasesQuery(Asked):
    """Filter by state, kind or physician."""

    state: CaseState | None = None
    kind: Kind | None = None
    one_id: str = Field("", max_length=24)
    limit: int = Field(50, ge=1, le=200)
    offset: Position = 0


class Decision(Asked):
    """`first`: the tag, or what was said, holds; `second`: the other tag, or what speaks against
    it (of an untagged interest: the tag is given)."""

    verdict: Verdict
    reason: str = Field("", max_length=500)
    by: str = Field("", max_length=40, description="who decided, in the calling system")


class Objection(Asked):
    """Why a verdict is wrong, and who says so."""

    reason: str = Field(min_length=1, max_length=500)
    by: str = Field("", max_length=40, description="who appeals, in the calling system")


class TruthQuery(Asked):
    """Of one source only."""

    source: str = Field("", max_length=20)


@bp.get("/tag-cases")
def list_tag_cases() -> Response:
    """Contradictions between tags, or with behaviour; newest first."""
    asked = query(CasesQuery)
    with parts().db.reading() as session:
        found, total = court.listing(
            session, _viewer(), state=asked.state, kind=asked.kind or "", one_id=asked.one_id,
            limit=asked.limit, offset=asked.offset,
        )  # fmt: skip
        owners = identity.owners(session, [case.identifier_id for case in found])
        names = {tag: words.name for tag, words in court.words(session).items()}
        items = [_told(case, owners, names) for case in found]
        return jsonify(items=items, total=total)


@bp.get("/tag-cases/<int:case_id>")
def get_tag_case(case_id: int) -> Response:
    """One case with the evidence of both sides and its history."""
    here = parts()
    with here.db.reading() as session:
        return jsonify(_whole(session, court.get(session, case_id)))


@bp.post("/tag-cases/<int:case_id>/decide")
def decide_tag_case(case_id: int) -> Response:
    """Settle an open case; the role of the token must own the tag."""
    asked, here = body(Decision), parts()
    who = auth.actor().key
    with here.db.transaction() as session:
        case, by = court.get(session, case_id), _by(who, asked.by)
        if not court.may_decide(case, Viewer(by, auth.actor().role)):
            raise Refused("这个标签由其他角色负责，或者是对同一人的裁定提出的申诉。")
        court.decide(
            session, case_id, asked.verdict, actor=by, reason=asked.reason, now=here.clock()
        )
        accounts.audit(
            session, who, "court.decided", "tag_case", case_id, now=here.clock(),
            verdict=asked.verdict,
        )  # fmt: skip
        return jsonify(_whole(session, case))


@bp.post("/tag-cases/<int:case_id>/appeal")
def appeal_tag_case(case_id: int) -> Response:
    """Ask for a second person; until then the verdict stands."""
    asked, here, who = body(Objection), parts(), auth.actor().key
    with here.db.transaction() as session:
        case = court.appeal(
            session, case_id, actor=_by(who, asked.by), reason=asked.reason, now=here.clock()
        )
        accounts.audit(session, who, "court.appealed", "tag_case", case_id, now=here.clock())
        return jsonify(_whole(session, case))


@bp.post("/tag-cases/<int:case_id>/undo")
def undo_tag_case(case_id: int) -> Response:
    """Everything is as it was before the last verdict: one of this token, or with the role of an
    administrator any."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        case = court.get(session, case_id)
        if not court.may_undo(case, _viewer()):
            raise Refused("只能撤销自己的裁定；不同意时请申诉。")
        court.undo(session, case_id, actor=who.key, now=here.clock())
        accounts.audit(session, who.key, "court.undone", "tag_case", case_id, now=here.clock())
        return jsonify(_whole(session, case))


@bp.get("/tag-truth")
def list_tag_truth() -> Response:
    """How well each tag of each source predicts what physicians open; worst first."""
    asked = query(TruthQuery)
    with parts().db.reading() as session:
        items = [truth_as_json(line) for line in court.truth(session, source=asked.source)]
        return jsonify(items=items, learned_at=court.learned_at(session))


def truth_as_json(line: Truth) -> dict[str, Any]:
    """A line of the table; `known` false: too little was sent to say."""
    row = line.row
    return {
        "source": row.source, "tag_id": row.tag_id or None, "tag": line.tag_name,
        "known": line.known, "truth": row.learned, "low": row.low, "high": row.high,
        "physicians": row.people, "exposures": row.exposures, "opens": row.opens,
        "open_rate": line.rate, "open_rate_without": line.without, "lift": line.lift,
        "applied": row.applied, "fixed": row.fixed_by is not None,
    }  # fmt: skip


def _viewer() -> Viewer:
    who = auth.actor()
    return Viewer(who.key, who.role)


def _by(token: str, person: str) -> str:
    """A token is a system: the persons whom it names are told apart."""
    return f"{token}:{person}" if person else token


def _told(case: TagCase, owners: dict[int, str], names: dict[int, str]) -> dict[str, Any]:
    return {
        "id": case.id, "one_id": owners.get(case.identifier_id), "kind": case.kind,
        "tag": names.get(case.tag_id), "other": names.get(case.other_id), "owner": case.owner,
        "state": case.state, "proposed": case.proposed, "strength": case.strength,
        "verdict": case.verdict, "decided_by": case.decided_by, "decided_at": case.decided_at,
        "opened_at": case.opened_at, "updated_at": case.updated_at,
    }  # fmt: skip


def _whole(session: Session, case: TagCase) -> dict[str, Any]:
    now = parts().clock()
    owners = identity.owners(session, [case.identifier_id])
    if case.identifier_id not in owners:
        raise NotFound("没有这个标签分歧。")
    names = {tag: words.name for tag, words in court.words(session).items()}
    found = court.evidence(session, case, now)
    sides = [
        {
            "tag": names.get(one.tag), "chance": one.side.chance if one.side else None,
            "sent": one.sent, "opened": one.opened,
            "assertions": [
                {"source": r.source, "evidence": r.evidence, "at": r.at, "strength": r.strength,
                 "reliability": r.trust.value, "learned_from": r.trust.people, "share": r.share}
                for r in one.reasons
            ],
        }
        for one in found.columns
    ]  # fmt: skip
    events = [
        {"kind": e.kind, "actor": e.actor, "at": e.at, "verdict": e.verdict, "reason": e.reason}
        for e in court.events(session, case.id)
    ]
    return _told(case, owners, names) | {"sides": sides, "chances": found.chances, "events": events}
