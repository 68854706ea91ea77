"""Our tags against the corp's own list: what is made, adopted, renamed, gone, or to be deleted.

What is there by the same name is adopted and not doubled. What an administrator changes is shown
and not fought over: a tag that he deleted is not made again, and one that he renamed keeps his
name, until somebody here decides otherwise (`repair`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.orm import Session

from app.infra.db import insert_once
from app.reps.models import Rep, RepContact
from app.tagging import naming
from app.tagging.mirror.corp_tags import Listed
from app.tagging.mirror.marks import forget_tag, hold_plan, keep, wake
from app.tagging.mirror.mirror_models import MarkSide, MirrorPlan, MirrorState, TagMark, TagMirror
from app.tagging.mirror.mirror_rules import Mark
from app.tagging.mirror.mirrored import MAPPED, chosen_tags
from app.tagging.models import Source, Tag, TagAssertion, TagCategory

LONGEST = 30  # characters that WeCom takes
LIST_EVERY, SOON = timedelta(minutes=10), timedelta(seconds=60)
TOO_LONG = f"名称超过 {LONGEST} 个字，企业微信放不下，请缩短后重试"
NOT_OURS = "这个企业标签是管理员建的，请管理员在企业微信里改名"


@dataclass(slots=True)
class Steps:
    """What the platform is to be asked for. `make`: group → our tag → name."""

    make: dict[str, dict[int, str]] = field(default_factory=dict)
    rename: list[TagMirror] = field(default_factory=list)
    delete: list[TagMirror] = field(default_factory=list)


def is_list_due(session: Session, now: datetime) -> bool:
    """Whether the corp's list is to be read: now and then, and when there is something to do."""
    plan = session.get(MirrorPlan, 1)
    if plan is None or plan.listed_at is None or now - plan.listed_at >= LIST_EVERY:
        return True
    if _is_new(session) or _has_ended(session):
        return True
    missing = select(TagMark.tag_id).where(TagMark.missing_at >= plan.listed_at).limit(1)
    if session.scalar(missing) is not None:
        return True
    open_states = (MirrorState.PLANNED, MirrorState.MAKING)
    unfinished = select(TagMirror.id).where(TagMirror.state.in_(open_states)).limit(1)
    return session.scalar(unfinished) is not None and now - plan.listed_at >= SOON


def look_at_list(session: Session) -> None:
    """Something is wrong with a tag: the list is read again."""
    session.execute(update(MirrorPlan).values(listed_at=None))


def compare_list(session: Session, corp_id: str, listed: Iterable[Listed], now: datetime) -> Steps:
    """Bring our view up to date with the corp's list as it is now; returns what is to be done."""
    plan = hold_plan(session)
    there = {tag_id: (name, group) for tag_id, name, group in listed}
    chosen = chosen_tags(session)
    rows = {row.tag_id: row for row in session.scalars(_of(corp_id).with_for_update())}
    steps = Steps()
    named = session.execute(
        select(Tag, TagCategory.name)
        .join(TagCategory, TagCategory.key == Tag.category_key)
        .where(Tag.id.in_(chosen | rows.keys()))
        .order_by(Tag.id)
    )
    for tag, group in named.all():
        row = rows.get(tag.id) or _planned(session, corp_id, tag.id, now)
        if tag.id in chosen:
            _wanted(session, row, tag.name, group, there, steps, now)
        else:
            _ending(session, row, there, steps, now)
    plan.listed_at = now
    session.flush()
    MAPPED.changed(session)
    return steps


def made(session: Session, row: TagMirror, wecom_id: str, now: datetime) -> None:
    """WeCom has made the tag; whoever shall carry it can."""
    row.wecom_tag_id, row.made, row.state, row.error, row.at = (
        wecom_id, True, MirrorState.THERE, "", now
    )  # fmt: skip
    session.flush()
    _wake_all(session, row, now)
    MAPPED.changed(session)


def refused(session: Session, row: TagMirror, error: str, now: datetime, *, final: bool) -> None:
    """The platform did not do it; `final`: until somebody decides otherwise."""
    row.error, row.at = error[:500], now
    if final and not row.wecom_tag_id:
        row.state = MirrorState.REFUSED  # else: it may have been made, the list will say
    session.flush()


