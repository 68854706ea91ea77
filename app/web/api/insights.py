"""GET /insights/days, /insights/days/{userid}, /insights/contents, /insights/coverage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Literal

from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session

from app import reps
from app.content import Stage
from app.flows.insight import contents, coverage, tomorrow
from app.flows.insight import day as days
from app.flows.insight import row as rows
from app.flows.insight.coverage import STEPS, By
from app.flows.insight.figures import STEPS as OF_CONTENT
from app.flows.insight.figures import Figures
from app.infra.clock import local
from app.infra.errors import NotFound
from app.recommend.policy.shares import Rate
from app.reps import Rep
from app.web.api import bp
from app.web.api.asking import Asked, Position, RowId, query
from app.web.context import parts

Days = Annotated[int, Field(ge=1, le=365)]
Day = Annotated[date, Field(ge=date(2000, 1, 1), lt=date(2200, 1, 1))]


class DayQuery(Asked):
    """`day` in China, today when it is not given; `team` "" is for reps without one."""

    day: Day | None = None
    team: str | None = None
    limit: int = Field(100, ge=1, le=500)
    offset: Position = 0


class RepDayQuery(Asked):
    """`preview`: also what would be planned now, and who is left out by name; it takes longer."""

    day: Day | None = None
    preview: bool = False


class ContentsQuery(Asked):
    """The last `days` days."""

    days: Days = 28
    q: str = ""
    brand: RowId | None = None
    stage: Stage | None = None
    team: str | None = None
    sort: Literal["shown", "adopted", "rate", "refused", "sent", "opening", "opened", "read"] = (
        "shown"
    )
    limit: int = Field(100, ge=1, le=500)
    offset: Position = 0


class CoverageQuery(Asked):
    """Groups of physicians by one attribute, or by rep."""

    by: By = By.SPECIALTY
    days: Days = 28


@bp.get("/insights/days")
def insight_days() -> Response:
    """A day of all reps, or of a team: total, teams, items[] by rep."""
    asked = query(DayQuery)
    here = parts()
    day = asked.day or local(here.clock()).date()
    with here.db.reading() as session:
        found = days.of_day(session, day, team=asked.team)
    lines = found.lines[asked.offset : asked.offset + asked.limit]
    return jsonify(
        day=day.isoformat(), total_figures=_figures(found.total), total=len(found.lines),
        teams={team: _figures(figures) for team, figures in found.teams.items()},
        items=[
            {"rep": line.rep.userid, "team": line.rep.team, "planned": line.plan is not None,
             **_figures(line.figures)}
            for line in lines
        ],
    )  # fmt: skip


@bp.get("/insights/days/<userid>")
def insight_rep_day(userid: str) -> Response:
    """One rep's day: items[] with reasons, parts of the score, card and state."""
    asked = query(RepDayQuery)
    here = parts()
    at = here.clock()
    day = asked.day or local(at).date()
    with here.db.reading() as session:
        rep = reps.find_rep(session, here.settings.wecom_corp_id, userid)
        if rep is None:
            raise NotFound("没有这位代表。")
        line = days.of_rep(session, rep, day)
        told: dict[str, Any] = {
            "rep": rep.userid, "day": day.isoformat(), "planned": line.plan is not None,
            "figures": _figures(line.figures),
            "items": [_row(row) for row in rows.of_day(session, rep.id, day)],
        }  # fmt: skip
        if asked.preview and day >= local(at).date():
            told |= _live(session, rep, line, day)
    return jsonify(told)


@bp.get("/insights/contents")
def insight_contents() -> Response:
    """What came of each content version; rates with their 95 % intervals."""
    asked = query(ContentsQuery)
    here = parts()
    with here.db.reading() as session:
        found = contents.contents(
            session, here.clock(), asked.days, text=asked.q, brand_id=asked.brand,
            stage=asked.stage or "", sort=asked.sort, team=asked.team,
        )  # fmt: skip
    lines = found.lines[asked.offset : asked.offset + asked.limit]
    return jsonify(
        since=found.since.isoformat(), total=len(found.lines), total_figures=_content(found.total),
        items=[
            {
                "version_id": line.version.id, "content_id": line.version.content_id,
                "title": line.version.title, "stage": line.version.stage,
                **_content(line.figures), "beside_place": line.beside_place,
                "nobody_adopts": line.nobody, "worn": line.worn is not None,
            }
            for line in lines
        ],
    )  # fmt: skip


