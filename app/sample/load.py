"""Loading the invented company: once, from a seed, through the product's own verbs."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import (
    accounts,
    campaigns,
    completeness,
    consent,
    content,
    identity,
    journey,
    links,
    reps,
    tagging,
)
from app.accounts.models import Role
from app.bootstrap import Parts
from app.connectors.wecom.types import Customer, Follower
from app.consent import Action
from app.content import ContentVersion
from app.delivery import Dispatch, Way
from app.delivery import State as Queued
from app.flows.menu_used import MENU
from app.flows.page_read import page_opened, page_progressed
from app.flows.plan_day import plan_day
from app.identity import Id, Identifier, Kind
from app.infra.clock import local
from app.journey import Happened
from app.recommend import State, Suggestion
from app.sample.library import BRANDS, SampleContent, contents
from app.sample.people import SamplePhysician, SampleRep, physicians
from app.sample.people import reps as sample_reps
from app.tagging import Source

SEED, PHYSICIANS, DAYS = 20261124, 600, 60
LOGINS = (
    ("admin", "管理员 示例", Role.ADMIN),
    ("marketer", "市场 示例", Role.MARKETER),
    ("reviewer", "医学审核 示例", Role.REVIEWER),
)
CODES = (
    ("wecom", "hall-af", "房颤专场展台", ("af", "b-conference")),
    ("wecom", "hall-lung", "肺癌专场展台", ("nsclc", "b-conference")),
    ("oa", "poster-bp", "高血压海报", ("hypertension",)),
    ("oa", "poster-lung", "肺癌海报", ("nsclc",)),
)
FIRST_CARDS_WAIT = timedelta(hours=12)
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Company:
    """What the loader made and needs along the way."""

    rng: random.Random
    now: datetime
    team: tuple[SampleRep, ...]
    people: tuple[SamplePhysician, ...]


def load(parts: Parts, say: Progress = lambda _text: None) -> dict[str, Any]:
    """Load the company unless it is there; returns the demonstration logins."""
    now = parts.clock()
    with parts.db.reading() as session:
        there = accounts.user_by_login(session, "admin") is not None
    today = local(now).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    rng = random.Random(SEED)  # noqa: S311  # repeatable on purpose
    team = sample_reps()
    people = physicians(rng, PHYSICIANS, team, today)
    if not there:
        company = Company(rng, now, team, people)
        _load_company(parts, company, say)
    _seed_sandbox(parts, team, people, say)
    logins = [{"login": login, "role": role.value} for login, _, role in LOGINS]
    return {
        "logins": [*logins, {"login": "rep01", "role": "rep"}],
        "password": accounts.DEMO_PASSWORD,
    }


def _load_company(parts: Parts, company: Company, say: Progress) -> None:
    """All of it in one transaction: a load that was interrupted has never happened."""
    known: dict[str, dict[str, Identifier]] = {}
    with parts.db.transaction() as session:
        say("标签库、品牌与内容")
        tagging.seed(session, company.now)
        versions = _publish(session, company)
        rows = _hire(session, parts, company)
        say(f"{len(company.people)} 位医生")
        for person in company.people:
            known[person.key] = _meet(session, parts, company, person, rows)
        say(f"{DAYS} 天的互动")
        for person in company.people:
            _live(session, company, person, known[person.key], versions, rows)
        say("建议与推送")
        _suggest(session, company, known, versions, rows)
        _account_for(session, company, rows)
        _plan_pushes(session, company)
        for rep in rows.values():
            day = local(company.now).date()
            base = parts.settings.yishu_base_url
            plan_day(session, rep, day, base_url=base, now=company.now)
        open_at_any_hour(session, company.now)


def open_at_any_hour(session: Session, now: datetime) -> None:
    """No quiet hours, and the first cards leave now: whoever tries the product does so whenever."""
    limits = consent.policy_row(session, now)
    limits.quiet_from_minute = limits.quiet_until_minute = 0
    session.execute(
        update(Dispatch)
        .where(Dispatch.way == Way.REP_CARD, Dispatch.state == Queued.QUEUED)
        .values(not_before=now, not_after=now + FIRST_CARDS_WAIT)
    )


def _publish(session: Session, company: Company) -> list[tuple[SampleContent, ContentVersion]]:
    brands = {key: content.add_brand(session, key, name, area).id for key, name, area in BRANDS}
    made = []
    for number, sample in enumerate(contents()):
        written = company.now - timedelta(days=75 - number % 60)
        tags = {}
        for name, weight in sample.tags:
            tag = tagging.map_name(session, "sample", name, written)
            if tag is None:
                raise LookupError(f"the starter vocabulary lacks {name}")
            tags[tag.id] = weight
        version = content.draft(
            session, author="user:2", tags=tags, now=written,
            brand_id=brands[sample.brand] if sample.brand else None,
            fields={
                "kind": "article", "title": sample.title, "summary": sample.summary,
                "body": sample.body, "author_name": sample.author,
                "sources": "虚构资料，仅用于演示。",
            },
        )  # fmt: skip
        _decide(session, version, number, written, company.now)
        if number < 72:
            made.append((sample, version))
    return made


def _decide(
    session: Session, version: ContentVersion, number: int, written: datetime, now: datetime
) -> None:
    """Most are approved; a few wait for review, are drafts, or are about to expire."""
    if number >= 77:
        return
    content.submit(session, version.id, now=written)
    if number >= 72:
        return
    ends = now + timedelta(days=5 if number % 24 == 0 else 180)
    content.approve(
        session, version.id, approver="user:3", approval_no=f"示例-{now.year}-{number + 1:03d}",
        valid_from=written, valid_until=ends, now=written + timedelta(hours=3),
    )  # fmt: skip


def _hire(session: Session, parts: Parts, company: Company) -> dict[str, reps.Rep]:
    corp = parts.settings.wecom_corp_id
    rows = {}
    for sample in company.team:
        rep = reps.ensure_rep(session, corp, sample.userid, name=sample.name, now=company.now)
        rep.team = sample.team
        rows[sample.userid] = rep
    for kind, scene, name, tags in CODES:
        links.create_code(
            session, kind=kind, scene=scene, name=name, tag_keys=tags, now=company.now
        )
    return rows


def _meet(
    session: Session,
    parts: Parts,
    company: Company,
    person: SamplePhysician,
    rows: dict[str, reps.Rep],
) -> dict[str, Identifier]:
    """Register a physician's identities as the sources would have brought them."""
    corp, app_id = parts.settings.wecom_corp_id, parts.settings.oa_app_id
    union = Id(Kind.UNIONID, "open", person.unionid)
    known: dict[str, Identifier] = {}
    if person.crm_id and person.licence_no:
        ids = [Id(Kind.LICENCE_NO, "", person.licence_no), Id(Kind.CRM_ID, "", person.crm_id)]
        phone = identity.make_id(Kind.PHONE, person.phone or "")
        crm = identity.observe(
            session, [*ids, *([phone] if phone else [])], event_key=f"sample:{person.key}:crm",
            source="crm.import", kind="crm_master", trust=80, at=person.since, now=person.since,
        )[0]  # fmt: skip
        values = {name: getattr(person, name) for name in identity.ATTRIBUTES}
        identity.describe(
            session, crm, values, source="crm.import", trust=80, at=person.since, now=person.since
        )
        _tag(session, crm, person.area, company.rng, person.since)
        known["crm"] = crm
    if person.external_userid:
        known["wecom"] = _befriend(session, corp, union, company, person, rows)
    if person.openid:
        row = identity.observe(
            session, [Id(Kind.OPENID, app_id, person.openid), union],
            event_key=f"sample:{person.key}:oa", source="oa.user_info", trust=90,
            at=person.since, now=person.since,
        )[0]  # fmt: skip
        phone = identity.make_id(Kind.PHONE, person.phone or "")
        if phone and not person.external_userid:  # bound on the account's sign-up page
            identity.observe(
                session, [Id(Kind.OPENID, app_id, person.openid), phone],
                event_key=f"sample:{person.key}:bound", source="oa.binding", trust=60,
                at=person.since, now=person.since,
            )  # fmt: skip
        consent.record(
            session, row.id, action=Action.GRANT, source="followed", channel="oa", at=person.since
        )
        journey.note(
            session, row.id, Happened.FOLLOWED, channel="oa", at=person.since,
            ref=f"sample:{person.key}:followed",
        )  # fmt: skip
        known["oa"] = row
    return known


