"""GET|POST /policies, GET /policies/{version}, POST …/act; POST /policies/holdout; GET /lift."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from pydantic import Field

from app.accounts.models import Role
from app.flows.learning import policy_acts
from app.flows.learning.lifting import lifted
from app.flows.learning.policy_acts import Act
from app.recommend import heads
from app.recommend.policy import policies
from app.recommend.policy.policies import Settings
from app.recommend.policy.policy_models import Policy
from app.web import auth
from app.web.api import bp
from app.web.api.asking import Asked, answers, body
from app.web.context import parts
from app.web.policy import allow

WRITERS = (Role.ADMIN, Role.MARKETER)


class NewPolicy(Asked):
    """Settings as docs/recommend.md describes them; `worth` by accept, open, read."""

    name: str = Field(min_length=1, max_length=80)
    alpha: float = Field(0.0, ge=0, le=1)
    floor: float = Field(0.0, ge=0, le=0.2)
    top: int = Field(10, ge=2, le=10)
    holdout: float = Field(0.05, ge=0, le=0.2)
    holdout_from: int = Field(500, ge=0, le=10_000_000)
    worth: dict[str, float] = Field(default_factory=lambda: dict(heads.WORTH))
    reason: str = Field("", max_length=300)


class PolicyAct(Asked):
    """gate, try, live, back (with a reason), discard."""

    what: Act
    reason: str = Field("", max_length=300)


class NewHoldout(Asked):
    """The share of physicians' fortnights that get no suggestion, from the next plans on."""

    holdout: float = Field(ge=0, le=0.2)
    holdout_from: int = Field(500, ge=0, le=10_000_000)
    reason: str = Field("", max_length=300)


@bp.get("/policies")
def list_policies() -> Response:
    """All versions, newest first, with gate, trial and end."""
    with parts().db.reading() as session:
        return jsonify(items=[policy_json(row) for row in policies.listing(session)])


@bp.post("/policies")
@answers(201)
@allow(*WRITERS, token=True)
def create_policy() -> tuple[Response, int]:
    """A draft; ask for the gate, then try it, before it may go live."""
    asked, here, who = body(NewPolicy), parts(), auth.actor()
    with here.db.transaction() as session:
        settings = Settings(**asked.model_dump())
        row = policy_acts.draft(session, settings, by=who.key, now=here.clock())
        return jsonify(policy_json(row)), 201


@bp.post("/policies/holdout")
@answers(201)
@allow(*WRITERS, token=True)
def change_holdout() -> tuple[Response, int]:
    """The live policy with another holdout, live at once: it changes no suggestion."""
    asked, here, who = body(NewHoldout), parts(), auth.actor()
    with here.db.transaction() as session:
        row = policy_acts.hold_out(
            session, asked.holdout, asked.holdout_from, by=who.key, reason=asked.reason,
            now=here.clock(),
        )  # fmt: skip
        return jsonify(policy_json(row)), 201


@bp.get("/policies/<int:version>")
def get_policy(version: int) -> Response:
    """One version."""
    with parts().db.reading() as session:
        return jsonify(policy_json(policies.by_version(session, version)))


@bp.post("/policies/<int:version>/act")
@allow(*WRITERS, token=True)
def act_on_policy(version: int) -> Response:
    """Judge it (a worker does, GET shows the answer), try it, make it live, go back, discard."""
    asked, here, who = body(PolicyAct), parts(), auth.actor()
    with here.db.transaction() as session:
        row = policy_acts.act(
            session, version, asked.what, by=who.key, now=here.clock(), reason=asked.reason
        )
        return jsonify(policy_json(row))


@bp.get("/lift")
def get_lift() -> Response:
    """What suggestions add over the holdout; null where there is too little to say anything."""
    here = parts()
    with here.db.reading() as session:
        found = lifted(session, here.clock())
    return jsonify(
        opened=found.opened.as_json(), contacted=found.contacted.as_json(), days=found.days,
        by_brand=[{"brand": name, **one.as_json()} for name, one in found.by_brand.items()],
        ripe={"suggested": found.ripe[0], "held": found.ripe[1]},
        waiting={"suggested": found.waiting[0], "held": found.waiting[1]},
        first=found.first and found.first.isoformat(),
    )  # fmt: skip


def policy_json(row: Policy) -> dict[str, Any]:
    """For systems."""
    moments = ("created_at", "canary_at", "live_at", "ended_at")
    return {
        "version": row.version, "name": row.name, "state": str(row.state), "alpha": row.alpha,
        "floor": row.floor, "top": row.top, "holdout": row.holdout,
        "holdout_from": row.holdout_from, "worth": row.worth, "author": row.author,
        "reason": row.reason, "gate": row.gate, "canary": row.canary, "share": row.share,
        "ended": row.ended,
        **{name: at.isoformat() if (at := getattr(row, name)) else None for name in moments},
    }  # fmt: skip
