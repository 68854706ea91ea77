"""Physicians: how the sources brought them, and two months with the company."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from app import consent, identity, journey, links, reps, tagging
from app.bootstrap import Parts
from app.consent import Action
from app.flows.pages.page_read import page_opened, page_progressed
from app.identity import Id, Identifier, Kind
from app.infra.clock import local
from app.journey import Happened
from app.sample.company import DAYS, Company, Versions
from app.sample.people import SamplePhysician
from app.sample.sent import sent
from app.sample.world import mark_of
from app.tagging import Source

AREA_TAGS = {
    "心血管": ("af", "hypertension", "anticoagulation", "heart-failure", "elderly", "guideline",
               "p-lvanning", "p-shuyaping", "bp-monitoring", "combination"),
    "肿瘤": ("nsclc", "targeted", "gene-testing", "resistance", "mdt", "p-ruixintuo",
             "adverse-events", "guideline", "brain-metastasis"),
}  # fmt: skip
STAGES = ("stage-unaware", "stage-aware", "stage-trial", "stage-regular", "stage-advocate")


def meet(
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
            name=person.name,
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
                at=person.since, now=person.since, name=person.name,
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
                     mark=mark_of(person, userid))  # fmt: skip
        journey.note(
            session, row.id, Happened.CONTACT_ADDED, channel="wecom", at=person.since,
            ref=f"{key}:{userid}", rep_id=rows[userid].id,
        )  # fmt: skip
    consent.record(
        session, row.id, action=Action.GRANT, source="added_rep", channel="wecom", at=person.since
    )
    return row


def _tag(session: Session, row: Identifier, area: str, rng: random.Random, at: datetime) -> None:
    keys = [*rng.sample(AREA_TAGS[area], 3), rng.choice(STAGES)]
    for key in keys:
        tag = tagging.by_key(session, key)
        assert tag is not None
        tagging.assert_tag(
            session, row.id, tag.id, source=Source.CRM, ref=f"crm:{key}",
            evidence=f"CRM 标签「{tag.name}」", at=at,
        )  # fmt: skip


def live(
    session: Session,
    company: Company,
    person: SamplePhysician,
    known: dict[str, Identifier],
    versions: Versions,
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
        link = sent(session, version, row, rep, at)
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