def _befriend(
    session: Session,
    corp: str,
    union: Id,
    company: Company,
    person: SamplePhysician,
    rows: dict[str, reps.Rep],
) -> Identifier:
    assert person.external_userid is not None
    ids = [Id(Kind.WECOM_EXTERNAL_USERID, corp, person.external_userid), union]
    key = f"sample:{person.key}:wecom"
    row = identity.observe(
        session, ids, event_key=key, source="wecom.contact", trust=90, at=person.since,
        now=person.since,
    )[0]  # fmt: skip
    phone = identity.make_id(Kind.PHONE, person.phone or "")
    if phone and company.rng.random() < 0.95:
        identity.observe(
            session, [ids[0], phone], event_key=key, source="wecom.contact", trust=40,
            at=person.since, now=person.since,
        )  # fmt: skip
    identity.describe(
        session, row, {"name": person.name}, source="wecom.contact", trust=20, at=person.since,
        now=person.since,
    )  # fmt: skip
    for userid in person.rep_userids:
        reps.connect(session, rows[userid], row, since=person.since, now=company.now,
                     remark=f"{person.name} {person.department}",
                     mark=_mark(person, userid))  # fmt: skip
        journey.note(
            session, row.id, Happened.CONTACT_ADDED, channel="wecom", at=person.since,
            ref=f"{key}:{userid}", rep_id=rows[userid].id,
        )  # fmt: skip
    consent.record(
        session, row.id, action=Action.GRANT, source="added_rep", channel="wecom", at=person.since
    )
    return row