@bp.get("/insights/coverage")
def insight_coverage() -> Response:
    """Who is reached, group by group; alarms[] are groups that surely get much less; brands[]."""
    asked = query(CoverageQuery)
    here = parts()
    with here.db.reading() as session:
        found = coverage.coverage(session, asked.by, here.clock(), asked.days)
        brands = coverage.brand_shares(session, here.clock(), asked.days)
    return jsonify(
        by=asked.by, items=[_group(group) for group in found.groups], total=_group(found.total),
        alarms=[
            {"key": alarm.group.key, "step": alarm.step, "share": _rate(alarm.short.mine),
             "others": _rate(alarm.short.others)}
            for alarm in found.alarms
        ],
        brands=[
            {"brand": one.brand.key, "contacts": one.contacts, "opened": one.opened,
             "wanted": one.wanted}
            for one in brands
        ],
    )  # fmt: skip


def _live(session: Session, rep: Rep, line: days.RepDay, day: date) -> dict[str, Any]:
    """What would be planned, before it is; and who is left out, by ONE ID."""
    at = parts().clock()
    if line.plan is not None:
        return {"left_out": tomorrow.left_out(session, rep, day, at)}
    found = tomorrow.preview(session, rep, day, at)
    return {
        "would": [
            {
                "one_id": row.candidate.person, "title": row.title, "reasons": row.reasons,
                "content_id": row.candidate.fit.piece.content_id,
                "score": round(row.candidate.fit.score, 4), "attention": round(row.paid, 4),
                "card_at": row.card_at.isoformat() if row.card_at else None,
            }
            for row in found.rows
        ],
        "left_out": found.out,
    }  # fmt: skip


def _row(row: rows.Row) -> dict[str, Any]:
    one = row.suggestion
    return {
        "id": one.id, "one_id": row.physician.one_id if row.physician else None,
        "content_id": one.content_id, "title": row.title, "position": one.position,
        "score": round(one.score, 4), "attention": row.paid, "reasons": one.reasons,
        "parts": [{"tag": p.tag or None, "other": p.other or None, "value": p.value}
                  for p in row.parts],
        "state": one.state, "refusal": one.refusal, "campaign_id": one.campaign_id,
        "card_at": row.card.not_before.isoformat() if row.card else None,
        "card_state": row.card.state if row.card else None,
    }  # fmt: skip


def _figures(figures: days.Figures) -> dict[str, Any]:
    return {
        "reps": figures.reps, "without_plan": figures.without_plan,
        "considered": figures.considered, "suggested": figures.planned, "shown": figures.shown,
        "open": figures.open, "states": dict(figures.states), "pushed": figures.pushed,
        "left_out": dict(figures.left_out),
        "attention": {"suggestions": figures.paying, "paid": round(figures.paid, 4)},
    }  # fmt: skip


def _content(figures: Figures) -> dict[str, Any]:
    return {
        **{step: getattr(figures, step) for step in OF_CONTENT},
        "refusals": {key or "none": n for key, n in figures.refusals.items()},
        "waiting": figures.waiting,
        "adoption": _rate(figures.adoption), "opening": _rate(figures.opening),
        "median_s": figures.median_s,
        "places": {str(n): {"shown": shown, "adopted": adopted}
                   for n, (shown, adopted) in sorted(figures.places.items())},
    }  # fmt: skip


def _group(group: coverage.Group) -> dict[str, Any]:
    return {"key": group.key, **{step: getattr(group, step) for step in ("connected", *STEPS)}}


def _rate(rate: Rate) -> dict[str, Any] | None:
    """None of nothing; `few`: too few to say anything."""
    if rate.share is None:
        return None
    ends: Sequence[float] = (rate.share, rate.low, rate.high)
    share, low, high = (round(value, 4) for value in ends)
    return {"share": share, "low": low, "high": high, "few": rate.few}
