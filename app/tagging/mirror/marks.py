"""The marks of sides: what is wanted, what readings show, what was taken away.

Every function works in the caller's transaction. Who is looked at when, and the calls, are flows.

Locks: a side's row goes before its marks. Readings and calls write what is known, the plan writes
what is wanted, so neither overwrites the other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session

from app.identity.models import Identifier
from app.infra.db import insert_once
from app.reps.models import RelationState, Rep, RepContact
from app.tagging.assign import assert_tag, withdraw
from app.tagging.held import held
from app.tagging.mirror import mirror_rules as rules
from app.tagging.mirror.mirror_models import MarkSide, MirrorPlan, TagMark, TagMirror
from app.tagging.mirror.mirror_rules import Mark, Says
from app.tagging.mirror.mirrored import MAPPED, chosen_tags
from app.tagging.models import Source, TagAssertion
from app.tagging.read import lines_of
from app.tagging.shape import shape

STEPS = (rules.OFF, rules.ON)
AGAINST = -1.0


@dataclass(slots=True)
class SideRead:
    """What one side's reading says. `echoes`: corp tags on it that are ours and prove nothing."""

    echoes: set[str] = field(default_factory=set)
    again: bool = False


def hold_plan(session: Session) -> MirrorPlan:
    """The plan, alone until the transaction ends: so nothing is computed from what is old."""
    insert_once(session, MirrorPlan, {"id": 1, "generation": "", "upto": 0, "chosen": ""}, "id")
    return session.get_one(MirrorPlan, 1, with_for_update=True, populate_existing=True)


def plan_people(session: Session, one_ids: Sequence[str], now: datetime) -> int:
    """Say for these physicians what their sides shall carry; how many marks are wanted otherwise.

    Hold the plan first. Sides of relations that ended are forgotten: they cannot be written to.
    Those of a member who was put out of use stay as they are: our marks stand in WeCom, and are
    ours when the member comes back.
    """
    chosen = chosen_tags(session)
    sides = session.execute(_sides_of(one_ids)).all()
    _lock(session, [side.id for side in sides], nowait=True)  # whoever reads goes first
    marks = marks_of(session, [side.id for side in sides])
    lines, known = lines_of(session, one_ids), shape(session)
    strengths = {one: held(lines[one], known, now, STEPS).strengths for one in one_ids}
    changes = 0
    for side in sides:
        mine = marks.get(side.id, {})
        if side.state != RelationState.CONNECTED:
            forget_side(session, side.id)
            continue
        if not side.active:
            continue
        before = changes
        for tag_id in chosen | mine.keys():
            was = mine.get(tag_id)
            strength = strengths[side.one_id].get(tag_id, 0.0) if tag_id in chosen else 0.0
            wanted = rules.should(strength, was is not None and was.wanted)
            if wanted != (was is not None and was.wanted):
                changes += 1
                _want(session, side.id, tag_id, was, wanted, now)
        if changes > before:
            wake(session, [side.id], now)
    return changes


def read_side(
    session: Session,
    corp_id: str,
    contact_id: int,
    present: Collection[str],
    read_after: datetime,
    now: datetime,
) -> SideRead:
    """Take note of which corp tags a side carries, read later than `read_after`."""
    ours = MAPPED.of(session).get(corp_id, {})
    found = SideRead()
    if not ours:
        return found
    _lock(session, [contact_id])
    marks = marks_of(session, [contact_id]).get(contact_id, {})
    for wecom_id, tag_id in ours.items():
        row, shown = marks.get(tag_id), wecom_id in present
        if row is None and not shown:
            continue
        was = as_mark(row) if row is not None else None
        seen = rules.reading(was, shown, read_after, now)
        found.again |= seen.again
        if seen.says is Says.ECHO:
            found.echoes.add(wecom_id)
        if seen.mark is not None and seen.mark != was:
            keep(session, contact_id, tag_id, seen.mark)
            wake(session, [contact_id], now)
        if seen.returned:
            _take_back(session, contact_id, tag_id, now)
    return found


def own_marks(session: Session, contact_ids: Collection[int]) -> dict[int, dict[str, TagMark]]:
    """Of sides: corp tag id → mark, of those that we put there or may have put there."""
    if not MAPPED.of(session) or not contact_ids:
        return {}
    rows = session.execute(
        select(TagMark, TagMirror.wecom_tag_id)
        .join(RepContact, RepContact.id == TagMark.contact_id)
        .join(Rep, Rep.id == RepContact.rep_id)
        .join(TagMirror, (TagMirror.tag_id == TagMark.tag_id) & (TagMirror.corp_id == Rep.corp_id))
        .where(TagMark.contact_id.in_(contact_ids), TagMark.ours | (TagMark.writing != ""))
        .where(TagMirror.wecom_tag_id.in_(_mapped_ids(session)))
    )
    found: dict[int, dict[str, TagMark]] = {}
    for mark, wecom_id in rows:
        found.setdefault(mark.contact_id, {})[wecom_id] = mark
    return found


