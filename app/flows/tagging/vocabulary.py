"""Changes of the vocabulary that move what is asserted: merge, split, back again.

Each is a version. Everything that names a tag goes on working: a merged tag stands for the one it
was merged into, in names of sources, expressions, codes and approved contents, whose tags are
sealed. So nothing of that is rewritten, and taking a version back has nothing to put right there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.flows.tagging import tag_cards
from app.flows.tagging.tag_uses import Carriers, Uses, carriers, uses
from app.infra.errors import NotFound, Refused
from app.segments import suppression
from app.tagging import LEXICON, Tag, by_key, moving, versions
from app.tagging.differences import reversed_on
from app.tagging.document import Document, Name
from app.tagging.editing import like, merged, names_moved
from app.tagging.models import TagAssertion, TagMigration, VocabularyVersion
from app.tagging.moving import Part
from app.tagging.naming import fold


@dataclass(frozen=True, slots=True)
class Share:
    """What goes to the tag `to`: from one source or all, with one of these words in the evidence or
    whatever it says."""

    to: str
    source: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What a migration would do: everything that uses the tag; `to`: key → who goes there;
    `stay`: with whom it stays."""

    uses: Uses
    to: list[tuple[str, Carriers]]
    stay: Carriers


def edit(
    session: Session, change: versions.Edit, *, actor: str, note: str = "", kind: str = "edit",
    may_mirror: bool = True, now: datetime,
) -> VocabularyVersion | None:  # fmt: skip
    """A change that moves nothing; None when there is none. `may_mirror`: the actor may also say
    what is mirrored in WeCom. Raises Refused."""

    def checked(document: Document) -> Document:
        after = change(document)
        if not may_mirror:
            _refuse_mirroring(document, after)
        return after

    before = versions.begin(session, now)
    version = _change(session, checked, actor=actor, note=note, kind=kind, now=now)
    if version is not None:
        _refuse_if_spares(session, before, versions.document_of(version))
    return version


def _refuse_if_spares(session: Session, before: Document, after: Document) -> None:
    """While it is asked for, nobody could say any more whom a rule spares: all would be."""
    gone = [tag for tag in before.tags if tag.active and not after.by_key[tag.key].active]
    ids = {row.id for tag in gone if (row := by_key(session, tag.key)) is not None}
    if ids and (names := suppression.by_tags(session, ids)):
        raise Refused(f"排除规则中的人群“{'、'.join(names)}”用到这个标签，请先修改它们，再停用。")


def refuse_stale(session: Session, key: str, base: int | None) -> None:
    """Raises Refused when somebody has changed the tag since version `base`."""
    newer = versions.changed_since(session, key, base) if base is not None else None
    if newer:
        raise Refused(f"版本 {newer} 刚刚改过这个标签，请刷新后再改，您的修改没有保存。")


def preview(session: Session, key: str, shares: Sequence[Share], rest: str = "") -> Preview:
    """What `merge` (no shares, `rest` the target) or `split` would do. Raises NotFound, Refused."""
    tag, parts = _tag(session, key), _parts(session, shares, rest)
    moving.check_may(session, tag.id, parts)
    moving_on = moving.destined(tag.id, parts).subquery()
    to = []
    for name in dict.fromkeys([*(share.to for share in shares), *filter(None, [rest])]):
        mine = moving_on.c.target_id == _tag(session, name).id
        to.append((name, carriers(session, select(moving_on.c.identifier_id).where(mine))))
    stays = select(TagAssertion.identifier_id).where(
        TagAssertion.tag_id == tag.id, TagAssertion.superseded_at.is_(None),
        TagAssertion.id.not_in(select(moving_on.c.id)),
    )  # fmt: skip
    stay = Carriers() if rest else carriers(session, stays)  # the rest is everything else
    return Preview(uses(session, tag.id, tag.key), to, stay)


def merge(
    session: Session, key: str, into: str, *, actor: str, note: str = "", now: datetime
) -> VocabularyVersion:
    """From now on the first tag is the second. Raises NotFound, Refused."""
    tag, target = _tag(session, key), _tag(session, into)
    version = _change(
        session, lambda document: merged(document, key, into), actor=actor,
        note=note or f"“{tag.name}”并入“{target.name}”", kind="merge", now=now,
    )  # fmt: skip
    assert version is not None
    moving.move(session, version.number, tag.id, [Part(target.id)], now=now)
    return version


def split(
    session: Session,
    key: str,
    shares: Sequence[Share],
    *,
    rest: str = "",
    actor: str,
    note: str = "",
    now: datetime,
) -> VocabularyVersion:
    """Let parts of what is asserted about a tag go to others, and the rest to `rest`, which the
    tag then stands for; without it the tag keeps the rest. Raises NotFound, Refused."""
    if not shares:
        raise Refused("请写明哪些标注要分到哪个标签。")
    tag, parts = _tag(session, key), _parts(session, shares, rest)
    if any(part.to == tag.id for part in parts):
        raise Refused("请选择别的标签作为拆分的去向。")
    version = _change(
        session, lambda document: _divided(document, key, shares, rest), actor=actor,
        note=note or f"拆分“{tag.name}”", kind="split", always=True, now=now,
    )  # fmt: skip
    assert version is not None
    moving.move(session, version.number, tag.id, parts, now=now)
    return version


