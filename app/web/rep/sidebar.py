"""What WeCom shows beside a chat: who this is, what to talk about, and whether one may.

The contact's id comes from the page, so it proves nothing: the rep must follow this contact.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Response, abort, flash, render_template, request
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content, identity, journey, reps, tagging
from app.content import ContentVersion, Purpose
from app.flows.pages import meetings
from app.flows.planning import talk_about
from app.identity import Id, Identifier, Kind
from app.infra.clock import local
from app.recommend import REFUSALS, State, Suggestion
from app.reps import Rep
from app.tagging import Weight
from app.web.context import parts
from app.web.own_words import own_words
from app.web.rep import answers, bp, entry
from app.web.rep.lines import OPEN, Line, lines_of, minutes

SUGGESTIONS, TOPICS, TAGS, ENTRIES = 3, 3, 6, 6
LATELY = timedelta(days=21)  # “next week” is over by then, holidays or not


@bp.get("/sidebar")
def sidebar() -> str | Response:
    """The page beside the chat with `external_userid`."""
    here = parts()
    now = here.clock()
    with here.db.reading() as session:
        rep = entry.known(session)
        if rep is None:
            return entry.to_wecom()
        row = _contact(session, rep, request.args.get("external_userid", ""))
        names = tagging.names_for_reps(session)
        entries = journey.timeline(session, row.one_id, limit=ENTRIES)
        lines = _lines(session, rep, row.one_id, now)
        return render_template(
            "rep/sidebar.html",
            person=identity.get_physician(session, row.one_id), beside=row.value, names=names,
            tags=_tags(session, row.one_id, names, now),
            room=talk_about.room(session, rep, row, now),
            lines=lines, refusals=REFUSALS,
            topics=[(topic, minutes(topic.version))
                    for topic in _topics(session, rep, row, now)
                    if topic.version.content_id not in {line.row.content_id for line in lines}
                    ][:TOPICS],
            entries=entries, reps=reps.reps_by_id(session),
            titles=content.titles(session, [one.content_version_id for one in entries]),
            moved=meetings.moved(session, [one.content_version_id for one in entries]),
            wishes=own_words(session, row.one_id, {rep.id: rep}),
            me=rep, now=now, rests=talk_about.rests(session, row.one_id, now),
        )  # fmt: skip


@bp.post("/sidebar/topics/<int:version_id>")
def take(version_id: int) -> Response:
    """The rep wants this content for the open chat: the same as adopting a suggestion of it."""
    here = parts()
    now = here.clock()
    beside = request.form.get("beside", "")
    with here.db.transaction() as session:
        rep = entry.known(session)
        if rep is None:
            abort(404)
        row = _contact(session, rep, beside)
        offered = _topics(session, rep, row, now)
        topic = next((one for one in offered if one.version.id == version_id), None)
        if topic is None and _is_kept_back(session, row.one_id, version_id, now):
            flash(_("这位医生在对照观察期，这份内容没有发出。"))
        elif topic is None:
            flash(_("这份内容刚刚发过或已下线，请另选一份。"))
        else:
            suggestion = talk_about.take(session, rep, row, topic, now)
            answers.give(session, rep, suggestion, "adopt", now)
            flash(answers.told(suggestion.state, way=suggestion.way))
    return entry.back(beside)


def _is_kept_back(session: Session, one_id: str, version_id: int, now: datetime) -> bool:
    """Whether the holdout is why this content is not offered: it lets safety notices through."""
    version = session.get(ContentVersion, version_id)
    usual = version is None or version.purpose != Purpose.SAFETY
    return usual and talk_about.rests(session, one_id, now) is not None


def _contact(session: Session, rep: Rep, external_userid: str) -> Identifier:
    """The contact, when this rep follows it; else the page does not exist."""
    row = None
    if external_userid:
        row = identity.find(session, Id(Kind.WECOM_EXTERNAL_USERID, rep.corp_id, external_userid))
    if row is None or not reps.may_see(session, rep.id, row.one_id):
        abort(404, _("这位联系人不在您的客户里，或刚刚添加、还在同步。请稍后再打开。"))
    return row


def _topics(session: Session, rep: Rep, row: Identifier, now: datetime) -> list[talk_about.Topic]:
    """A few more than are shown: those that are suggested above are left out."""
    return talk_about.topics(session, rep, row.one_id, TOPICS + SUGGESTIONS, now)


def _tags(
    session: Session, one_id: str, names: dict[int, str], now: datetime
) -> list[tuple[str, Weight]]:
    """The strongest tags with what they rest on."""
    held = tagging.weights(session, [one_id], now)[one_id].values()
    strongest = sorted(held, key=lambda weight: -weight.value)
    return [(names[w.tag_id], w) for w in strongest if w.tag_id in names][:TAGS]


def _lines(session: Session, rep: Rep, one_id: str, now: datetime) -> list[Line]:
    """This rep's suggestions about the physician that can be answered, and today's others, each
    content once; one that was postponed and is long due, or has come back, is history."""
    today = local(now).date()
    rows = session.scalars(
        select(Suggestion)
        .join(Identifier, Identifier.id == Suggestion.identifier_id)
        .where(
            Suggestion.rep_id == rep.id, Identifier.one_id == one_id,
            Suggestion.day > today - LATELY,
        )
        .order_by(Suggestion.id)
    )  # fmt: skip
    newest = {row.content_id: row for row in rows}.values()
    shown = [row for row in newest if row.day == today or State(row.state) in OPEN]
    shown.sort(key=lambda row: -row.id)
    return lines_of(session, rep, shown[:SUGGESTIONS], now)