def settle_missing(session: Session, corp_id: str, listed_at: datetime, now: datetime) -> int:
    """Marks of ours that a reading did not show, of tags that were listed since: people took them
    away, and say so. Returns how many."""
    rows = session.execute(
        select(TagMark, RepContact.identifier_id, Rep.name, TagMirror.name)
        .join(RepContact, RepContact.id == TagMark.contact_id)
        .join(Rep, Rep.id == RepContact.rep_id)
        .join(TagMirror, (TagMirror.tag_id == TagMark.tag_id) & (TagMirror.corp_id == Rep.corp_id))
        .where(Rep.corp_id == corp_id, TagMark.missing_at <= listed_at)
        .where(TagMirror.wecom_tag_id.in_(_mapped_ids(session)))
    ).all()
    for row, person, rep, name in rows:
        keep(session, row.contact_id, row.tag_id, rules.taken_away(as_mark(row), now))
        assert_tag(
            session, person, row.tag_id, source=Source.REP_FEEDBACK,
            ref=f"{_ref(row.contact_id)}{int(now.timestamp())}", confidence=AGAINST, at=now,
            evidence=f"{rep or '代表'}在企业微信里去掉了标签「{name}」",
        )  # fmt: skip
    return len(rows)


def forget_tag(session: Session, corp_id: str, tag_id: int, now: datetime) -> None:
    """The corp tag is gone, and with it all marks; nobody said anything about a physician."""
    mine = select(RepContact.id).join(Rep, Rep.id == RepContact.rep_id).where(
        Rep.corp_id == corp_id
    )  # fmt: skip
    gone = update(TagMark).where(TagMark.tag_id == tag_id, TagMark.contact_id.in_(mine))
    values = {"known": False, "ours": False, "writing": "", "missing_at": None, "at": now}
    session.execute(gone.values(**values).execution_options(synchronize_session=False))
    session.expire_all()


def wake(session: Session, contact_ids: Collection[int], at: datetime) -> None:
    """These sides may have something to be written."""
    for contact_id in contact_ids:
        fresh = {"contact_id": contact_id, "due_at": at, "turn": 0, "attempts": 0, "error": ""}
        if not insert_once(session, MarkSide, fresh, "contact_id"):
            session.execute(
                update(MarkSide)
                .where(MarkSide.contact_id == contact_id, MarkSide.due_at.is_(None))
                .values(due_at=at)
                .execution_options(synchronize_session=False)
            )


def as_mark(row: TagMark) -> Mark:
    """What the rules see."""
    return Mark(
        row.at, row.wanted, row.known, row.ours, row.writing, row.missing_at, row.refused_at
    )


def keep(session: Session, contact_id: int, tag_id: int, mark: Mark, error: str = "") -> None:
    """Write down what is known of a mark; of a new one also whether it is wanted."""
    values: dict[str, Any] = asdict(mark) | {"error": error}
    key = {"contact_id": contact_id, "tag_id": tag_id}
    if not insert_once(session, TagMark, key | values, "contact_id", "tag_id"):
        del values["wanted"]
        chosen = (TagMark.contact_id == contact_id, TagMark.tag_id == tag_id)
        session.execute(update(TagMark).where(*chosen).values(**values))


def marks_of(session: Session, contact_ids: Collection[int]) -> dict[int, dict[int, TagMark]]:
    """Side → tag → mark, as it is and stays until the transaction ends."""
    found: dict[int, dict[int, TagMark]] = {}
    chosen = (
        select(TagMark)
        .where(TagMark.contact_id.in_(contact_ids))
        .order_by(TagMark.contact_id, TagMark.tag_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for row in session.scalars(chosen):
        found.setdefault(row.contact_id, {})[row.tag_id] = row
    return found


def _want(
    session: Session, contact_id: int, tag_id: int, was: TagMark | None, wanted: bool, now: datetime
) -> None:
    if was is None:
        keep(session, contact_id, tag_id, Mark(now, wanted=wanted))
    else:
        was.wanted, was.error = wanted, ""  # `at` tells of readings and calls only
        session.flush()


def forget_side(session: Session, contact_id: int) -> None:
    """The relation is over, and what was marked with it."""
    if MAPPED.of(session):
        for table in (MarkSide, TagMark):
            gone = delete(table).where(table.contact_id == contact_id)
            session.execute(gone.execution_options(synchronize_session="fetch"))


def _take_back(session: Session, contact_id: int, tag_id: int, now: datetime) -> None:
    """Who set it again does not say any more that it is wrong, whatever a verdict made of it."""
    said = (
        TagAssertion.tag_id == tag_id, TagAssertion.source == Source.REP_FEEDBACK,
        TagAssertion.ref.startswith(_ref(contact_id)),
    )  # fmt: skip
    withdraw(session, said, now)


def _ref(contact_id: int) -> str:
    return f"mark:{contact_id}:"


def _sides_of(one_ids: Sequence[str]) -> Select[int, str, bool, str]:
    return (
        select(RepContact.id, RepContact.state, Rep.active, Identifier.one_id)
        .join(Identifier, Identifier.id == RepContact.identifier_id)
        .join(Rep, Rep.id == RepContact.rep_id)
        .where(Identifier.one_id.in_(one_ids))
        .order_by(RepContact.id)
    )


def _lock(session: Session, contact_ids: Collection[int], *, nowait: bool = False) -> None:
    session.execute(
        select(MarkSide.contact_id)
        .where(MarkSide.contact_id.in_(contact_ids))
        .order_by(MarkSide.contact_id)
        .with_for_update(nowait=nowait)
    ).all()


def _mapped_ids(session: Session) -> list[str]:
    return [wecom_id for ours in MAPPED.of(session).values() for wecom_id in ours]
