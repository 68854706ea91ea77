"""Where a tag is used: whom a change of the vocabulary reaches, with names, not only a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from app import autotag, identity, tagging
from app.campaigns import Campaign
from app.campaigns import Stage as CampaignStage
from app.content import ContentVersion, Stage
from app.content.models import VersionTag
from app.delivery import Dispatch, State
from app.identity import Identifier
from app.links import ChannelCode
from app.segments import Segment, Unparseable, parse, tag_names
from app.tagging.models import TagAssertion

SHOWN = 3
OVER = (CampaignStage.FINISHED,)


@dataclass(frozen=True, slots=True)
class Carriers:
    """How many physicians, and some of them by name."""

    size: int = 0
    sample: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Uses:
    """Everything outside the vocabulary that names a tag. `queued`: messages that wait to be sent
    with such a content or by such a push; what they say is fixed already."""

    people: Carriers
    sources: dict[str, int]
    contents: list[tuple[int, str, str]] = field(default_factory=list)  # id, title, stage
    segments: list[tuple[str, str]] = field(default_factory=list)  # name, expression
    campaigns: list[tuple[int, str]] = field(default_factory=list)  # id, name
    channels: list[str] = field(default_factory=list)
    rules: list[tuple[int, str]] = field(default_factory=list)  # id, name
    queued: int = 0
    refused: int = 0


def uses(session: Session, tag_id: int, key: str) -> Uses:
    """Where this tag is used now."""
    contents = _contents(session, tag_id)
    pushes = [
        row for row in session.scalars(select(Campaign).where(Campaign.stage.not_in(OVER)))
        if names_tag(session, row.expression, tag_id)
    ]  # fmt: skip
    rows = session.scalars(select(Segment).order_by(Segment.name))
    return Uses(
        people=carriers(session, _carrying(tag_id)), sources=_sources(session, tag_id),
        contents=[(row.content_id, row.title, row.stage) for row in contents],
        segments=[(s.name, s.expression) for s in rows if names_tag(session, s.expression, tag_id)],
        campaigns=[(row.id, row.name) for row in pushes],
        channels=[
            row.name for row in session.scalars(select(ChannelCode).order_by(ChannelCode.id))
            if key in row.tag_keys
        ],
        rules=autotag.naming_tag(session, tag_id),
        queued=_queued(session, [row.id for row in contents], [row.id for row in pushes]),
        refused=sum(tagging.refusals.counts(session, tag_id).values()),
    )  # fmt: skip


def names_tag(session: Session, expression: str, tag_id: int) -> bool:
    """Whether an expression speaks of this tag, by whatever name."""
    try:
        return any(tagging.id_of(session, name) == tag_id for name in tag_names(parse(expression)))
    except Unparseable:
        return False


def carriers(session: Session, identifiers: Select[int]) -> Carriers:
    """Who has these identifiers."""
    mine = Identifier.id.in_(identifiers)
    size = session.scalar(select(func.count(Identifier.one_id.distinct())).where(mine)) or 0
    chosen = select(Identifier.one_id).where(mine).group_by(Identifier.one_id)
    one_ids = session.scalars(chosen.order_by(func.max(Identifier.id).desc()).limit(SHOWN)).all()
    people = identity.physicians_by_id(session, one_ids)
    named = (people[one].name or one for one in one_ids if one in people)
    return Carriers(size, list(named))


def _carrying(tag_id: int) -> Select[int]:
    return select(TagAssertion.identifier_id).where(
        TagAssertion.tag_id == tag_id, TagAssertion.superseded_at.is_(None)
    )


def _sources(session: Session, tag_id: int) -> dict[str, int]:
    rows = session.execute(
        select(TagAssertion.source, func.count())
        .where(TagAssertion.tag_id == tag_id, TagAssertion.superseded_at.is_(None))
        .group_by(TagAssertion.source)
        .order_by(func.count().desc())
    )
    return {row[0]: row[1] for row in rows}


def _contents(session: Session, tag_id: int) -> Sequence[ContentVersion]:
    """The versions that are not over and carry the tag, or one that stands for it."""
    tagged = VersionTag.tag_id.in_(tagging.merged_into(session, [tag_id]))
    carry = select(VersionTag.version_id).where(tagged)
    return session.scalars(
        select(ContentVersion)
        .where(ContentVersion.id.in_(carry), ContentVersion.stage != Stage.WITHDRAWN)
        .order_by(ContentVersion.id.desc())
    ).all()


def _queued(session: Session, versions: Sequence[int], pushes: Sequence[int]) -> int:
    if not versions and not pushes:
        return 0
    about = or_(Dispatch.content_version_id.in_(versions), Dispatch.campaign_id.in_(pushes))
    waits = select(func.count()).select_from(Dispatch).where(Dispatch.state == State.QUEUED, about)
    return session.scalar(waits) or 0
