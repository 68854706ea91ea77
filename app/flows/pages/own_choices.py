"""What a physician changes on the own page. Everything counts at once: what waits to be sent is
judged again when its turn comes, and whoever is marked in a moment that is not published yet is
looked at now. What is chosen is written down for every identity we know of the person, so it
outlives the erasure of one of them. Each change is one line of the audit log.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import accounts, consent, delivery, identity, recommend, tagging
from app.consent import PACES, About, OwnChoice
from app.flows.pages.own_page import own_page
from app.flows.pages.stop_or_resume import stop_or_resume
from app.identity import Identifier
from app.infra.errors import NotFound

ACTOR = "physician"


def delete_tag(session: Session, row: Identifier, tag_id: int, now: datetime) -> None:
    """The tag holds no more, whoever says so. Raises NotFound for one that is not shown."""
    if tag_id in tagging.deleted_own(session, row.one_id):
        return
    if tag_id not in {one.tag_id for one in own_page(session, row, now).tags}:
        raise NotFound("没有这个标签。")
    tagging.delete_own(session, _mine(session, row), tag_id, at=now)
    _done(session, row, "own.tag_deleted", now, tag=tag_id)


def restore_tag(session: Session, row: Identifier, tag_id: int, now: datetime) -> None:
    """What others say of the tag counts again."""
    if tagging.restore_own(session, row.one_id, tag_id, at=now):
        _done(session, row, "own.tag_restored", now, tag=tag_id)


def switch_topic(session: Session, row: Identifier, tag_id: int, off: bool, now: datetime) -> None:
    """Nothing about it, safety notices excepted. Raises NotFound for what is no topic."""
    if tag_id not in tagging.topics(session):
        raise NotFound("没有这个主题。")
    if _switch(session, row, About.TOPIC, tag_id, off, now):
        _done(session, row, "own.topic_off" if off else "own.topic_on", now, tag=tag_id)


def switch_rep(session: Session, row: Identifier, rep_id: int, off: bool, now: datetime) -> None:
    """This rep may write or not; what waits for the answer of one who may not waits no more. Raises
    NotFound for one who does not serve the physician."""
    if rep_id not in {one.number for one in own_page(session, row, now).reps}:
        raise NotFound("没有这位代表。")
    if _switch(session, row, About.REP, rep_id, off, now):
        if off:
            recommend.give_up(session, rep_id, sorted(_mine(session, row)))
        _done(session, row, "own.rep_off" if off else "own.rep_on", now, rep=rep_id)


def set_pace(
    session: Session, row: Identifier, days: int | None, evidence: str, now: datetime
) -> None:
    """At most one contact in so many days (a key of PACES), None: as often as the company allows.
    Whoever had stopped us lets us resume by this."""
    if days is not None and days not in PACES:
        raise NotFound("没有这个选项。")
    _stop(session, row, False, evidence, now)
    consent.take_back(session, row.one_id, About.PACE)
    if days is not None:
        _choose(session, row, About.PACE, days, now)
    _done(session, row, "own.pace", now, days=days or 0)


def pause(session: Session, row: Identifier, evidence: str, now: datetime) -> None:
    """The same as stopping on a content page."""
    _stop(session, row, True, evidence, now)
    _done(session, row, "own.paused", now)


def leave(session: Session, row: Identifier, evidence: str, now: datetime) -> None:
    """Stop everything, and ask staff to erase what is kept."""
    _stop(session, row, True, evidence, now)
    _choose(session, row, About.ERASURE, 0, now)
    _done(session, row, "own.erasure_asked", now)


def stay(session: Session, row: Identifier, now: datetime) -> None:
    """Nothing is to be erased; what was stopped stays so."""
    if consent.take_back(session, row.one_id, About.ERASURE):
        _done(session, row, "own.erasure_taken_back", now)


def erasure_done(session: Session, one_id: str, *, actor: str, now: datetime) -> None:
    """Staff have erased what was to be erased: the request waits no more."""
    if consent.take_back(session, one_id, About.ERASURE):
        accounts.audit(session, actor, "own.erasure_done", "physician", one_id, now=now)


def hand_on(session: Session, row: Identifier) -> None:
    """What was chosen holds for the person's other identities, before this one is erased: some may
    have become known only since."""
    others = _mine(session, row) - {row.id}
    said = session.execute(
        select(OwnChoice.about, OwnChoice.number, OwnChoice.at).where(
            OwnChoice.identifier_id == row.id
        )
    ).all()
    for about, number, at in said:
        for other in sorted(others):
            consent.choose(session, other, About(about), number, at=at)
    for tag_id, at in tagging.deleted_own(session, row.one_id).items():
        tagging.delete_own(session, others, tag_id, at=at)


def _switch(
    session: Session, row: Identifier, about: About, number: int, off: bool, now: datetime
) -> bool:
    if off:
        return _choose(session, row, about, number, now)
    meant = tagging.merged_into(session, [number]) if about is About.TOPIC else [number]
    gone = [consent.take_back(session, row.one_id, about, one) for one in meant]
    return any(gone)


def _choose(session: Session, row: Identifier, about: About, number: int, now: datetime) -> bool:
    fresh = [
        consent.choose(session, one, about, number, at=now) for one in sorted(_mine(session, row))
    ]
    return any(fresh)


def _stop(session: Session, row: Identifier, stop: bool, evidence: str, now: datetime) -> None:
    if consent.standing(session, [row.one_id], "any")[row.one_id][1] == stop:
        return
    stop_or_resume(
        session, row, stop, source="own_page", evidence=evidence,
        ref=f"{evidence}:{int(stop)}:{now.isoformat()}", channel="page", at=now, now=now,
    )  # fmt: skip


def _done(session: Session, row: Identifier, action: str, now: datetime, **detail: int) -> None:
    delivery.moments.wake(session, now, identifier_ids=_mine(session, row))
    accounts.audit(session, ACTOR, action, "physician", row.one_id, now=now, **detail)


def _mine(session: Session, row: Identifier) -> set[int]:
    return {row.id, *(one.id for one in identity.identifiers_of(session, row.one_id))}
