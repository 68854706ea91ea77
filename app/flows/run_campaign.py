"""A campaign is due: its audience, minus whom we may not contact, in the campaign's way."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, content, delivery, identity, links, reps, segments
from app.campaigns import Campaign, CampaignWay, ScheduleRun
from app.consent import ContactFacts
from app.content import ContentVersion, Usable
from app.delivery import Way
from app.flows.permission import Standing, standings
from app.flows.plan_day import Contact, consider, end_of_day, store
from app.identity.models import Identifier, Kind
from app.infra.clock import local
from app.recommend import Candidate
from app.reps import Rep


def run_campaign(
    session: Session, campaign: Campaign, run: ScheduleRun, *, app_id: str, base_url: str,
    now: datetime,
) -> None:  # fmt: skip
    """Plan one run; sizes and reasons are stored on the run."""
    version = content.usable_version(session, campaign.content_id, now)
    if version is None:
        run.state, run.error, run.finished_at = "failed", "内容不可使用", now
        return
    wanted = segments.members(session, campaign.expression, now)
    left_out: Counter[str] = Counter()
    if campaign.way == CampaignWay.OA_MESSAGE:
        planned = _by_account(
            session, campaign, run, version, wanted, left_out, app_id, base_url, now
        )
    else:
        planned = _by_reps(session, campaign, run, version, wanted, left_out, base_url, now)
    run.planned, run.left_out = planned, dict(left_out)
    run.state, run.finished_at = "done", now


def _by_reps(
    session: Session,
    campaign: Campaign,
    run: ScheduleRun,
    version: ContentVersion,
    wanted: set[str],
    left_out: Counter[str],
    base_url: str,
    now: datetime,
) -> int:
    shared: dict[int, list[str]] = defaultdict(list)
    people = {rep.id: rep for rep in reps.active_reps(session)}
    for one_id in sorted(wanted):
        known = reps.rep_for(session, one_id)
        if known is None:
            left_out["no_rep"] += 1
        else:
            shared[known[1].id].append(one_id)
    usable = Usable(version, None, content.tags_of(session, version.content_id))
    planned = 0
    for rep_id, one_ids in sorted(shared.items()):
        rep = people[rep_id]
        considered = consider(session, rep, now, only=[usable], wanted=set(one_ids))
        left_out.update(considered.left_out)
        if campaign.way == CampaignWay.GROUP_TASK:
            for candidate in considered.candidates:
                contact = considered.contacts[candidate.person]
                _group_task(session, campaign, run, version, rep, contact, base_url, now)
            planned += len(considered.candidates)
        else:
            planned += _suggest(session, campaign, run, rep, considered.candidates,
                                considered.contacts, base_url, now)  # fmt: skip
    return planned


def _suggest(
    session: Session,
    campaign: Campaign,
    run: ScheduleRun,
    rep: Rep,
    candidates: list[Candidate[str]],
    contacts: dict[str, Contact],
    base_url: str,
    now: datetime,
) -> int:
    ranked = sorted(candidates, key=lambda c: (-c.fit.score, c.order))[: rep.daily_limit]
    made = store(
        session, rep, ranked, contacts, plan_key=f"campaign:{campaign.id}:{run.id}:{rep.id}",
        day=local(now).date(), base_url=base_url, campaign_id=campaign.id, now=now,
    )  # fmt: skip
    return len(made)


def _group_task(
    session: Session,
    campaign: Campaign,
    run: ScheduleRun,
    version: ContentVersion,
    rep: Rep,
    contact: Contact,
    base_url: str,
    now: datetime,
) -> None:
    link = links.create_link(
        session, version.id, identifier_id=contact.identifier.id, rep_id=rep.id,
        campaign_id=campaign.id, channel="group_task", now=now,
    )  # fmt: skip
    physician = identity.get_physician(session, contact.one_id)
    delivery.queue(
        session, way=Way.GROUP_TASK, dedupe_key=f"campaign:{run.id}:{contact.identifier.id}",
        payload={
            "corp_id": rep.corp_id,
            "userid": rep.userid,
            "external_userid": contact.identifier.value,
            "text": f"{physician.name or '医生'}您好，这份资料供您参考：",
            "link": {
                "title": version.title,
                "desc": version.summary,
                "url": f"{base_url}/t/{link.token}",
            },
        },
        rep_id=rep.id, identifier_id=contact.identifier.id, campaign_id=campaign.id,
        content_version_id=version.id, counts_as_contact=True, not_after=end_of_day(now), now=now,
    )  # fmt: skip


def _by_account(
    session: Session,
    campaign: Campaign,
    run: ScheduleRun,
    version: ContentVersion,
    wanted: set[str],
    left_out: Counter[str],
    app_id: str,
    base_url: str,
    now: datetime,
) -> int:
    rows = session.scalars(
        select(Identifier)
        .where(
            Identifier.one_id.in_(wanted),
            Identifier.kind == Kind.OPENID,
            Identifier.namespace == app_id,
        )
        .order_by(Identifier.id)
    )
    followers = {row.one_id: row for row in rows if row.value}
    left_out["not_following"] += len(wanted) - len(followers)
    known, rules = standings(session, list(followers), "oa", now), consent.rules(session)
    planned = 0
    for one_id, row in followers.items():
        verdict = consent.may_contact(_facts(known[one_id]), rules, now)
        if not verdict.allowed:
            left_out[verdict.reasons[0].code] += 1
            continue
        link = links.create_link(
            session, version.id, identifier_id=row.id, campaign_id=campaign.id, channel="oa",
            now=now,
        )  # fmt: skip
        delivery.queue(
            session, way=Way.OA_TEXT, dedupe_key=f"campaign:{run.id}:{row.id}",
            payload={
                "app_id": app_id,
                "openid": row.value,
                "title": version.title,
                "text": version.summary,
                "url": f"{base_url}/t/{link.token}",
            },
            identifier_id=row.id, campaign_id=campaign.id, content_version_id=version.id,
            counts_as_contact=True, verdict=verdict.as_json(now), not_after=end_of_day(now),
            now=now,
        )  # fmt: skip
        planned += 1
    return planned


def _facts(known: Standing) -> ContactFacts:
    return ContactFacts(
        permitted=known.permitted, opted_out=known.opted_out, content_usable=True,
        follows=True, contacted_at=known.contacted_at,
    )  # fmt: skip