def undo(session: Session, number: int, *, actor: str, now: datetime) -> VocabularyVersion:
    """Take one version back, as a newer one. Raises Refused when a later one built on it."""
    versions.begin(session, now)
    version = versions.get(session, number)
    if number <= 1 or version.kind == "start":
        raise Refused("第一个版本之前没有词表，不能撤销。")
    mine = [one for one in moving.of_version(session, number) if one.undone_in is None]
    for migration in mine:
        if (later := moving.later_on(session, migration)) is not None:
            raise Refused(f"版本 {later.version} 又移动了这些标注，请先撤销版本 {later.version}。")
    before = versions.document_of(versions.get(session, number - 1))
    after = versions.document_of(version)

    def back(document: Document) -> Document:
        result, kept = reversed_on(document, before, after)
        if kept:
            names = "、".join(dict.fromkeys(one.name for one in kept[:5]))
            raise Refused(
                f"“{names}”在版本 {number} 之后又改过，请先撤销后来的版本，或回到某一版。"
            )
        return result

    made = _change(
        session, back, actor=actor, note=f"撤销版本 {number}", kind="undo", always=bool(mine),
        now=now,
    )  # fmt: skip
    if made is None:
        raise Refused(f"版本 {number} 已经撤销过了。")
    for migration in reversed(mine):
        moving.take_back(session, migration, made.number, now)
    return made


def roll_back(session: Session, number: int, *, actor: str, now: datetime) -> VocabularyVersion:
    """The vocabulary and what is asserted as version `number` left them, as a newer version."""
    versions.begin(session, now)
    wanted = versions.document_of(versions.get(session, number))
    here = moving.standing(session, versions.newest_number(session))
    there = moving.standing(session, number)
    back, again = _without(here, there), _without(there, here)
    made = _change(
        session, lambda document: like(document, wanted), actor=actor,
        note=f"回到版本 {number}", kind="rollback", always=bool(back or again), now=now,
    )  # fmt: skip
    if made is None:
        raise Refused(f"现在的词表和版本 {number} 没有区别。")
    for migration in reversed(back):
        moving.take_back(session, migration, made.number, now)
    for migration in again:
        moving.again(session, migration, made.number, now)
    return made


def _change(
    session: Session, change: versions.Edit, *, now: datetime, **how: Any
) -> VocabularyVersion | None:
    """Every change goes this way: what reps may not read any more leaves the cards that wait."""
    versions.begin(session, now)
    before = LEXICON.of(session).hidden_names
    version = versions.change(session, change, now=now, **how)
    hidden = LEXICON.of(session).hidden_names - before
    if hidden:
        tag_cards.hide(session, hidden)
    return version


def _refuse_mirroring(before: Document, after: Document) -> None:
    for tag in after.tags:
        was = before.by_key.get(tag.key)
        if tag.mirrored != (was is not None and was.mirrored):
            raise Refused(f"“{tag.name}”是否同步到企业微信，由管理员或市场人员决定。")


def _without(some: list[TagMigration], others: list[TagMigration]) -> list[TagMigration]:
    """Those that do what none of the others does."""
    known = {one.origin_id or one.id for one in others}
    return [one for one in some if (one.origin_id or one.id) not in known]


def _divided(document: Document, key: str, shares: Sequence[Share], rest: str) -> Document:
    tag = document.by_key[key]
    if not tag.active:
        raise Refused("只能拆分使用中的标签。")
    for share in shares:
        words = set(map(fold, share.words))
        wanted: set[Name] = {
            (source, raw) for source, raw in tag.names
            if (raw in words if words else source == share.source != "")
        }  # fmt: skip
        if share.source and not words:  # what this source calls so is the other tag from now on
            wanted.add((share.source, tag.own_name[1]))
        document = names_moved(document, key, wanted, share.to)
    if not rest:
        return document
    return merged(document, key, rest)


def _parts(session: Session, shares: Sequence[Share], rest: str) -> list[Part]:
    parts = [Part(_tag(session, s.to).id, s.source, s.words) for s in shares]
    if any(not part.source and not part.texts for part in parts):
        raise Refused("每一部分都要写明来源，或标注里出现的字词；其余的用“其余的归到”。")
    return [*parts, Part(_tag(session, rest).id)] if rest else parts


def _tag(session: Session, key: str) -> Tag:
    tag = by_key(session, key)
    if tag is None:
        raise NotFound(f"没有标签“{key}”。")
    return tag
