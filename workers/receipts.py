"""Asking about group tasks: read what waits, ask outside any transaction, write down."""

from __future__ import annotations

from app.bootstrap import Parts
from app.flows.sending.poll_group_tasks import ask, note_answer, questions
from app.infra import log
from app.infra.errors import Permanent, Transient

_log = log.get(__name__)


def poll_group_tasks(parts: Parts, limit: int = 50) -> int:
    """Ask about the group tasks whose time has come; returns how many."""
    with parts.db.reading() as session:
        waiting = questions(session, parts.clock(), limit)
    for question in waiting:
        try:
            result = ask(question, parts.outside.wecom)
        except (Transient, Permanent) as problem:
            _log.warning(
                "group task not asked", dispatch_id=question.dispatch_id,
                error=type(problem).__name__,
            )  # fmt: skip
            result = None
        with parts.db.transaction() as session:
            note_answer(session, question, result, parts.clock())
    return len(waiting)
