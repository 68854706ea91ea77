"""Ringing again for what waits, because bells get lost. Any number of sweepers may run.

`sweep` and `mend` run in every scheduler; `tick` is left to the one that leads, which only saves
work: every due time has one row, whoever writes it.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import campaigns, completeness, content, delivery, identity, inbox, linkage, segments
from app.bootstrap import Parts
from app.flows.campaigns import take_over
from app.flows.completeness.reconcile import accounts_of
from app.flows.identity.hospitals import follow
from app.flows.identity.identity_figures import identity_figures
from app.flows.tagging import import_tags
from app.infra import leader
from app.infra.clock import local
from app.infra.crashpoint import crashpoint
from app.infra.queue import FAST, NORMAL

RECEIPTS = "workers.jobs.sends.receipts"
RUN = "workers.jobs.plans.run"
OFFICE = "schedules"  # what schedulers lead in
FROZEN_S = 5  # a process that stands still in a tick loses its transaction, and with it its locks


def sweep(parts: Parts) -> None:
    """Ring for inbox events and messages that are due."""
    inbox.bring_in(parts.db, parts.spill)
    now = parts.clock()
    with parts.db.reading() as session:
        urgent = inbox.is_due(session, now, urgent=True)
        events = urgent or inbox.is_due(session, now, urgent=False)
        messages = bool(delivery.due(session, now, 1))
        receipts = bool(delivery.awaiting_receipt(session, now, 1))
    if events:
        parts.db.bell.ring(inbox.DRAIN, lane=FAST if urgent else NORMAL)
    if messages:
        parts.db.bell.ring(delivery.DRAIN)
    if receipts:
        parts.db.bell.ring(RECEIPTS)


def mend(parts: Parts) -> None:
    """What a dead worker or a clock that was set back has left behind waits no longer, and what
    was to be erased when it is over is erased."""
    with parts.db.transaction() as session:
        delivery.expire_leases(session, parts.clock())
        delivery.pull_back(session, parts.clock())
        inbox.pull_back(session, parts.clock())
        delivery.erase_marked(session)
    with parts.db.reading() as session:
        waiting = [run.id for run in campaigns.unfinished(session, parts.clock())]
    for run_id in waiting:
        parts.db.bell.ring(RUN, run_id)


def begin_versions(parts: Parts) -> int:
    """Approved versions whose day has come take the place of those before them; how many."""
    with parts.db.reading() as session:
        waiting = sorted(content.replaced(session, parts.clock()))
    begun = 0
    for version_id in waiting:
        with parts.db.transaction() as session:
            begun += take_over.begin(session, version_id, parts.clock())
    return begun


def tick(parts: Parts, term: int = 0) -> int:
    """Let schedules write their due runs; returns how many were new.

    With a `term`, everything is written under it. Raises Deposed when the term is over; then
    nothing was written.
    """
    made = 0
    while _is_due(parts):
        with parts.db.transaction() as session:
            _end_when_frozen(session)
            made += campaigns.tick(session, parts.clock(), term=term)
            crashpoint("tick.written")
            if term:
                leader.fence(session, OFFICE, term)
        crashpoint("tick.committed")
    _plan_pulls(parts, term)
    return made


def _plan_pulls(parts: Parts, term: int) -> None:
    """Write the pulls that are due: hourly slices and the nightly whole."""
    with parts.db.transaction() as session:
        _end_when_frozen(session)
        completeness.tick(session, accounts_of(parts.outside), parts.clock())
        if term:
            leader.fence(session, OFFICE, term)


def keep_plans(parts: Parts, term: int = 0) -> int:
    """Bring the daily plans in line with the reps; returns how many changed. Raises Deposed."""
    changed = 0
    while True:
        with parts.db.reading() as session:
            if not campaigns.daily_plans_differ(session):
                return changed
        with parts.db.transaction() as session:
            _end_when_frozen(session)
            changed += campaigns.keep_daily_plans(session, parts.clock())
            if term:
                leader.fence(session, OFFICE, term)


def keep_quality(parts: Parts) -> bool:
    """Note today's figures of the identity graph and clear what is no question any more, whoever
    comes first; True when they were written."""
    now = parts.clock()
    today = local(now).date()
    with parts.db.reading() as session:
        if identity.quality.is_kept(session, today):
            return False
        figures = identity_figures(session, now)  # outside: it walks over everything
    with parts.db.transaction() as session:
        linkage.tidy(session, now)
        return identity.quality.keep(session, today, figures, now)


def keep_uploads(parts: Parts) -> None:
    """Files with tags that nobody confirmed are not kept."""
    with parts.db.reading() as session:
        if not import_tags.are_stale(session, parts.clock()):
            return
    with parts.db.transaction() as session:
        import_tags.drop_stale(session, parts.clock())


def keep_lists(parts: Parts) -> int:
    """Drafts of lists that nobody has confirmed are forgotten with what their files said; how
    many."""
    with parts.db.reading() as session:
        if not segments.lists.has_old_drafts(session, parts.clock()):
            return 0
    with parts.db.transaction() as session:
        return segments.lists.forget_old_drafts(session, parts.clock())


def keep_desk(parts: Parts) -> int:
    """Conflicts between evidence and rules become cases of the review desk; how many new."""
    with parts.db.reading() as session:
        if not linkage.are_behind(session):
            return 0
    with parts.db.transaction() as session:
        return linkage.take_conflicts(session, parts.clock())


def keep_hospitals(parts: Parts) -> int:
    """Physicians whom a decision about a hospital's name has not reached, because whoever made it
    was interrupted; how many changed."""
    with parts.db.reading() as session:
        if not identity.institutions.is_behind(session):
            return 0
    return follow(parts.db)


def _is_due(parts: Parts) -> bool:
    with parts.db.reading() as session:
        return campaigns.is_due(session, parts.clock())


def _end_when_frozen(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        limit = f"{FROZEN_S}s"
        session.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{limit}'"))
        session.execute(text(f"SET LOCAL lock_timeout = '{limit}'"))
