"""洞察: what suggestions and contents brought."""

from __future__ import annotations

from datetime import timedelta

from flask import render_template
from sqlalchemy import case, distinct, func, select

from app import identity, reps
from app.content import ContentVersion
from app.links import PageView, TrackedLink
from app.recommend import State, Suggestion
from app.web.console import bp
from app.web.context import parts
from app.web.policy import STAFF, allow

DAYS = 30


@bp.get("/insights/")
@allow(*STAFF)
def insights() -> str:
    """Thirty days by rep and by content."""
    here = parts()
    since = here.clock() - timedelta(days=DAYS)
    with here.db.reading() as session:
        by_rep = session.execute(
            select(
                Suggestion.rep_id,
                func.count().label("planned"),
                func.count(Suggestion.delivered_at).label("delivered"),
                func.sum(case((Suggestion.state == State.ADOPTED, 1), else_=0)).label("adopted"),
                func.sum(case((Suggestion.state == State.REFUSED, 1), else_=0)).label("refused"),
                func.count(Suggestion.forwarded_at).label("opened"),
            )
            .where(Suggestion.created_at > since)
            .group_by(Suggestion.rep_id)
        ).all()
        by_content = session.execute(
            select(
                ContentVersion.id,
                ContentVersion.title,
                func.count(distinct(TrackedLink.id)).label("sent"),
                func.count(distinct(PageView.link_id)).label("opened"),
                func.count(distinct(case((PageView.read_at.is_not(None), PageView.link_id)))).label(
                    "read"
                ),
                func.avg(PageView.visible_s).label("seconds"),
            )
            .join(TrackedLink, TrackedLink.content_version_id == ContentVersion.id)
            .outerjoin(PageView, PageView.link_id == TrackedLink.id)
            .where(TrackedLink.created_at > since)
            .group_by(ContentVersion.id, ContentVersion.title)
            .order_by(func.count(distinct(PageView.link_id)).desc())
            .limit(40)
        ).all()
        return render_template(
            "console/insights.html", by_rep=by_rep, by_content=by_content,
            reps=reps.reps_by_id(session), days=DAYS, identity_version=identity.version(session),
        )  # fmt: skip