def list_failed(session: Session, now: datetime) -> None:
    """The list could not be read: again in a while."""
    hold_plan(session).listed_at = now - LIST_EVERY + SOON


def ended(session: Session, row: TagMirror) -> None:
    """Nothing of ours is left of it in WeCom."""
    marks = TagMark.tag_id == row.tag_id
    session.execute(update(TagMark).where(marks, _in(row.corp_id)).values(
        wanted=False, known=False, ours=False, writing=""
    ).execution_options(synchronize_session=False))  # fmt: skip
    session.delete(row)
    session.flush()
    MAPPED.changed(session)


def repair(session: Session, now: datetime) -> int:
    """Do again whatever stands still: tags that are gone or were refused are made, names are ours,
    marks are tried. Returns how many tags and marks that concerns."""
    plan = hold_plan(session)
    number = 0
    for row in session.scalars(select(TagMirror).with_for_update()).all():
        if row.state in (MirrorState.GONE, MirrorState.REFUSED):
            row.state, row.wecom_tag_id, row.error, row.made = MirrorState.PLANNED, "", "", False
            number += 1
        elif row.state == MirrorState.RENAMED:
            row.state, row.error = MirrorState.THERE, "rename"
            number += 1
    failed = update(TagMark).where(TagMark.error != "").values(error="")
    contacts = list(session.scalars(failed.returning(TagMark.contact_id)))
    session.execute(update(MarkSide).where(MarkSide.error != "").values(due_at=now, attempts=0))
    wake(session, contacts, now)
    number += len(contacts)
    plan.full_at = plan.listed_at = None
    session.flush()
    MAPPED.changed(session)
    return number


def _wanted(
    session: Session,
    row: TagMirror,
    name: str,
    group: str,
    there: Mapping[str, tuple[str, str]],
    steps: Steps,
    now: datetime,
) -> None:
    if row.wecom_tag_id and row.wecom_tag_id not in there:
        if row.state != MirrorState.GONE:
            row.state, row.error, row.at = MirrorState.GONE, "", now
            forget_tag(session, row.corp_id, row.tag_id, now)
    elif row.wecom_tag_id:
        _named(row, name, there[row.wecom_tag_id], steps)
    elif len(name) > LONGEST:
        row.state, row.error, row.at = MirrorState.REFUSED, TOO_LONG, now
    elif row.state != MirrorState.REFUSED or row.error == TOO_LONG:
        found = _by_name(name, group, there)
        if found:
            _adopt(session, row, found, there[found], now)
        else:
            row.state, row.name, row.group_name, row.at = MirrorState.MAKING, name, group, now
            steps.make.setdefault(group, {})[row.tag_id] = name


def _named(row: TagMirror, name: str, shown: tuple[str, str], steps: Steps) -> None:
    """It is there: is it called as it should be?"""
    again = row.error == "rename"  # somebody wants our name back
    if shown[0] == name:
        row.name, row.state, row.error = name, MirrorState.THERE, ""
    elif shown[0] != row.name and not again:
        row.state = MirrorState.RENAMED
        row.error = f"管理员已改名为「{shown[0]}」"
    elif row.made:
        row.state, row.error = MirrorState.THERE, ""
        steps.rename.append(row)
    else:
        row.state, row.error = MirrorState.THERE, NOT_OURS
    row.group_name = shown[1] or row.group_name


def _ending(
    session: Session,
    row: TagMirror,
    there: Mapping[str, tuple[str, str]],
    steps: Steps,
    now: datetime,
) -> None:
    if not row.wecom_tag_id or row.wecom_tag_id not in there:
        ended(session, row)
        return
    row.state = MirrorState.ENDING
    if _count(session, row, TagMark.ours | (TagMark.writing != "") | TagMark.wanted):
        _wake_all(session, row, now)
    elif row.made and not _count(session, row, TagMark.known.is_(True)):
        steps.delete.append(row)
    else:  # an administrator's, or people carry it by their own wish: it stays
        ended(session, row)


