"""Looking ourselves, one call at a time: claim, commit, ask, compare, commit."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType

from app import completeness
from app.completeness import Accounts, Call, Source
from app.connectors.errors import BadRequest, RateLimited
from app.flows import Outside
from app.flows.completeness import reconcile_contacts, reconcile_followers, reconcile_tags
from app.infra import log
from app.infra.clock import Clock
from app.infra.crashpoint import crashpoint
from app.infra.db import Database
from app.infra.errors import Permanent, YishuError

STORIES: dict[Source, ModuleType] = {
    Source.TAGS: reconcile_tags,
    Source.REPS: reconcile_tags,
    Source.CONTACTS: reconcile_contacts,
    Source.FOLLOWERS: reconcile_followers,
}
_log = log.get(__name__)


def accounts_of(outside: Outside) -> Accounts:
    """What is connected and has the secret that a call needs."""
    settings = outside.settings
    return Accounts(
        [corp_id for corp_id in outside.wecom if corp_id and settings.wecom_secret],
        [app_id for app_id in outside.official_accounts if app_id and settings.oa_secret],
    )


def pull_one(db: Database, outside: Outside, clock: Clock) -> bool:
    """Make the next call that is due; False when there is none."""
    with db.transaction() as session:
        call = completeness.claim(session, clock())
    if call is None:
        return False
    crashpoint("pull.claimed")
    try:
        _carry_out(db, outside, clock, call)
    except Exception as problem:  # any failure counts as an attempt, nothing may escape
        _note_failure(db, clock, call, problem)
    return True


def _carry_out(db: Database, outside: Outside, clock: Clock, call: Call) -> None:
    story = STORIES[call.source]
    with db.reading() as session:
        question = story.look(session, call)
    answer = story.ask(call, question, outside)
    crashpoint("pull.asked")
    with db.transaction() as session:
        found = completeness.held(session, call)
        if found is None:
            return  # another worker was faster, or another run has begun
        story.take(session, call, *found, answer, clock())
        crashpoint("pull.taken")
    crashpoint("pull.committed")


def _note_failure(db: Database, clock: Clock, call: Call, problem: Exception) -> None:
    kind = type(problem).__name__
    error = f"{kind}: {problem}" if isinstance(problem, YishuError) else kind
    wait = getattr(problem, "retry_after_s", None) if isinstance(problem, RateLimited) else None
    with db.transaction() as session:
        completeness.fail(
            session, call, error, clock(), final=isinstance(problem, Permanent),
            wait=timedelta(seconds=wait) if wait else None,
            restart=isinstance(problem, BadRequest) and bool(call.cursor),
        )  # fmt: skip
    _log.warning("pull failed", source=call.source, stage=call.stage, error=error)
