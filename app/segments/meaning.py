"""What the names in an expression mean now: tags, reps, campaigns, lists, and other segments.

A name that means nothing is refused with those that look most like it, and so is a tag that is out
of use: "nobody" would be the wrong answer for whom it spares, and "everybody" for who has it not. A
segment always means its newest version, so whoever names it follows it; a segment that would hold
itself is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, column, func, or_, select, table
from sqlalchemy.orm import Session

from app import tagging
from app.infra.clock import local
from app.infra.errors import Refused
from app.reps import Rep
from app.segments.facts import Meant
from app.segments.models import ListState, Segment, SegmentList
from app.segments.nodes import CampaignIs, ListIs, Node, SegmentIs, of_kind, rep_names, tag_names
from app.segments.parse import parse
from app.tagging.lexicon import LEXICON
from app.tagging.naming import most_alike

# Campaigns are above us; their names are all that an expression asks of them.
CAMPAIGNS = table("campaign", column("id"), column("name"))
MOST = 12
SORTS = {"tag": "标签", "rep": "代表", "campaign": "活动", "list": "名单", "segment": "人群"}


def meaning(session: Session, tree: Node, now: datetime, *, inside: Sequence[str] = ()) -> Meant:
    """What its names mean. Raises Refused for what does not exist, has expired, or holds itself.

    `inside`: names of the segments in which the expression stands.
    """
    segments = _segments(session, tree, tuple(inside))
    trees = [tree, *segments.values()]
    return Meant(
        {name: _tag_id(session, name) for one in trees for name in tag_names(one)},
        {name: _rep_ids(session, name) for one in trees for name in rep_names(one)},
        local(now).date(),
        {part.name: _list_id(session, part.name, now) for part in _all(trees, ListIs)},
        {part.name: _campaign_ids(session, part.name) for part in _all(trees, CampaignIs)},
        segments,
    )


def names(session: Session, sort: str, like: str = "") -> list[str]:
    """Names that may stand in an expression, those that hold `like` first, then what looks like it.
    Raises KeyError for no such sort."""
    known = _known(session, sort)
    folded = like.strip().lower()
    found = [name for name in known if folded in name.lower()]
    if len(found) < MOST and folded:
        found += [name for name in _alike(known, like, MOST) if name not in found]
    return found[:MOST]


def _all(trees: Iterable[Node], kind: type[Any]) -> Iterable[Any]:
    return (part for tree in trees for part in of_kind(tree, kind))


def _segments(session: Session, tree: Node, inside: tuple[str, ...]) -> dict[str, Node]:
    """The expressions of all segments that it names, and of those that these name."""
    found: dict[str, Node] = {}
    for part in of_kind(tree, SegmentIs):
        if part.name in inside:
            raise Refused(f"人群“{part.name}”会包含它自己，请改用别的条件。")
        if part.name in found:
            continue
        text = session.scalar(select(Segment.expression).where(Segment.name == part.name))
        if text is None:
            raise _unknown(session, "segment", part.name)
        inner = parse(text)
        found[part.name] = inner
        found |= _segments(session, inner, (*inside, part.name))
    return found


def _tag_id(session: Session, name: str) -> int:
    number = tagging.id_of(session, name)
    if number is None:
        raise _unknown(session, "tag", name, "请从词表中选择")
    if number in LEXICON.of(session).retired:  # nobody has it any more, whoever is meant by it
        raise Refused(f"标签“{name}”已停用，请在词表中恢复它，或从条件中去掉它。")
    return number


def _rep_ids(session: Session, name: str) -> frozenset[int]:
    named = or_(Rep.userid == name.lower(), Rep.name == name)
    found = frozenset(session.scalars(select(Rep.id).where(named)))
    if not found:
        raise _unknown(session, "rep", name)
    return found


def _campaign_ids(session: Session, name: str) -> frozenset[int]:
    found = session.scalars(select(CAMPAIGNS.c.id).where(CAMPAIGNS.c.name == name)).all()
    if not found:
        raise _unknown(session, "campaign", name)
    return frozenset(found)


def _list_id(session: Session, name: str, now: datetime) -> int:
    chosen = select(SegmentList.id, SegmentList.expires_at).where(
        SegmentList.name == name, SegmentList.state == ListState.READY
    )
    row = session.execute(chosen).first()
    if row is None:
        raise _unknown(session, "list", name)
    if row.expires_at is not None and row.expires_at <= now:
        raise Refused(f"名单“{name}”已过期，请延长有效期，或从条件中去掉它。")
    return int(row.id)


def _unknown(session: Session, sort: str, name: str, otherwise: str = "请检查名称") -> Refused:
    names = "、".join(_alike(_known(session, sort), name, 3))
    hint = f"相近的有：{names}" if names else otherwise
    return Refused(f"没有{SORTS[sort]}“{name}”，{hint}。")


def _alike(known: Sequence[str], name: str, limit: int) -> list[str]:
    numbered = [(one, at) for at, one in enumerate(known)]
    return [known[at] for at in most_alike(name, numbered, limit)]


def _known(session: Session, sort: str) -> list[str]:
    return _NAMES[sort](session)


def _listed(chosen: Select[Any]) -> Callable[[Session], list[str]]:
    return lambda session: [str(name) for name in session.scalars(chosen) if name]


_NAMES: Mapping[str, Callable[[Session], list[str]]] = {
    "tag": lambda session: [tag.name for tag in tagging.tags(session) if tag.active],
    "rep": _listed(select(func.coalesce(func.nullif(Rep.name, ""), Rep.userid)).order_by(Rep.name)),
    "campaign": _listed(
        select(CAMPAIGNS.c.name)
        .group_by(CAMPAIGNS.c.name)
        .order_by(func.max(CAMPAIGNS.c.id).desc())
    ),
    "list": _listed(
        select(SegmentList.name)
        .where(SegmentList.state == ListState.READY)
        .order_by(SegmentList.id.desc())
    ),
    "segment": _listed(select(Segment.name).order_by(Segment.name)),
}
