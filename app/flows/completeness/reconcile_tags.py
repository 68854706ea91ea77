"""The tags of a corp, and its reps: two short lists with which a pull begins."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app import completeness, tagging
from app.completeness import Call, Difference, PullRun, PullSubject, Source, What, compare
from app.connectors.wecom.types import CorpTag
from app.flows import Outside
from app.flows.completeness.reconcile_tell import tell

LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
Answer = tuple[Sequence[CorpTag], Sequence[str]]
"""(tags, userids of reps): one of the two."""


def look(_session: Session, _call: Call) -> None:
    """Nothing of ours is needed to ask."""


def ask(call: Call, _question: None, outside: Outside) -> Answer:
    """All tags, or everybody who may have contacts."""
    wecom = outside.wecom[call.account]
    if call.source is Source.TAGS:
        return wecom.list_corp_tags(), ()
    return (), wecom.list_follow_users()


def take(
    session: Session, call: Call, subject: PullSubject, run: PullRun, answer: Answer, now: datetime
) -> None:
    """Tell that tags changed; or let the run go on with each rep."""
    tags, userids = answer
    if call.source is Source.TAGS:
        _compare_tags(session, call, subject, run, tags, now)
    else:
        subject.there = subject.known = 0
        completeness.start_contacts(session, run, call.account, userids, now)
    completeness.end(session, subject, run, now)


def _compare_tags(
    session: Session,
    call: Call,
    subject: PullSubject,
    run: PullRun,
    there: Sequence[CorpTag],
    now: datetime,
) -> None:
    news = compare.tags(there, tagging.corp_tags(session, call.account))
    if not news.number:
        return
    lost = news.number if completeness.baseline(session) is not None else 0
    found = Difference(What.TAGS, LONG_AGO, mark=compare.tags_mark(there))
    if tell(session, call.account, [found], now):
        kinds = {"new": len(news.new), "renamed": len(news.renamed), "gone": len(news.gone)}
        told = {name: number for name, number in kinds.items() if number}
        completeness.note(subject, run, told, lost, now)
