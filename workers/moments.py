"""Moments: look at each that is due, ask outside any transaction, write down."""

from __future__ import annotations

from app import delivery
from app.bootstrap import Parts
from app.flows.sending import moments
from app.flows.sending.moment_asked import ask
from app.infra import log

_log = log.get(__name__)


def keep_moments(parts: Parts, limit: int = 20) -> int:
    """Bring the moments whose time has come a step further; returns how many."""
    with parts.db.reading() as session:
        due = delivery.moments.due_moments(session, parts.clock(), limit)
    for row_id in due:
        with parts.db.transaction() as session:
            question = moments.look(session, row_id, parts.clock())
        if question is None:
            continue
        answer = ask(question, parts.outside.wecom)
        if answer.problem is not None:
            kind = type(answer.problem).__name__
            _log.warning("moment not asked", moment=row_id, step=question.step, error=kind)
        with parts.db.transaction() as session:
            moments.note(session, question, answer, parts.clock())
    return len(due)
