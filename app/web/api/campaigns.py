"""POST|GET /campaigns, GET /campaigns/{id}, POST /campaigns/{id}/run|pause|resume."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest

from app import accounts, campaigns, identity, segments
from app.accounts.models import Role
from app.campaigns import Campaign, CampaignWay, CatchUp, Stage
from app.flows.campaigns.carry_out import carry_out
from app.flows.campaigns.stop_campaign import stop_campaign
from app.segments import Unparseable
from app.web import auth
from app.web.api import bp
from app.web.api.asking import Asked, RowId, answers, body
from app.web.context import parts
from app.web.policy import allow


class NewCampaign(Asked):
    """Content + tag expression + way + time (`at` once, `cron` again and again, or run by hand)."""

    name: str = Field(min_length=1, max_length=80)
    content_id: RowId
    expression: str = Field(min_length=1)
    way: CampaignWay = CampaignWay.SUGGESTION
    at: datetime | None = None
    cron: str = ""
    catch_up: CatchUp = CatchUp.LAST
    max_catch_up: int = campaigns.USUAL_CATCH_UP
    activate: bool = False


@bp.get("/campaigns")
def list_campaigns() -> Response:
    """All campaigns with their results, newest first."""
    with parts().db.reading() as session:
        return jsonify(items=[as_json(session, c) for c in campaigns.listing(session)])


@bp.post("/campaigns")
@answers(201)
@allow(Role.ADMIN, Role.MARKETER, token=True)
def create_campaign() -> tuple[Response, int]:
    """A draft; `activate` starts it."""
    asked = body(NewCampaign)
    here, who = parts(), auth.actor()
    now = here.clock()
    at = asked.at.replace(tzinfo=UTC) if asked.at and asked.at.tzinfo is None else asked.at
    try:
        with here.db.transaction() as session:
            campaign = campaigns.create(
                session, name=asked.name, content_id=asked.content_id,
                expression=asked.expression, way=asked.way, at=at, cron=asked.cron,
                author=who.key, now=now, catch_up=asked.catch_up, max_catch_up=asked.max_catch_up,
            )  # fmt: skip
            if asked.activate:
                campaigns.activate(session, campaign.id, now)
            accounts.audit(session, who.key, "campaign.created", "campaign", campaign.id, now=now)
            return jsonify(as_json(session, campaign)), 201
    except Unparseable as problem:
        raise BadRequest(f"expression: {problem}") from None


@bp.get("/campaigns/<int:campaign_id>")
def get_campaign(campaign_id: int) -> Response:
    """One campaign with its audience, runs and results."""
    here = parts()
    with here.db.reading() as session:
        campaign = campaigns.get(session, campaign_id)
        audience = segments.audience(session, campaign.expression, here.clock())
        told = as_json(session, campaign)
        told["audience"] = {"size": audience.size, "reps": audience.reps}
        return jsonify(told)


@bp.post("/campaigns/<int:campaign_id>/run")
@answers(202)
@allow(Role.ADMIN, Role.MARKETER, token=True)
def run_campaign(campaign_id: int) -> tuple[Response, int]:
    """Run now: planned at once, sent by the workers."""
    here, who = parts(), auth.actor()
    now = here.clock()
    with here.db.transaction() as session:
        run_id = campaigns.run_now(session, campaign_id, now)
        accounts.audit(session, who.key, "campaign.run", "campaign", campaign_id, now=now)
    with here.db.transaction() as session:
        carry_out(session, run_id, here.settings, here.clock())
    with here.db.reading() as session:
        return jsonify(as_json(session, campaigns.get(session, campaign_id))), 202


@bp.post("/campaigns/<int:campaign_id>/pause")
@allow(Role.ADMIN, Role.MARKETER, token=True)
def pause_campaign(campaign_id: int) -> Response:
    """Stop; queued messages are cancelled."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        stopped = stop_campaign(session, campaign_id, Stage.PAUSED, here.clock())
        accounts.audit(
            session, who.key, "campaign.paused", "campaign", campaign_id, now=here.clock()
        )
        return jsonify(as_json(session, campaigns.get(session, campaign_id)) | {"stopped": stopped})


@bp.post("/campaigns/<int:campaign_id>/resume")
@allow(Role.ADMIN, Role.MARKETER, token=True)
def resume_campaign(campaign_id: int) -> Response:
    """Start or go on."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        campaign = campaigns.activate(session, campaign_id, here.clock())
        accounts.audit(
            session, who.key, "campaign.started", "campaign", campaign_id, now=here.clock()
        )
        return jsonify(as_json(session, campaign))


def as_json(session: Session, campaign: Campaign) -> dict[str, Any]:
    """A campaign with schedule, runs and funnel."""
    schedule = campaigns.schedule_of(session, campaign.id)
    return {
        "id": campaign.id,
        "name": campaign.name,
        "content_id": campaign.content_id,
        "expression": campaign.expression,
        "way": campaign.way,
        "stage": campaign.stage,
        "cron": schedule.cron,
        "at": schedule.at.isoformat() if schedule.at else None,
        "catch_up": schedule.catch_up,
        "max_catch_up": schedule.max_catch_up,
        "next_due_at": schedule.next_due_at.isoformat() if schedule.next_due_at else None,
        "runs": [
            {
                "id": run.id, "due_at": run.due_at.isoformat(), "state": run.state,
                "planned": run.planned, "left_out": run.left_out, "error": run.error,
            }
            for run in campaigns.runs_of(session, campaign.id)
        ],
        "results": asdict(campaigns.results(session, campaign.id)),
        "identity_version": identity.version(session),
    }  # fmt: skip
