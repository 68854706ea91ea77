"""A campaign is due: its audience, minus whom we may not contact, in the campaign's way."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import campaigns, consent, content, delivery, identity, links
from app.campaigns import Campaign, CampaignWay, ScheduleRun
from app.consent import Rules
from app.content import ContentVersion
from app.delivery import Way
from app.flows.campaigns.audience import Follower, RepShare, reach
from app.flows.planning.suggest import Plan, end_of_day, suggest
from app.flows.sending.material import about, task_fields
from app.infra.clock import local

TEMPLATE_TITLE = 20  # what a `thing` field of a template holds


def run_campaign(
    session: Session, campaign: Campaign, run: ScheduleRun, *, app_id: str, base_url: str,
    now: datetime, template_id: str = "",
) -> None:  # fmt: skip
    """Plan one run; sizes and reasons are stored on the run."""
    version = content.usable_version(session, campaign.content_id, now)
    run.finished_at = now
    if version is None:
        run.state, run.error = "failed", "内容不可使用"
        return
    way = CampaignWay(campaign.way)
    found = reach(
        session, campaign.expression, way, version, now, app_id=app_id, template_id=template_id,
        campaign_id=campaign.id,
    )  # fmt: skip
    campaigns.note_segments(session, run, campaign.expression)
    number = sum(len(chosen) for share in found.shares for chosen in share.by_day.values())
    for share in found.shares:
        if way is CampaignWay.GROUP_TASK:
            _group_tasks(session, campaign, run, version, share, number, base_url, now)
        elif way is CampaignWay.MOMENT:
            _moment(session, campaign, run, version, share, base_url, now)
        else:
            _suggestions(session, campaign, run, share, base_url, now)
    for follower in found.followers:
        _account_message(
            session,
            campaign,
            run,
            version,
            follower,
            app_id,
            template_id,
            base_url,
            now,
            delivery.spread(now, f"{run.id}:{follower.row.id}", len(found.followers)),
        )
    run.planned, run.left_out, run.state = found.planned, dict(found.left_out), "done"


def _suggestions(
    session: Session,
    campaign: Campaign,
    run: ScheduleRun,
    share: RepShare,
    base_url: str,
    now: datetime,
) -> None:
    for day, chosen in share.by_day.items():
        plan = Plan(f"campaign:{campaign.id}:{run.id}:{share.rep.id}", day, base_url, campaign)
        suggest(session, share.rep, chosen, share.considered, plan, now)


def _group_tasks(
    session: Session,
    campaign: Campaign,
    run: ScheduleRun,
    version: ContentVersion,
    share: RepShare,
    number: int,
    base_url: str,
    now: datetime,
) -> None:
    rules = consent.rules(session)
    for chosen in share.by_day.values():
        people = identity.physicians_by_id(session, [c.person for c in chosen])
        values = identity.values_of(
            session, [share.considered.contacts[c.person].id for c in chosen]
        )
        for candidate in chosen:
            contact = share.considered.contacts[candidate.person]
            physician = people[candidate.person]
            verdict = share.considered.verdicts[candidate.person].as_json(now)
            link = links.create_link(
                session, version.id, identifier_id=contact.id, rep_id=share.rep.id,
                campaign_id=campaign.id, channel="group_task", now=now,
            )  # fmt: skip
            start = delivery.spread(now, f"{run.id}:{contact.id}", number)
            delivery.queue(
                session, way=Way.GROUP_TASK,
                dedupe_key=f"campaign:{run.id}:{contact.id}",
                payload={
                    "corp_id": share.rep.corp_id,
                    "userid": share.rep.userid,
                    **task_fields(
                        values[contact.id], physician, version, f"{base_url}/t/{link.token}"
                    ),
                },
                rep_id=share.rep.id, identifier_id=contact.id,
                campaign_id=campaign.id, content_version_id=version.id, counts_as_contact=True,
                verdict=verdict, not_before=start, not_after=_too_late(rules, start), now=now,
            )  # fmt: skip


def _moment(
    session: Session,
    campaign: Campaign,
    run: ScheduleRun,
    version: ContentVersion,
    share: RepShare,
    base_url: str,
    now: datetime,
) -> None:
    """One moment of this rep for everybody of the share; each is judged again before seeing it."""
    if not share.size:
        return
    link = links.create_link(
        session, version.id, rep_id=share.rep.id, campaign_id=campaign.id, channel="moment", now=now
    )
    moment = delivery.moments.plan_moment(
        session, belongs_to=f"campaign:{run.id}", rep_id=share.rep.id,
        content_version_id=version.id, url=f"{base_url}/t/{link.token}", campaign_id=campaign.id,
        now=now,
    )  # fmt: skip
    for chosen in share.by_day.values():
        for candidate in chosen:
            contact = share.considered.contacts[candidate.person]
            delivery.moments.show_to(session, moment, contact.id)
    delivery.moments.begin(moment, now)


def _account_message(
    session: Session,
    campaign: Campaign,
    run: ScheduleRun,
    version: ContentVersion,
    follower: Follower,
    app_id: str,
    template_id: str,
    base_url: str,
    now: datetime,
    not_before: datetime,
) -> None:
    row = follower.row
    link = links.create_link(
        session, version.id, identifier_id=row.id, campaign_id=campaign.id, channel="oa", now=now
    )
    url = f"{base_url}/t/{link.token}"
    payload: dict[str, Any] = {"app_id": app_id, "openid": row.value, "url": url}
    if follower.by_template:
        payload |= {
            "template_id": template_id,
            "data": {
                "thing1": {"value": version.title[:TEMPLATE_TITLE]},
                "time2": {"value": f"{local(now):%Y-%m-%d %H:%M}"},
            },
            "client_msg_id": f"yishu-{run.id}-{row.id}",
        }
    else:
        payload |= {"title": version.title, "text": about(version)}
    delivery.queue(
        session, way=Way.OA_TEMPLATE if follower.by_template else Way.OA_TEXT,
        dedupe_key=f"campaign:{run.id}:{row.id}", payload=payload, identifier_id=row.id,
        campaign_id=campaign.id, content_version_id=version.id, counts_as_contact=True,
        verdict=follower.verdict.as_json(now), not_before=not_before,
        not_after=_too_late(consent.rules(session), not_before), now=now,
    )  # fmt: skip


def _too_late(rules: Rules, start: datetime) -> datetime:
    """When what may go from `start` on, quiet hours aside, comes too late."""
    return end_of_day(consent.quiet_until(rules, start) or start)
