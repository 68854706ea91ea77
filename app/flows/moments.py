"""A moment, step by step: its tag, who may see it, the task, the rep's confirmation, who saw it.

Whoever is to see it is judged and counted like for any message (`Way.MOMENT_VIEW`): the message
marks the contact with the moment's own tag. The task is one message of its own; if nobody knows
whether the platform took it, its link is looked for among the company's moments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from app import content, delivery, reps
from app.delivery import State as Sending
from app.delivery import Way
from app.delivery import moments as rows
from app.delivery.moment_models import Moment, Step
from app.flows import moment_seen
from app.flows.material import moment_fields
from app.flows.sent import after_sent
from app.identity import Identifier
from app.infra.errors import Permanent, Transient

if TYPE_CHECKING:
    from app.connectors.wecom.client import WeCom
    from app.connectors.wecom.moments import MomentJob

SOON, LATER = timedelta(seconds=5), timedelta(hours=1)
FIRST = timedelta(minutes=1)
GIVE_UP = timedelta(days=7)  # then nobody publishes it any more
JOB_LIFE = timedelta(hours=24)
TAG_LIVES = timedelta(days=7)  # after publication
OPEN = (Sending.QUEUED, Sending.SENDING)
SHOWN = (Sending.SENT, Sending.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Question:
    """What the platform is asked about a moment; `job` empty: its link is looked for."""

    row_id: int
    step: Step
    corp_id: str
    userid: str
    tag_id: str
    moment_id: str
    job: str
    url: str
    since: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What it said, as far as it was asked for it."""

    tag_id: str = ""
    job: MomentJob | None = None
    found: str = ""
    published: bool = False
    seen: frozenset[str] = frozenset()
    problem: Exception | None = None


def look(session: Session, row_id: int, now: datetime) -> Question | None:
    """Take a moment and do what needs no answer; the question where it needs one."""
    row = rows.take_moment(session, row_id, now)
    if row is None:
        return None
    if row.step == Step.SHOWING:
        _ask_when_shown(session, row, now)
        return None
    job = ""
    if row.step == Step.ASKING:
        task = rows.carrier(session, row)
        if task is None or task.state in (Sending.FAILED, Sending.CANCELLED):
            moment_seen.fail(session, row, task.error if task else "任务没有发出", now)
            return None
        if task.state in OPEN:
            row.check_at = now + SOON
            return None
        job = task.provider_id if task.state == Sending.SENT else ""
    elif row.step == Step.MAKING:
        task = rows.carrier(session, row)
        job = task.provider_id if task else ""
    elif row.step == Step.CONFIRMING:
        version = content.get_version(session, row.content_version_id)
        if problem := content.problem(session, version, now):
            moment_seen.fail(session, row, problem, now)
            return None
    rep = reps.get_rep(session, row.rep_id)
    return Question(
        row.id, Step(row.step), rep.corp_id, rep.userid, row.tag_id, row.moment_id, job, row.url,
        row.created_at, now,
    )  # fmt: skip


def ask(question: Question, wecom: Mapping[str, WeCom]) -> Answer:
    """The platform's answer; outside any transaction."""
    moments = wecom[question.corp_id].moments
    try:
        if question.step is Step.NEW:
            return Answer(tag_id=moments.own_tag(f"moment-{question.row_id}"))
        if question.step in (Step.ASKING, Step.MAKING):
            if question.job:
                return Answer(job=moments.job(question.job))
            return Answer(found=moments.find(question.url, question.since - FIRST, question.now))
        if question.step is Step.CONFIRMING:
            if not moments.is_published(question.moment_id, question.userid):
                return Answer()
            seen = moments.seen_by(question.moment_id, question.userid)
            return Answer(published=True, seen=frozenset(seen))
        if question.step is Step.FAILED and question.moment_id:
            moments.cancel(question.moment_id)
        if question.tag_id:
            moments.drop_tag(question.tag_id)
        return Answer()
    except (Transient, Permanent) as problem:
        return Answer(problem=problem)


