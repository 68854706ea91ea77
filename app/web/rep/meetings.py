"""Whom of a rep's physicians a meeting concerns: who is coming, and afterwards who came."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Response, abort, flash, redirect, render_template, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import identity, reps
from app.content import ContentVersion
from app.flows.pages import meetings as story
from app.identity import Identifier, Physician
from app.infra.errors import Refused
from app.journey import MeetingAnswer
from app.reps import Rep
from app.web.context import parts
from app.web.rep import bp, entry

SHOWN = timedelta(days=60)  # after a meeting


@dataclass(frozen=True, slots=True)
class Meeting:
    """One meeting with this rep's physicians who answered, and for which other time if it was
    another; `begun`: who came can be noted."""

    version: ContentVersion
    begun: bool
    people: list[tuple[MeetingAnswer, Physician, datetime | None]]


@bp.get("/meetings")
def meetings() -> str | Response:
    """Meetings to come and lately past."""
    here = parts()
    with here.db.reading() as session:
        rep = entry.known(session)
        if rep is None:
            return entry.to_wecom()
        found = _of(session, rep, here.clock())
        return render_template("rep/meetings.html", rep=rep, meetings=found)


@bp.post("/meetings/<int:answer_id>/<came>")
def note_attendance(answer_id: int, came: str) -> Response:
    """The rep was there and saw who came."""
    here = parts()
    if came not in ("came", "missed"):
        abort(404)
    try:
        with here.db.transaction() as session:
            rep, row = entry.known(session), session.get(MeetingAnswer, answer_id)
            if rep is None or row is None or not _is_mine(session, rep, row):
                abort(404)
            version = story.invitation(session, row.content_id)
            if version is None:
                abort(404)
            story.attend(
                session, version, row.identifier_id, came == "came", f"rep:{rep.id}", here.clock()
            )
        flash(_("已记录。"))
    except Refused as problem:
        flash(str(problem))
    return redirect(url_for("rep.meetings"))  # type: ignore[return-value]


def _is_mine(session: Session, rep: Rep, row: MeetingAnswer) -> bool:
    one_id = session.get_one(Identifier, row.identifier_id).one_id
    return reps.may_see(session, rep.id, one_id) and bool(
        story.concerning(session, rep, [(row, one_id)])
    )


def _of(session: Session, rep: Rep, now: datetime) -> list[Meeting]:
    invited: dict[int, list[story.Answered]] = {}
    for row, one_id in story.answers_to(session, rep, now - SHOWN):
        invited.setdefault(row.content_id, []).append((row, one_id))
    found = []
    for content_id, rows in invited.items():
        version = story.invitation(session, content_id)
        if version is None or version.starts_at is None or version.starts_at < now - SHOWN:
            continue
        mine = story.concerning(session, rep, rows)
        if mine:
            people = _ranked(session, version, mine)
            found.append(Meeting(version, version.starts_at <= now, people))
    return sorted(found, key=lambda one: one.version.starts_at or now, reverse=True)


def _ranked(
    session: Session, version: ContentVersion, rows: list[story.Answered]
) -> list[tuple[MeetingAnswer, Physician, datetime | None]]:
    """Who is surely coming first, then who was before the time was changed."""
    people = identity.physicians_by_id(session, [one_id for _, one_id in rows])
    other = story.answered_for_another(session, [row for row, _ in rows], version)
    found = [(row, people[one_id], other.get(row.id)) for row, one_id in rows]
    return sorted(found, key=lambda one: (one[0].coming is not True, one[2] is not None, one[0].id))
