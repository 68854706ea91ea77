"""What the platform is asked about a moment, one question at a time, outside any transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from app.connectors.errors import BadCredential, BadRequest, NotAFriend, NotAllowed, PersonGone
from app.delivery.moment_models import Step
from app.flows.sending.moment_barred import Barred
from app.infra.errors import Permanent, Transient

if TYPE_CHECKING:
    from app.connectors.wecom.client import WeCom
    from app.connectors.wecom.moments import MomentJob

FIRST = timedelta(minutes=1)
STUCK = "平台没有取消医生的可见范围"


@dataclass(frozen=True, slots=True)
class Question:
    """What the platform is asked about a moment; `job` empty: its link is looked for. `barred`: who
    is to lose the mark; `over`: why it ends, if it is not published yet."""

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
    over: str = ""
    barred: tuple[Barred, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What it said, as far as it was asked for it; `over`: why the moment ends unpublished."""

    tag_id: str = ""
    job: MomentJob | None = None
    found: str = ""
    published: bool = False
    seen: frozenset[str] = frozenset()
    over: str = ""
    problem: Exception | None = None


def ask(question: Question, wecom: Mapping[str, WeCom]) -> Answer:
    """The platform's answer."""
    line = wecom[question.corp_id]
    moments, over = line.moments, question.over
    try:
        if question.step is Step.NEW:
            return Answer(tag_id=moments.own_tag(f"moment-{question.row_id}"))
        if question.step in (Step.ASKING, Step.MAKING):
            if question.job and (job := _job(line, question.job)):
                return Answer(job=job)
            return Answer(found=moments.find(question.url, question.since - FIRST, question.now))
        if not _unmark(question, line):
            over = over or STUCK
        if question.step is Step.SHOWING:
            return Answer(over=over)
        if question.step is Step.CONFIRMING:
            return _confirmed(question, line, over)
        if question.step is Step.FAILED and question.moment_id:
            _cancel(line, question.moment_id)
        if question.tag_id:
            moments.drop_tag(question.tag_id)
        return Answer()
    except (Transient, Permanent) as problem:
        return Answer(problem=problem, over=over)


def _job(line: WeCom, job_id: str) -> MomentJob | None:
    """None for one that the platform has forgotten: it knows them for a day."""
    try:
        return line.moments.job(job_id)
    except BadRequest:
        return None


def _confirmed(question: Question, line: WeCom, over: str) -> Answer:
    """Also of a moment that is to end: what has been seen is not taken back."""
    if not line.moments.is_published(question.moment_id, question.userid):
        return Answer(over=over)
    seen = line.moments.seen_by(question.moment_id, question.userid)
    return Answer(published=True, seen=frozenset(seen))


def _unmark(question: Question, line: WeCom) -> bool:
    """Take the tag from who must not see it; it may be taken twice. False: it cannot be taken."""
    for one in question.barred:
        if not one.external_userid:
            return False
        try:
            line.mark_tag(question.userid, one.external_userid, [], [question.tag_id])
        except (NotAFriend, PersonGone):
            continue  # and so sees nothing of this rep's
        except Permanent as problem:
            if not is_for_good(problem):
                raise
            return False
    return True


def _cancel(line: WeCom, moment_id: str) -> None:
    """What is refused for good is let go: without its tag nobody sees it either."""
    try:
        line.moments.cancel(moment_id)
    except Permanent as problem:
        if not is_for_good(problem):
            raise


def is_for_good(problem: Exception) -> bool:
    """True when asking again cannot help. A bad credential or a missing right is an
    administrator's to mend, and nothing of the account gets through until then."""
    return isinstance(problem, Permanent) and not isinstance(problem, BadCredential | NotAllowed)