def note(session: Session, question: Question, answer: Answer, now: datetime) -> None:
    """Write the answer down, and when to look again."""
    row = session.get_one(Moment, question.row_id, with_for_update=True)
    if row.step != question.step:
        return
    age = now - row.created_at
    row.check_at = now + min(max(age / 5, FIRST), LATER)
    if answer.problem is not None:
        _note_problem(session, row, answer.problem, age, now)
    elif row.step == Step.NEW:
        row.tag_id, row.step, row.check_at = answer.tag_id, Step.SHOWING, now + SOON
        _show(session, row, now)
    elif row.step in (Step.ASKING, Step.MAKING):
        _note_made(session, row, question, answer, age, now)
    elif row.step == Step.CONFIRMING:
        if answer.published:
            moment_seen.publish(session, row, answer.seen, now)
            row.check_at = now + TAG_LIVES
        elif age > GIVE_UP:
            moment_seen.fail(session, row, "一周内没有确认发表", now)
    else:
        row.check_at = None
        if row.step == Step.PUBLISHED:
            row.step = Step.CLOSED


def _show(session: Session, row: Moment, now: datetime) -> None:
    """A message for each who is to see it; it is judged when its turn comes."""
    rep = reps.get_rep(session, row.rep_id)
    for viewer, dispatch in rows.viewers_of(session, row.id):
        contact = session.get_one(Identifier, viewer.identifier_id)
        if dispatch is not None or not contact.value:
            continue
        key = rows.viewer_key(row, contact.id)
        viewer.dispatch_id = delivery.queue(
            session, way=Way.MOMENT_VIEW, dedupe_key=key,
            payload={"corp_id": rep.corp_id, "userid": rep.userid, "tag_id": row.tag_id,
                     "external_userid": contact.value},
            rep_id=rep.id, identifier_id=contact.id, suggestion_id=viewer.suggestion_id,
            campaign_id=row.campaign_id, content_version_id=row.content_version_id,
            counts_as_contact=True, now=now,
        )  # fmt: skip


def _ask_when_shown(session: Session, row: Moment, now: datetime) -> None:
    """When everybody has been marked or left out, the task follows."""
    _show(session, row, now)  # who came late
    found = [dispatch for _, dispatch in rows.viewers_of(session, row.id) if dispatch is not None]
    row.check_at = now + SOON
    if any(dispatch.state in OPEN for dispatch in found):
        return
    version = content.get_version(session, row.content_version_id)
    problem = content.problem(session, version, now)
    if problem or not any(dispatch.state in SHOWN for dispatch in found):
        moment_seen.fail(session, row, problem or "没有可以联系的医生", now)
        return
    rep = reps.get_rep(session, row.rep_id)
    delivery.queue(
        session, way=Way.MOMENT, dedupe_key=rows.carrier_key(row),
        payload={"corp_id": rep.corp_id, "userid": rep.userid, "tag_id": row.tag_id,
                 **moment_fields(version, row.url)},
        rep_id=rep.id, campaign_id=row.campaign_id, content_version_id=version.id, now=now,
    )  # fmt: skip
    row.step = Step.ASKING


def _note_made(
    session: Session, row: Moment, question: Question, answer: Answer, age: timedelta, now: datetime
) -> None:
    if answer.found:
        task = rows.carrier(session, row)
        if task is not None and delivery.record_seen(session, task, now):
            after_sent(session, task, now)
        row.moment_id, row.step = answer.found, Step.CONFIRMING
    elif answer.job is not None and answer.job.ready:
        if answer.job.errcode or not answer.job.moment_id:
            moment_seen.fail(session, row, f"平台没有创建朋友圈（{answer.job.errcode}）", now)
            return
        row.moment_id, row.step = answer.job.moment_id, Step.CONFIRMING
    elif answer.job is not None:
        row.step = Step.MAKING
        row.check_at = now + SOON
        if age > JOB_LIFE:
            moment_seen.fail(session, row, "平台一天内没有创建朋友圈", now)
    elif age > GIVE_UP:
        moment_seen.fail(session, row, "平台上没有找到这条朋友圈", now)


def _note_problem(
    session: Session, row: Moment, problem: Exception, age: timedelta, now: datetime
) -> None:
    """Later again; what the platform refuses for good ends it, and its cleaning up."""
    row.error = str(problem)
    ended = row.step in (Step.FAILED, Step.PUBLISHED)
    if ended and (isinstance(problem, Permanent) or age > 2 * GIVE_UP):
        row.check_at = None
    elif not ended and age > GIVE_UP:
        moment_seen.fail(session, row, str(problem), now)