AREA_TAGS = {
    "心血管": ("af", "hypertension", "anticoagulation", "heart-failure", "elderly", "guideline",
               "p-lvanning", "p-shuyaping", "bp-monitoring", "combination"),
    "肿瘤": ("nsclc", "targeted", "gene-testing", "resistance", "mdt", "p-ruixintuo",
             "adverse-events", "guideline", "brain-metastasis"),
}  # fmt: skip
STAGES = ("stage-unaware", "stage-aware", "stage-trial", "stage-regular", "stage-advocate")


def _tag(session: Session, row: Identifier, area: str, rng: random.Random, at: datetime) -> None:
    keys = [*rng.sample(AREA_TAGS[area], 3), rng.choice(STAGES)]
    for key in keys:
        tag = tagging.by_key(session, key)
        assert tag is not None
        tagging.assert_tag(
            session, row.id, tag.id, source=Source.CRM, ref=f"crm:{key}",
            evidence=f"CRM 标签「{tag.name}」", at=at,
        )  # fmt: skip


def _live(
    session: Session,
    company: Company,
    person: SamplePhysician,
    known: dict[str, Identifier],
    versions: list[tuple[SampleContent, ContentVersion]],
    rows: dict[str, reps.Rep],
) -> None:
    """Two months: contents sent, opened and read according to the person's eagerness."""
    rng = company.rng
    own = [pair for pair in versions if pair[0].area == person.area]
    row = known.get("wecom") or known.get("oa")
    if row is None:
        return
    rep = rows[person.rep_userids[0]] if person.rep_userids else None
    for _ in range(rng.randrange(0, 7)):
        _, version = rng.choice(own)
        day = company.now - timedelta(days=rng.randrange(1, DAYS))
        hour = person.favourite_hour if rng.random() < 0.6 else rng.randrange(8, 22)
        at = local(day).replace(hour=hour, minute=rng.randrange(60)).astimezone(UTC)
        if version.decided_at is None or at < version.decided_at or at > company.now:
            continue
        link = links.create_link(
            session, version.id, identifier_id=row.id, rep_id=rep.id if rep else None,
            channel="wecom" if rep else "oa", now=at,
        )  # fmt: skip
        journey.note(
            session, row.id, Happened.CONTENT_SENT, channel=link.channel, at=at,
            ref=f"sample:link:{link.id}", rep_id=link.rep_id, content_version_id=version.id,
        )  # fmt: skip
        if rng.random() < person.eagerness + 0.2:
            _look(session, rng, link, at + timedelta(minutes=rng.randrange(1, 600)), company.now)


