"""What a campaign would do now, without doing anything."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import content, identity, segments
from app.campaigns import CampaignWay
from app.content import ContentVersion
from app.flows.campaigns.audience import Reach, reach
from app.flows.planning.suggestion_card import card
from app.flows.sending.material import about, greeting
from app.identity import Physician
from app.infra.errors import Refused
from app.recommend import Suggestion
from app.recommend.fit.forms import Form

SAMPLE = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """`size`: for whom the expression holds. `planned`: who is reached now, over `reps` reps.

    `example`: the message that one of them whose name we know (or their rep) would get; `days`:
    over how many working days a rep's suggestions are spread.
    """

    size: int
    planned: int
    reps: int
    days: int
    sample: Sequence[Physician]
    left_out: Mapping[str, int]
    example: Mapping[str, Any] | None


def preview_campaign(
    session: Session,
    *,
    expression: str,
    content_id: int,
    way: str,
    app_id: str,
    template_id: str = "",
    campaign_id: int | None = None,
    name: str = "",
    now: datetime,
) -> Preview:
    """Size, names, reasons and an example, which says the campaign's `name`. Raises Unparseable,
    Refused."""
    version = content.usable_version(session, content_id, now)
    if version is None:
        raise Refused("所选内容还没有批准，或不在有效期内。")
    found = reach(
        session, expression, CampaignWay(way), version, now,
        app_id=app_id, template_id=template_id, campaign_id=campaign_id,
    )  # fmt: skip
    everybody = found.people or sorted(segments.members(session, expression, now))
    mixed = sorted(everybody, key=lambda one_id: hashlib.sha256(one_id.encode()).digest())[:SAMPLE]
    people = identity.physicians_by_id(session, mixed)
    sample = [people[one_id] for one_id in mixed]
    return Preview(
        size=found.size, planned=found.planned,
        reps=sum(1 for share in found.shares if share.size),
        days=max((len(share.by_day) for share in found.shares), default=0),
        sample=sample, left_out=dict(found.left_out),
        example=_example(found, CampaignWay(way), version, sample, name),
    )  # fmt: skip


def _example(
    found: Reach, way: CampaignWay, version: ContentVersion, sample: Sequence[Physician], name: str
) -> dict[str, Any] | None:
    if not found.planned or not sample:
        return None
    to = next((one for one in sample if one.name), sample[0])
    if way is CampaignWay.SUGGESTION:
        one = Suggestion(id=0, position=1, reasons=[Form.PUSH.say(name=name or "…")])
        return {"card": card(one, to, version, total=0, list_url="")}
    said = about(version)
    text = greeting(to, version) if way is CampaignWay.GROUP_TASK else said
    return {"text": text, "title": version.title, "summary": said}
