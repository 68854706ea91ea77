"""Looks at the tables for work that no bell announced.

Each kind of work has a thread of its own, so that a backlog of one holds up no other: a welcome
may be sent for 20 seconds, however many events wait.
"""

from __future__ import annotations

from collections.abc import Callable

from app import delivery, inbox
from app.bootstrap import Parts
from app.flows.tagging import import_work
from workers.audiences import keep_audiences
from workers.concluding import conclude_due
from workers.context import events, messages
from workers.drain import drain_inbox
from workers.judging import look_at_due
from workers.linking import compare_due
from workers.mirroring import follow_names, keep_mirror
from workers.moments import keep_moments
from workers.nights import score_due
from workers.planning import run_due
from workers.receipts import poll_group_tasks
from workers.reconciling import pull_due
from workers.sending import send_due

MANY = 10_000  # at the end of a drain it waits for the last call that is under way
Stop = Callable[[], bool]


def look_for_events(parts: Parts, stop: Stop) -> int:
    """Handle what has arrived; returns how much there was."""
    brought = inbox.bring_in(parts.db, parts.spill)
    return brought + events.work(lambda: drain_inbox(parts, limit=MANY, stop=stop))


def look_for_messages(parts: Parts, stop: Stop) -> int:
    """Send what is due; returns how much there was."""
    return messages.work(lambda: send_due(parts, MANY, stop))


def look_for_plans(parts: Parts, stop: Stop) -> int:
    """Carry out runs, ask about group tasks, compare with the platforms and physicians with each
    other, look for tags that contradict each other; returns how much."""
    done = run_due(parts)
    if not stop():
        done += poll_group_tasks(parts, 20)
    if not stop():
        done += keep_moments(parts)
    if not stop():
        done += pull_due(parts, 10, stop)
    if not stop():
        done += compare_due(parts, stop)
    if not stop():
        done += look_at_due(parts, stop)
    return done


def look_for_changes(parts: Parts, stop: Stop) -> int:
    """Let audiences follow what has changed; returns how much."""
    return keep_audiences(parts, stop)


def look_for_conclusions(parts: Parts, stop: Stop) -> int:
    """Let automatic tags follow what has happened; returns how much."""
    return conclude_due(parts, stop)


def look_for_marks(parts: Parts, stop: Stop) -> int:
    """Let carriers of foreign names follow what was decided about them, and keep our tags in WeCom
    as they should be; returns how much there was to do."""
    return follow_names(parts, stop) + keep_mirror(parts, stop)


def look_for_files(parts: Parts, stop: Stop) -> int:
    """Take a file of tags, or take one back, as somebody has asked; returns how many."""
    with parts.db.reading() as session:
        if not import_work.is_due(session, parts.clock()):
            return 0
    return int(import_work.do_next(parts.db, parts.clock, stop))


def look_for_fits(parts: Parts, stop: Stop) -> int:
    """Work out everybody's best contents for the night that waits; returns how many shards."""
    return score_due(parts, stop)


AT_HOME = {delivery.DRAIN: "messages", inbox.DRAIN: "events"}
"""Bells that mean nothing but one of these looks."""
LOOKS = {
    "events": look_for_events, "messages": look_for_messages, "plans": look_for_plans,
    "changes": look_for_changes, "conclusions": look_for_conclusions, "marks": look_for_marks,
    "files": look_for_files, "fits": look_for_fits,
}  # fmt: skip


def poll_once(parts: Parts, stop: Stop = lambda: False) -> int:
    """Do what is due of every kind; returns how much there was."""
    return sum(look(parts, stop) for look in LOOKS.values() if not stop())
