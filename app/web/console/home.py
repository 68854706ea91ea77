"""今日: is it running, what waits for me, what did it bring."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import render_template
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import (
    campaigns,
    completeness,
    consent,
    content,
    court,
    delivery,
    feedback,
    inbox,
    linkage,
    tagging,
)
from app.accounts.models import Role
from app.content import Stage
from app.court import Viewer
from app.flows.allowed.own_day import own_day
from app.flows.insight.overview import funnel
from app.flows.planning.reasons_now import reasons_now
from app.identity import Physician, physicians_by_id
from app.identity.models import Identifier
from app.infra.clock import local
from app.journey import Happened, Touchpoint
from app.recommend import Suggestion
from app.web import auth
from app.web.console import bp, visible
from app.web.context import parts

SHOWN, NEWEST, WEEK = 3, 6, 7


@bp.get("/")
def home() -> str:
    """The first page after the login; a rep sees today's list."""
    here = parts()
    now = here.clock()
    who = auth.actor()
    with here.db.reading() as session:
        if who.role is Role.REP and who.rep_id is not None:
            return _rep_home(session, who.rep_id, now)
        return render_template(
            "console/home.html",
            inbox=inbox.count_by_state(session),
            oldest=inbox.oldest_pending(session),
            hour=_received(session, now - timedelta(hours=1)),
            sends=delivery.count_by_state(session),
            left=delivery.count_left(session),
            complete=completeness.figures(session, now),
            stages=content.count_by_stage(session),
            unmapped=len(tagging.unmapped(session, 1000)),
            cases=court.pace(session, Viewer(who.key, who.role), now, now),
            leaving=consent.leaving(session),
            claims=feedback.claims.count_open(session),
            proposals=feedback.rules.count_proposed(session),
            alike=linkage.pace(session, who.key, now, now).left,
            next_send=_next_send(session),
            waiting=content.listing(session, stage=Stage.IN_REVIEW, limit=SHOWN)[:SHOWN],
            reads=_reads(session),
            pushes=[
                (c, campaigns.results(session, c.id)) for c in campaigns.listing(session)[:SHOWN]
            ],
            this_week=funnel(session, now, WEEK),
            last_week=funnel(session, now - timedelta(days=WEEK), WEEK),
        )


def _rep_home(session: Session, rep_id: int, now: datetime) -> str:
    today = own_day(session, rep_id, local(now).date())
    told = reasons_now(session, today, now)
    rows = [(row, *_about(session, row), told[row.id]) for row in today]
    who = auth.actor()
    cases = court.pace(session, Viewer(who.key, who.role, visible.limit()), now, now)
    return render_template("console/rep_home.html", rows=rows, cases=cases)


def _about(session: Session, row: Suggestion) -> tuple[Physician | None, str]:
    identifier = session.get_one(Identifier, row.identifier_id)
    people = physicians_by_id(session, [identifier.one_id])
    title = content.get_version(session, row.content_version_id).title
    return people.get(identifier.one_id), title


def _next_send(session: Session) -> datetime | None:
    queued = delivery.Dispatch.state == delivery.State.QUEUED
    return session.scalar(select(func.min(delivery.Dispatch.not_before)).where(queued))


def _reads(session: Session) -> list[tuple[Physician, str, datetime]]:
    """Who read what to the end, newest first."""
    rows = session.execute(
        select(Identifier.one_id, Touchpoint.content_version_id, Touchpoint.at)
        .join(Identifier, Identifier.id == Touchpoint.identifier_id)
        .where(Touchpoint.kind == Happened.CONTENT_READ)
        .order_by(Touchpoint.at.desc(), Touchpoint.id.desc())
        .limit(NEWEST)
    ).all()
    people = physicians_by_id(session, [row.one_id for row in rows])
    titles = content.titles(session, [row.content_version_id for row in rows])
    return [
        (people[row.one_id], titles[row.content_version_id], row.at)
        for row in rows
        if row.one_id in people and row.content_version_id in titles
    ]


def _received(session: Session, since: datetime) -> int:
    rows = select(func.count()).where(inbox.InboxEvent.received_at > since)
    return session.scalar(rows) or 0
