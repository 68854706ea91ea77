"""推送: content + audience + way + time, with the size in view; pause, run, results."""

from __future__ import annotations

from datetime import datetime

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import accounts, campaigns, content, identity, segments
from app.accounts.models import Role
from app.campaigns import Step
from app.content import Stage
from app.flows.campaigns.carry_out import carry_out
from app.flows.campaigns.preview_campaign import Preview, preview_campaign
from app.flows.campaigns.stop_campaign import stop_campaign
from app.infra.clock import SHANGHAI
from app.infra.errors import NotFound, Refused, YishuError
from app.segments import Unparseable
from app.web import auth
from app.web.console import bp
from app.web.console.words import CATCH_UPS
from app.web.context import parts
from app.web.numbers import row_number
from app.web.policy import STAFF, allow

WAYS = (
    ("suggestion", _l("给代表的建议"), _l("代表收到卡片，采用后再转发给医生")),
    ("group_task", _l("企业群发任务"), _l("代表在企业微信里确认后发送")),
    ("moment", _l("客户朋友圈"), _l("代表确认发表，只有选中的医生看得到；每人每月最多 4 条")),
    ("oa_message", _l("公众号消息"), _l("48 小时内与公众号有互动的医生可以收到")),
)
MOST_NAMES = 500
WAY_NAMES = {key: name for key, name, _hint in WAYS}


@bp.get("/campaigns/", endpoint="campaigns")
@allow(*STAFF)
def list_campaigns() -> str:
    """All pushes with their funnels."""
    with parts().db.reading() as session:
        rows = [
            (c, campaigns.results(session, c.id), campaigns.schedule_of(session, c.id))
            for c in campaigns.listing(session)
        ]
    return render_template("console/campaigns/campaigns.html", rows=rows, ways=WAY_NAMES)


@bp.route("/campaigns/new", methods=["GET", "POST"])
@allow(Role.ADMIN, Role.MARKETER)
def new_campaign() -> str | Response | tuple[str, int]:
    """Plan a push."""
    if request.method == "GET":
        return _form()
    here, who = parts(), auth.actor()
    form = request.form
    try:
        with here.db.transaction() as session:
            now = here.clock()
            chosen = form.get("content_id", "")
            campaign = campaigns.create(
                session,
                name=form.get("name", ""),
                content_id=row_number(chosen),
                expression=form.get("expression", ""),
                way=form.get("way", "suggestion"),
                at=_time(form.get("at", ""), now),
                cron=form.get("cron", "").strip(),
                catch_up=form.get("catch_up", campaigns.CatchUp.LAST),
                max_catch_up=_number(form.get("max_catch_up", "")),
                author=who.key,
                now=now,
            )
            accounts.audit(session, who.key, "campaign.created", "campaign", campaign.id, now=now)
    except (Unparseable, Refused) as problem:
        flash(str(problem), "error")
        return _form(), 400
    timed = form.get("at") or form.get("cron", "").strip()
    flash(_("已保存为草稿。确认人群后点“开始”。") if timed
          else _("已保存为草稿。确认人群后点“立即执行一次”。"), "success")  # fmt: skip
    return redirect(url_for("console.campaign", campaign_id=campaign.id))


@bp.get("/campaigns/reach")
@allow(*STAFF)
def campaign_reach() -> str:
    """What a push with these choices would do now; without a content the size alone. A fragment."""
    asked, here = request.args, parts()
    text, chosen = asked.get("expression", ""), asked.get("content_id", "")
    way = asked.get("way", "suggestion")
    try:
        with here.db.reading() as session:
            if not chosen.isdigit() or way not in WAY_NAMES:
                found = segments.audience(session, text, here.clock())
                return render_template("console/segments/_audience.html", audience=found)
            preview = _preview(session, text, int(chosen), way, name=asked.get("name", ""))
            return render_template("console/campaigns/_reach.html", preview=preview)
    except (Unparseable, Refused) as problem:
        return render_template("console/campaigns/_reach.html", problem=str(problem))


