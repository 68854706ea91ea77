"""A rep's contacts, compared: who is there, then what a hundred at a time look like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import completeness, delivery, identity, reps, tagging
from app.completeness import Call, Difference, PullRun, PullSubject, Stage, What, compare
from app.connectors.wecom.types import Customer, Follower
from app.flows import Outside
from app.flows.completeness.reconcile_tell import numbers, tell
from app.identity import Id, Identifier, Kind
from app.reps import Side
from app.tagging import TagMark


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: ids of all contacts, or some sides with the cursor of the next ones."""

    ids: Sequence[str] = ()
    sides: Sequence[tuple[Customer, Follower]] = ()
    next_cursor: str = ""


def look(_session: Session, _call: Call) -> None:
    """Nothing of ours is needed to ask."""


def ask(call: Call, _question: None, outside: Outside) -> Page:
    """The list of ids, or one page of details. One rep a call: older answers name no member."""
    wecom = outside.wecom[call.account]
    if call.stage == Stage.LIST:
        return Page(ids=wecom.list_customers(call.name))
    sides, cursor = wecom.batch_page(call.name, call.cursor)
    return Page(sides=sides, next_cursor=cursor)


def take(
    session: Session, call: Call, subject: PullSubject, run: PullRun, page: Page, now: datetime
) -> None:
    """Compare the answer, tell the differences, and say what comes next."""
    rep = reps.find_rep(session, call.account, call.name)
    rep_id = rep.id if rep else 0
    if call.stage == Stage.LIST:
        found = _compare_list(session, call, subject, rep_id, page.ids)
        more = bool(page.ids) and (subject.deep or subject.known < subject.there)
        following = (Stage.DETAILS, "") if more else None
    else:
        found = _compare_sides(session, call, rep_id, page.sides)
        following = (Stage.DETAILS, page.next_cursor) if page.next_cursor else None
    found_by_kind, lost = numbers(tell(session, call.account, found, now))
    completeness.note(subject, run, found_by_kind, lost, now)
    if following:
        completeness.go_on(subject, *following, now)
    else:
        completeness.end(session, subject, run, now)


def _compare_list(
    session: Session, call: Call, subject: PullSubject, rep_id: int, ids: Sequence[str]
) -> list[Difference]:
    there = {_hash(call.account, external) for external in ids}
    ours = reps.sides_of(session, rep_id)
    subject.there = len(there)
    subject.known = len(there) - len(compare.missing(there, ours))
    gone = compare.gone(there, ours, call.asked_at)
    names = _external_ids(session, gone.values())
    lost = completeness.baseline(session) is not None
    return [
        Difference(What.REMOVED, side.since, call.name, names[side.identifier_id], lost=lost)
        for side in gone.values()
        if names.get(side.identifier_id)
    ]


def _compare_sides(
    session: Session, call: Call, rep_id: int, page: Sequence[tuple[Customer, Follower]]
) -> list[Difference]:
    keys = [_hash(call.account, customer.external_userid) for customer, _side in page]
    ours = reps.sides_of(session, rep_id, keys)
    tag_names = tagging.corp_tags(session, call.account)
    deleted_at = tagging.tags_deleted_at(session, call.account)
    baseline = completeness.baseline(session)
    marks = tagging.own_marks(session, [side.contact_id for side in ours.values()])
    for_moments = delivery.moments.moment_tags(session, rep_id)
    found = []
    for key, (customer, side) in zip(keys, page, strict=True):
        mine = marks.get(ours[key].contact_id, {}) if key in ours else {}
        seen = compare.side(
            ours.get(key), added_at=side.added_at, asked_at=call.asked_at, baseline=baseline,
            mark=completeness.mark_of(customer, side, tag_names, without={*mine, *for_moments}),
            tags_deleted_at=deleted_at,
        )  # fmt: skip
        if not seen and _is_missing(mine, side, call.asked_at):
            seen = What.EDITED, baseline is not None
        if seen:
            what, lost = seen
            found.append(
                Difference(
                    what,
                    side.added_at,
                    call.name,
                    customer.external_userid,
                    side.state,
                    lost=lost,
                )
            )
    return found


def _is_missing(mine: Mapping[str, TagMark], side: Follower, asked_at: datetime) -> bool:
    """Whether a tag is gone that we had set: somebody took it away and nobody told us."""
    there = {tag.tag_id for tag in side.tags}
    return any(
        mark.known and not mark.writing and mark.missing_at is None and mark.at < asked_at
        and wecom_id not in there
        for wecom_id, mark in mine.items()
    )  # fmt: skip


def _hash(corp_id: str, external_userid: str) -> bytes:
    return identity.value_hash(Id(Kind.WECOM_EXTERNAL_USERID, corp_id, external_userid))


def _external_ids(session: Session, sides: Iterable[Side]) -> dict[int, str]:
    wanted = [side.identifier_id for side in sides]
    found: dict[int, str] = {}
    for start in range(0, len(wanted), 500):
        chosen = select(Identifier).where(Identifier.id.in_(wanted[start : start + 500]))
        found |= {row.id: row.value for row in session.scalars(chosen)}
    return found