def _adopt(
    session: Session, row: TagMirror, wecom_id: str, shown: tuple[str, str], now: datetime
) -> None:
    row.made = row.state == MirrorState.MAKING  # our own call, whose answer was lost
    row.wecom_tag_id, (row.name, row.group_name) = wecom_id, shown
    row.state, row.error, row.at = MirrorState.THERE, "", now
    session.flush()
    _note_carriers(session, row, now)
    _wake_all(session, row, now)


def _note_carriers(session: Session, row: TagMirror, now: datetime) -> None:
    """Whoever carries it by a person's wish does so, and not by ours."""
    carried = session.execute(
        select(RepContact.id, RepContact.rep_id, TagAssertion.ref)
        .join(TagAssertion, TagAssertion.identifier_id == RepContact.identifier_id)
        .join(Rep, Rep.id == RepContact.rep_id)
        .where(Rep.corp_id == row.corp_id, TagAssertion.tag_id == row.tag_id)
        .where(TagAssertion.source == Source.WECOM_TAG, TagAssertion.superseded_at.is_(None))
        .where(TagAssertion.raw.in_(("", naming.fold(row.name))))
    )
    for contact_id, rep_id, ref in carried.all():
        if ref.startswith(f"rep:{rep_id}:"):
            was = session.get(TagMark, (contact_id, row.tag_id), populate_existing=True)
            wanted = was is not None and was.wanted
            keep(session, contact_id, row.tag_id, Mark(now, wanted=wanted, known=True))


def _by_name(name: str, group: str, there: Mapping[str, tuple[str, str]]) -> str:
    """The corp tag of this name, of the same group if there is one; "" for none."""
    same = [(shown[1] != group, tag_id) for tag_id, shown in there.items()
            if naming.fold(shown[0]) == naming.fold(name)]  # fmt: skip
    return min(same)[1] if same else ""


def _wake_all(session: Session, row: TagMirror, now: datetime) -> None:
    mine = select(TagMark.contact_id).where(TagMark.tag_id == row.tag_id)
    session.execute(
        update(MarkSide)
        .where(MarkSide.contact_id.in_(mine), MarkSide.due_at.is_(None))
        .values(due_at=now)
        .execution_options(synchronize_session=False)
    )


def _count(session: Session, row: TagMirror, which: ColumnElement[bool]) -> int:
    chosen = select(func.count()).select_from(TagMark).where(TagMark.tag_id == row.tag_id)
    return session.scalar(chosen.where(_in(row.corp_id), which)) or 0


def _in(corp_id: str) -> ColumnElement[bool]:
    mine = select(RepContact.id).join(Rep, Rep.id == RepContact.rep_id)
    return TagMark.contact_id.in_(mine.where(Rep.corp_id == corp_id))


def _planned(session: Session, corp_id: str, tag_id: int, now: datetime) -> TagMirror:
    values = {"corp_id": corp_id, "tag_id": tag_id, "wecom_tag_id": "", "name": "",
              "group_name": "", "made": False, "state": MirrorState.PLANNED, "error": "",
              "at": now}  # fmt: skip
    insert_once(session, TagMirror, values, "corp_id", "tag_id")
    return session.scalars(_of(corp_id).where(TagMirror.tag_id == tag_id)).one()


def _of(corp_id: str) -> Select[TagMirror]:
    return select(TagMirror).where(TagMirror.corp_id == corp_id)


def _is_new(session: Session) -> bool:
    """A tag is chosen that nobody has looked for, or is called otherwise than in WeCom."""
    rows = session.scalars(select(TagMirror)).all()
    names = dict(session.execute(select(Tag.id, Tag.name)).all()) if rows else {}
    known = {row.tag_id for row in rows}
    chosen = chosen_tags(session)
    return bool(chosen - known) or any(
        row.state == MirrorState.THERE and row.made and not row.error
        and row.name != names.get(row.tag_id, row.name) and row.tag_id in chosen
        for row in rows
    )  # fmt: skip


def _has_ended(session: Session) -> bool:
    """A tag is no longer chosen and none of our marks is left of it."""
    chosen = chosen_tags(session)
    left = [row for row in session.scalars(select(TagMirror)) if row.tag_id not in chosen]
    return any(
        row.state != MirrorState.ENDING
        or not _count(session, row, TagMark.ours | (TagMark.writing != "") | TagMark.wanted)
        for row in left
    )
