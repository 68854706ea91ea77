"""The tracked page `/t/<token>`: what a physician reads, how long, and what they decide there.

The token is the only key: 96 random bits that name one content for one recipient. An opening is
counted when a person's browser asks for the page; previews by the rep inside WeCom and known
robots are not counted. Reading time comes from the page's script.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app import content, links
from app.content import ContentVersion
from app.flows.followers.own_link import send_own
from app.flows.pages import meetings, page_read, preferences
from app.flows.planning.reasons_now import reasons_of
from app.infra.clock import local
from app.links import TrackedLink
from app.recommend import Suggestion
from app.recommend.day.way import Wished
from app.web import language, reasons
from app.web.context import parts
from app.web.limits import hidden, limiter
from app.web.policy import Policy, default_policy

bp = Blueprint("links", __name__, url_prefix="/t")
default_policy(bp, Policy(protected_by="an unguessable token for one recipient"))

ROBOTS = re.compile(r"(?i)bot\b|spider|crawl|preview|slurp|facebookexternalhit")
MAX_PROGRESS_BYTES = 2048


WISHES = {
    Wished.REP: _l("由代表一对一发给我"),
    Wished.ACCOUNT: _l("由公众号发给我"),
    Wished.ANY: _l("都可以"),
}


@dataclass(frozen=True, slots=True)
class Page:
    """What the article template shows."""

    version: ContentVersion
    html: str
    minutes: int
    host: str


@bp.get("/<token>")
def show(token: str) -> Response | str | tuple[str, int]:
    """The article; a kind page when it is over; 404 for an unknown token."""
    here = parts()
    now = here.clock()
    with here.db.transaction() as session:
        link = _link(session, token)
        version = content.get_version(session, link.content_version_id)
        problem = content.problem(session, version, now)
        if problem or now >= link.expires_at:
            other = content.replacement(session, version.content_id, now)
            return render_template("physician/over.html", problem=problem, other=other), 410
        visit = _open(session, link, now)
        paused = preferences.is_paused(session, link)
        page = page_of(version)
        coming, outdated = meetings.said(session, link, version)
        known = link.identifier_id is not None
    return render_template(
        "physician/article.html", page=page, token=token, visit=visit, paused=paused,
        coming=coming, outdated=outdated, known=known,
    )  # fmt: skip


@bp.post("/<token>/meeting")
def answer_meeting(token: str) -> Response:
    """Coming, or not; the newest answer counts."""
    here = parts()
    now = here.clock()
    with here.db.transaction() as session:
        link = _link(session, token)
        version = content.get_version(session, link.content_version_id)
        if not content.problem(session, version, now):
            meetings.answer(session, link, version, request.form.get("coming") == "yes", now)
    return redirect(f"{url_for('links.show', token=token)}#meeting")  # type: ignore[return-value]


@bp.post("/<token>/progress")
def progress(token: str) -> tuple[str, int]:
    """Reading progress from the page's script."""
    if (request.content_length or 0) > MAX_PROGRESS_BYTES:
        abort(413)
    body = request.get_json(force=True, silent=True)
    if not isinstance(body, dict):
        abort(400)
    visible_s, depth = body.get("visible_s"), body.get("depth_pct")
    if not isinstance(visible_s, int | float) or not isinstance(depth, int | float):
        abort(400)
    here = parts()
    now = here.clock()
    with here.db.transaction() as session:
        link = _link(session, token)
        view = links.open_page(
            session, link.id, str(body.get("visit", "")), agent=_agent(), now=now
        )
        if view is None:
            abort(400)
        page_read.page_progressed(
            session, link, view, visible_s=float(visible_s), depth_pct=int(depth), now=now
        )
    return "", 204


@bp.get("/<token>/why")
def why(token: str) -> str:
    """Why this was recommended to the reader."""
    here = parts()
    with here.db.reading() as session:
        link = _link(session, token)
        suggestion = session.get(Suggestion, link.suggestion_id) if link.suggestion_id else None
        said = reasons_of(session, suggestion, here.clock()) if suggestion else []
        told = reasons.to_reader(said)
        version = content.get_version(session, link.content_version_id)
    return render_template("physician/why.html", token=token, reasons=told, version=version)