def _look(
    session: Session, rng: random.Random, link: links.TrackedLink, at: datetime, now: datetime
) -> None:
    if at > now:
        return
    key = f"sample{link.id:08d}"
    view = links.open_page(session, link.id, key, agent="wechat", now=at)
    if view is None:
        return
    page_opened(session, link, view, at)
    seconds = rng.choice((4, 9, 25, 40, 70, 110))
    page_progressed(
        session, link, view, visible_s=seconds, depth_pct=rng.choice((20, 45, 80, 100)),
        now=at + timedelta(seconds=seconds),
    )  # fmt: skip


ANSWERS = (State.ADOPTED, State.ADOPTED, State.ADOPTED, State.REFUSED, State.LATER,
           State.EXPIRED)  # fmt: skip


def _suggest(
    session: Session,
    company: Company,
    known: dict[str, dict[str, Identifier]],
    versions: list[tuple[SampleContent, ContentVersion]],
    rows: dict[str, reps.Rep],
) -> None:
    """What reps were suggested on the working days of two months, and what they answered."""
    rng = company.rng
    friends = [p for p in company.people if p.external_userid]
    for back in range(4, DAYS):
        day = local(company.now) - timedelta(days=back)
        if day.weekday() > 4:
            continue
        morning = day.replace(hour=9, minute=1, second=0, microsecond=0).astimezone(UTC)
        ready = [pair for pair in versions if pair[1].decided_at and pair[1].decided_at < morning]
        for position, person in enumerate(rng.sample(friends, 12), start=1):
            own = [pair for pair in ready if pair[0].area == person.area]
            if own:
                sample, version = rng.choice(own)
                rep = rows[person.rep_userids[0]]
                row = _past(rng, known[person.key]["wecom"], rep, sample, version, morning)
                row.position = position % 5 + 1
                session.add(row)
    session.flush()


def _past(
    rng: random.Random,
    identifier: Identifier,
    rep: reps.Rep,
    sample: SampleContent,
    version: ContentVersion,
    at: datetime,
) -> Suggestion:
    state = rng.choice(ANSWERS)
    answered = at + timedelta(minutes=rng.randrange(2, 300))
    adopted = state is State.ADOPTED
    return Suggestion(
        plan_key=f"sample:{at:%Y%m%d}:{identifier.id}", rep_id=rep.id,
        identifier_id=identifier.id, content_id=version.content_id,
        content_version_id=version.id, day=local(at).date(), score=round(rng.uniform(0.2, 0.9), 3),
        reasons=[f"CRM 记录关注「{sample.tags[0][0]}」", "还没有互动记录"],
        state=state, created_at=at, delivered_at=at + timedelta(seconds=40),
        answered_at=None if state is State.EXPIRED else answered,
        refusal=rng.choice(("content", "timing", "discussed")) if state is State.REFUSED else None,
        hidden_until=at + timedelta(days=7) if state is State.REFUSED else None,
        forwarded_at=answered if adopted and rng.random() < 0.7 else None,
    )  # fmt: skip


def _account_for(session: Session, company: Company, rows: dict[str, reps.Rep]) -> None:
    for login, name, role in LOGINS:
        accounts.create_user(
            session, login, name=name, password=accounts.DEMO_PASSWORD, role=role, now=company.now
        )
    accounts.create_user(
        session, "rep01", name=company.team[0].name, password=accounts.DEMO_PASSWORD, role=Role.REP,
        rep_id=rows["rep01"].id, now=company.now,
    )  # fmt: skip