@bp.get("/campaigns/<int:campaign_id>", endpoint="campaign")
@allow(*STAFF)
def show_campaign(campaign_id: int) -> str:
    """One push: audience, runs, funnel."""
    here = parts()
    with here.db.reading() as session:
        campaign = campaigns.get(session, campaign_id)
        version = content.usable_version(session, campaign.content_id, here.clock())
        newest = content.versions_of(session, campaign.content_id)[0]
        schedule = campaigns.schedule_of(session, campaign_id)
        coming = campaigns.coming(schedule, here.clock())
        then = content.usable_version(session, campaign.content_id, coming[0]) if coming else None
        runs = campaigns.runs_of(session, campaign_id)
        return render_template(
            "console/campaigns/campaign.html",
            campaign=campaign,
            schedule=schedule,
            timed=bool(schedule.cron or schedule.at),
            coming=coming,
            audience=segments.audience(session, campaign.expression, here.clock()),
            version=version or then or newest,
            after=content.successors(session).get(version.id) if version else None,
            usable=version is not None,
            usable_then=then is not None,
            runs=runs,
            funnel=campaigns.results(session, campaign_id),
            to_come=campaigns.to_come(session, campaign_id),
            not_sent=campaigns.not_sent(session, campaign_id),
            lost=campaigns.lost_with_reps(session, campaign_id)
            if campaign.stage == campaigns.Stage.ACTIVE and not coming
            else 0,
            preview=None
            if version is None
            else _preview(
                session,
                campaign.expression,
                campaign.content_id,
                campaign.way,
                campaign_id,
                name=campaign.name,
            ),
            rules=segments.suppression.rules(session, campaign_id),
            lists=[row for row, _n in segments.lists.listing(session) if row.state == "ready"],
            segments=segments.saved.listing(session),
            used=campaigns.segments_of(session, [run.id for run in runs]),
            ways=WAY_NAMES,
            trail=accounts.audit_trail(session, "campaign", campaign_id),
            users=accounts.names(session),
        )


@bp.post("/campaigns/<int:campaign_id>/<action>")
@allow(Role.ADMIN, Role.MARKETER)
def act_on_campaign(campaign_id: int, action: str) -> Response:
    """Start, pause, finish or run now."""
    here, who = parts(), auth.actor()
    try:
        with here.db.transaction() as session:
            now = here.clock()
            told = _act(session, campaign_id, action, now)
            accounts.audit(session, who.key, f"campaign.{action}", "campaign", campaign_id, now=now)
        if isinstance(told, int):
            with here.db.transaction() as session:
                done = carry_out(session, told, here.settings, here.clock())
            told = _("已执行，结果见下方。") if done else _("已排队，轮到时执行。")
        flash(told, "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.campaign", campaign_id=campaign_id))


@bp.get("/campaigns/<int:campaign_id>/people/<step>")
@allow(*STAFF)
def campaign_people(campaign_id: int, step: str) -> str:
    """The names behind one figure of the funnel."""
    if step not in {known.value for known in Step}:
        raise NotFound(_("没有这一步。"))
    with parts().db.reading() as session:
        campaign = campaigns.get(session, campaign_id)
        who = campaigns.reached(session, campaign_id)[Step(step)]
        people = identity.physicians_by_id(session, who[:MOST_NAMES])
        return render_template(
            "console/campaigns/campaign_people.html",
            campaign=campaign,
            step=step,
            size=len(who),
            people=[people[one_id] for one_id in who[:MOST_NAMES]],
        )


def _preview(
    session: Session, expression: str, content_id: int, way: str, campaign_id: int | None = None,
    name: str = "",
) -> Preview:  # fmt: skip
    """What a run would do now."""
    here = parts()
    return preview_campaign(
        session,
        expression=expression,
        content_id=content_id,
        way=way,
        app_id=here.settings.oa_app_id,
        template_id=here.settings.oa_template_id,
        campaign_id=campaign_id,
        name=name,
        now=here.clock(),
    )


def _act(session: Session, campaign_id: int, action: str, now: datetime) -> str | int:
    if action == "start":
        campaigns.activate(session, campaign_id, now)
        return str(_("已开始。"))
    if action == "pause":
        stopped = stop_campaign(session, campaign_id, campaigns.Stage.PAUSED, now)
        return str(_("已暂停，取消了 %(n)s 条未发送的消息。", n=stopped))
    if action == "finish":
        stop_campaign(session, campaign_id, campaigns.Stage.FINISHED, now)
        return str(_("已结束。"))
    if action == "run":
        return campaigns.run_now(session, campaign_id, now)
    raise Refused(_("没有这个操作。"))


def _form() -> str:
    with parts().db.reading() as session:
        approved = content.listing(session, stage=Stage.APPROVED, limit=500)
        return render_template(
            "console/campaigns/campaign_form.html",
            given=request.values, ways=WAYS, catch_ups=CATCH_UPS,
            usual=campaigns.USUAL_CATCH_UP, most=campaigns.MOST_CATCH_UP,
            contents={version.content_id: version for version in approved}.values(),
        )  # fmt: skip


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and text.isascii() else campaigns.USUAL_CATCH_UP


def _time(text: str, now: datetime) -> datetime | None:
    """Raises Refused, also for the past: whoever mistypes it would send at once."""
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
    except ValueError:
        raise Refused(_("看不懂时间，请重新选择。")) from None
    if at <= now:
        raise Refused(_("这个时间已经过去。请选将来的时间；要马上发送，请留空，保存后手动执行。"))
    return at
