"""A moment, step by step: its tag, who may see it, the task, the rep's confirmation, who saw it.

Whoever is to see it is judged and counted like for any message (`Way.MOMENT_VIEW`): the message
marks the contact with the moment's own tag. The task is one message of its own; if nobody knows
whether the platform took it, its link is looked for among the company's moments.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content, delivery, reps
from app.delivery import State as Sending
from app.delivery import Way
from app.delivery import moments as rows
from app.delivery.moment_models import Moment, MomentViewer, Step
from app.flows.sending import moment_seen
from app.flows.sending.material import moment_fields
from app.flows.sending.moment_asked import FIRST, Answer, Question, is_for_good
from app.flows.sending.moment_barred import Barred, barred, why_over
from app.flows.sending.sent import after_sent
from app.identity import Identifier
from app.recommend import Suggestion

SOON, LATER = timedelta(seconds=5), timedelta(hours=1)
GIVE_UP = timedelta(days=7)  # then nobody publishes it any more
BEGIN_WITHIN = timedelta(hours=24)  # what comes later comes as a surprise
JOB_LIFE = timedelta(hours=24)
TAG_LIVES = timedelta(days=7)  # after publication
OPEN = (Sending.QUEUED, Sending.SENDING)
NOBODY = "没有可以联系的医生"


def look(session: Session, row_id: int, now: datetime) -> Question | None:
    """Take a moment and do what needs no answer; the question where it needs one."""
    row = rows.take_moment(session, row_id, now)
    if row is None:
        return None
    job, over, against = "", "", tuple[Barred, ...]()
    if row.step in (Step.NEW, Step.SHOWING) and (over := _why_not_begun(session, row, now)):
        moment_seen.fail(session, row, over, now)
        return None
    if row.step == Step.SHOWING:
        against = _ask_when_shown(session, row, now)
        if not against:
            return None
    elif row.step == Step.ASKING:
        task = rows.carrier(session, row)
        if task is None or task.state in (Sending.FAILED, Sending.CANCELLED):
            moment_seen.fail(session, row, task.error if task else "任务没有发出", now)
            return None
        if task.state in OPEN:
            if task.state == Sending.QUEUED and (over := why_over(session, row, now)):
                delivery.cancel(session, task, over)
            row.check_at = now + SOON
            return None
        job = task.provider_id if task.state == Sending.SENT else ""
    elif row.step == Step.MAKING:
        task = rows.carrier(session, row)
        job = task.provider_id if task else ""
    elif row.step == Step.CONFIRMING:
        over = why_over(session, row, now)
        against = () if over else barred(session, row, now)
    rep = reps.get_rep(session, row.rep_id)
    return Question(
        row.id, Step(row.step), rep.corp_id, rep.userid, row.tag_id, row.moment_id, job, row.url,
        row.created_at, now, over, against,
    )  # fmt: skip


def _why_not_begun(session: Session, row: Moment, now: datetime) -> str:
    late = now - row.created_at > BEGIN_WITHIN
    return why_over(session, row, now) or ("一天内没有准备好" if late else "")


def note(session: Session, question: Question, answer: Answer, now: datetime) -> None:
    """Write the answer down, and when to look again."""
    row = session.get_one(Moment, question.row_id, with_for_update=True)
    if row.step != question.step:
        return
    age, woken = now - row.created_at, rows.was_woken(row, question.now)
    row.check_at = now + min(max(age / 5, FIRST), LATER)
    if answer.problem is not None:
        _note_problem(session, row, answer.problem, answer.over, age, now)
    elif row.step == Step.NEW:
        row.tag_id, row.step, row.check_at = answer.tag_id, Step.SHOWING, now + SOON
        _show(session, row, now)
    elif row.step in (Step.ASKING, Step.MAKING):
        _note_made(session, row, question, answer, age, now)
    elif row.step in (Step.SHOWING, Step.CONFIRMING):
        _note_confirmed(session, row, question, answer, age, now)
    else:
        row.check_at = None
        if row.step == Step.PUBLISHED:
            row.step = Step.CLOSED
    if woken and row.check_at is not None and row.step in (*rows.PENDING, Step.FAILED):
        row.check_at = now


def _note_confirmed(
    session: Session, row: Moment, question: Question, answer: Answer, age: timedelta, now: datetime
) -> None:
    """Published, at an end, or without those that lost their mark."""
    if answer.published:
        moment_seen.publish(session, row, answer.seen, now)
        row.check_at = now + TAG_LIVES
    elif answer.over:
        moment_seen.fail(session, row, answer.over, now)
    elif question.barred and not moment_seen.leave_out(session, row, question.barred, now):
        moment_seen.fail(session, row, NOBODY, now)
    elif row.step == Step.SHOWING:
        row.check_at = now + SOON
    elif age > GIVE_UP:
        moment_seen.fail(session, row, "一周内没有确认发表", now)
    elif row.check_at is not None:
        ends = content.get_version(session, row.content_version_id).valid_until
        row.check_at = min(row.check_at, ends) if ends else row.check_at


def _show(session: Session, row: Moment, now: datetime) -> None:
    """A message for each who is to see it; it is judged when its turn comes."""
    rep = reps.get_rep(session, row.rep_id)
    waiting = session.execute(
        select(MomentViewer, Identifier, Suggestion.campaign_id)
        .join(Identifier, Identifier.id == MomentViewer.identifier_id)
        .outerjoin(Suggestion, Suggestion.id == MomentViewer.suggestion_id)
        .where(MomentViewer.moment_id == row.id, MomentViewer.dispatch_id.is_(None))
        .order_by(MomentViewer.identifier_id)
    )
    for viewer, contact, campaign_id in waiting.all():
        if not contact.value:
            continue
        viewer.dispatch_id = delivery.queue(
            session, way=Way.MOMENT_VIEW, dedupe_key=rows.viewer_key(row, contact.id),
            payload={"corp_id": rep.corp_id, "userid": rep.userid, "tag_id": row.tag_id,
                     "external_userid": contact.value},
            rep_id=rep.id, identifier_id=contact.id, suggestion_id=viewer.suggestion_id,
            campaign_id=campaign_id or row.campaign_id, content_version_id=row.content_version_id,
            counts_as_contact=True, now=now,
        )  # fmt: skip


def _ask_when_shown(session: Session, row: Moment, now: datetime) -> tuple[Barred, ...]:
    """When everybody has been marked or left out, the task follows; first those lose their mark
    again that may not see it any more: they are returned."""
    _show(session, row, now)  # who came late
    found = [dispatch for _, dispatch in rows.viewers_of(session, row.id) if dispatch is not None]
    if any(dispatch.state in OPEN for dispatch in found):
        row.check_at = now + SOON
        return ()
    if not any(d.state in rows.MARKED and d.receipt is None for d in found):
        moment_seen.fail(session, row, NOBODY, now)
        return ()
    if against := barred(session, row, now):
        return against
    version = content.get_version(session, row.content_version_id)
    rep = reps.get_rep(session, row.rep_id)
    delivery.queue(
        session, way=Way.MOMENT, dedupe_key=rows.carrier_key(row),
        payload={"corp_id": rep.corp_id, "userid": rep.userid, "tag_id": row.tag_id,
                 **moment_fields(version, row.url)},
        rep_id=rep.id, campaign_id=row.campaign_id, content_version_id=version.id, now=now,
    )  # fmt: skip
    row.step, row.check_at = Step.ASKING, now + SOON
    return ()


def _note_made(
    session: Session, row: Moment, question: Question, answer: Answer, age: timedelta, now: datetime
) -> None:
    if answer.found:
        task = rows.carrier(session, row)
        if task is not None and delivery.record_seen(session, task, now):
            after_sent(session, task, now)
        _confirming(row, answer.found, now)
    elif answer.job is not None and answer.job.ready:
        if answer.job.errcode or not answer.job.moment_id:
            moment_seen.fail(session, row, f"平台没有创建朋友圈（{answer.job.errcode}）", now)
            return
        _confirming(row, answer.job.moment_id, now)
    elif answer.job is not None:
        row.step = Step.MAKING
        row.check_at = now + SOON
        if age > JOB_LIFE:
            moment_seen.fail(session, row, "平台一天内没有创建朋友圈", now)
    elif age > GIVE_UP:
        moment_seen.fail(session, row, "平台上没有找到这条朋友圈", now)


def _confirming(row: Moment, moment_id: str, now: datetime) -> None:
    """The rep can publish it; at once it is asked again who may see it: the task took its time."""
    row.moment_id, row.step, row.check_at = moment_id, Step.CONFIRMING, now


def _note_problem(
    session: Session, row: Moment, problem: Exception, over: str, age: timedelta, now: datetime
) -> None:
    """Later again; what the platform refuses for good ends it, and its cleaning up."""
    final = is_for_good(problem)
    if row.step not in rows.PENDING:  # while its tag may be there it is asked: there are 10,000
        row.check_at = None if final else row.check_at
        return
    row.error = str(problem)
    if final and (row.step == Step.NEW or over):
        moment_seen.fail(session, row, over or "平台拒绝了", now)
    elif age > GIVE_UP:
        moment_seen.fail(session, row, "平台一周内没有给出结果", now)