@bp.route("/<token>/pause", methods=["GET", "POST"])
def pause(token: str) -> Response | str:
    """Stop or resume what we send."""
    here = parts()
    if request.method == "POST":
        with here.db.transaction() as session:
            stop = request.form.get("action") == "stop"
            preferences.set_paused(session, _link(session, token), stop, here.clock())
        return redirect(url_for("links.pause", token=token))  # type: ignore[return-value]
    with here.db.reading() as session:
        link = _link(session, token)
        paused, wished = preferences.is_paused(session, link), preferences.wish_of(session, link)
        known = link.identifier_id is not None
    return render_template(
        "physician/pause.html", token=token, paused=paused, wished=wished, wishes=WISHES,
        saved="saved" in request.args, known=known,
    )  # fmt: skip


@bp.post("/<token>/way")
def choose_way(token: str) -> Response:
    """How the reader wishes to be reached."""
    try:
        wished = Wished(request.form.get("way", ""))
    except ValueError:
        abort(400)
    here = parts()
    with here.db.transaction() as session:
        saved = preferences.set_wish(session, _link(session, token), wished, here.clock())
    return redirect(  # type: ignore[return-value]
        url_for("links.pause", token=token, saved=1 if saved else None)
    )


@bp.post("/<token>/rep")
@limiter.limit("5 per minute", key_func=lambda: hidden(request.path))  # a ward has one address
def call_rep(token: str) -> str:
    """Ask the rep to get in touch."""
    here = parts()
    with here.db.transaction() as session:
        done = preferences.call_rep(session, _link(session, token), here.clock())
    return render_template("physician/called.html", token=token, done=done)


@bp.post("/<token>/me")
@limiter.limit("5 per minute", key_func=lambda: hidden(request.path))
def own_link(token: str) -> str:
    """Send the link to the reader's own page where only the reader sees it: the page tells personal
    things, and this link may have been forwarded."""
    here = parts()
    with here.db.transaction() as session:
        reader = _link(session, token).identifier_id
        sent = send_own(session, reader, here.settings.yishu_base_url, here.clock())
    return render_template("physician/own_sent.html", token=token, sent=sent)


def page_of(version: ContentVersion) -> Page:
    """The page as the physician sees it, also for the console's preview."""
    minutes = max(1, round(content.reading_seconds(version.body) / 60))
    host = urlsplit(version.url).hostname or ""
    return Page(version, content.render(version.body), minutes, host)


def _link(session: Session, token: str) -> TrackedLink:
    link = links.find_link(session, token)
    if link is None:
        abort(404, _("这个链接不存在，可能没有复制完整。"))
    return link


def _open(session: Session, link: TrackedLink, now: datetime) -> str:
    visit = secrets.token_urlsafe(12)
    agent = _agent()
    if request.method == "GET" and agent not in ("wecom", "robot"):
        view = links.open_page(session, link.id, visit, agent=agent, now=now)
        if view is not None:
            page_read.page_opened(session, link, view, now)
    return visit if agent != "wecom" else ""


def _agent() -> str:
    text = request.headers.get("User-Agent", "")
    if "wxwork" in text.lower() or request.args.get("preview") == "rep":
        return "wecom"
    if ROBOTS.search(text):
        return "robot"
    return "wechat" if "MicroMessenger" in text else "other"


@bp.app_template_filter("day")
def day(at: datetime | date | None) -> str:
    """`11月23日` (with the year when it is not this one), in China."""
    if at is None:
        return ""
    there, here = local(at) if isinstance(at, datetime) else at, local(parts().clock())
    if language.choose() == language.ENGLISH:
        return f"{there:%-d %b}" + (f" {there.year}" if there.year != here.year else "")
    year = f"{there.year}年" if there.year != here.year else ""
    return f"{year}{there.month}月{there.day}日"


@bp.app_template_filter("last_day")
def last_day(end: datetime | None) -> str:
    """The last day of what is over at `end`: a content that is valid until midnight is so for the
    day before."""
    return day(end - timedelta(microseconds=1)) if end else ""