def _plan_pushes(session: Session, company: Company) -> None:
    chosen = session.scalars(
        select(ContentVersion).where(ContentVersion.stage == content.Stage.APPROVED).limit(30)
    ).all()
    for name, expression, way, version, cron in (
        ("房颤抗凝月", "标签:房颤 且 企微好友", "suggestion", chosen[0], "5 10 * * mon"),
        ("肺癌靶向更新", "标签:非小细胞肺癌 且 关注公众号", "oa_message", chosen[17], ""),
    ):
        campaigns.create(
            session, name=name, content_id=version.content_id, expression=expression, way=way,
            at=None, cron=cron, author="user:2", now=company.now,
        )  # fmt: skip


def _seed_sandbox(
    parts: Parts, team: tuple[SampleRep, ...], people: tuple[SamplePhysician, ...], say: Progress
) -> None:
    """Give the simulated platforms the same people; real platforms know their own."""
    base = parts.settings.wecom_api_base.removesuffix("/wecom")
    if not parts.settings.yishu_demo or base == parts.settings.wecom_api_base:
        return
    say("手机页面里的人物")
    try:
        there = httpx.get(f"{base}/sandbox/world", timeout=30).json()
        if there.get("persons"):
            return
        world = _world(team, people)
        httpx.put(f"{base}/sandbox/world", json=world, timeout=60).raise_for_status()
        account = parts.outside.official_accounts[parts.settings.oa_app_id]
        account.create_menu(MENU)
        for kind, scene, _, _ in CODES:
            if kind == "oa":
                account.create_code(scene)
    except httpx.HTTPError as problem:
        raise RuntimeError(f"the sandbox did not take the people: {problem}") from None


def _world(team: tuple[SampleRep, ...], people: tuple[SamplePhysician, ...]) -> dict[str, Any]:
    persons = [_in_world(p) for p in people]
    persons.append(
        {"key": "new", "name": "新医生 示例", "title": "主治医师", "hospital": "云岭市中心医院",
         "unionid": "oUnewphysician0000000000000", "phone": "19955550000"}
    )  # fmt: skip
    relations = [_side_in_world(p, userid) for p in people for userid in p.rep_userids]
    groups = {
        "专科": ("房颤", "高血压", "非小细胞肺癌", "心力衰竭"),
        "学术兴趣": ("抗凝治疗", "靶向", "指南", "病例"),
        "跟进": ("A1", "A2", "A3", "重点客户"),
    }
    return {
        "members": [{"userid": rep.userid, "name": rep.name} for rep in team],
        "persons": persons,
        "relations": relations,
        "corp_tags": [
            {
                "group_id": f"etg{g}", "group_name": group,
                "tags": [{"id": f"et{g}{n}", "name": name} for n, name in enumerate(names)],
            }
            for g, (group, names) in enumerate(groups.items())
        ],
        "contact_ways": {
            scene: {"config_id": scene, "state": scene, "user": ["rep01"]}
            for kind, scene, _, _ in CODES
            if kind == "wecom"
        },
    }  # fmt: skip


def _in_world(person: SamplePhysician) -> dict[str, Any]:
    return {
        **{k: asdict(person)[k] for k in ("key", "name", "title", "hospital", "unionid")},
        "phone": person.phone or "",
        "external_userid": person.external_userid or "",
        "openid": person.openid or "",
        "follows_oa": bool(person.openid),
    }


def _side_in_world(person: SamplePhysician, userid: str) -> dict[str, Any]:
    return {
        "userid": userid, "external_userid": person.external_userid, "remark": person.name,
        "createtime": int(person.since.timestamp()), "add_way": 1,
        "remark_mobiles": [person.phone] if person.phone else [],
    }  # fmt: skip


def _mark(person: SamplePhysician, userid: str) -> bytes:
    """As if the contact had been read: then the first pull finds nothing to read again."""
    side = Follower.of(_side_in_world(person, userid))
    shown = {k: _in_world(person)[k] for k in ("external_userid", "name", "unionid")}
    return completeness.mark_of(Customer.of(shown, [side]), side)
