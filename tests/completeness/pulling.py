"""What the tests of completeness do and ask."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import completeness, consent, identity, journey, reps, tagging
from app.completeness import Kind, PullRun, RunState
from app.consent import ConsentEntry
from app.flows.completeness.reconcile import accounts_of
from app.identity import Identifier
from app.inbox import InboxEvent
from app.journey import Touchpoint
from app.tagging.models import Tag, TagAssertion
from tests.scenarios.conftest import LOOPBACK, Line
from workers.reconciling import pull_due


def begin(line: Line, kind: Kind = Kind.FULL) -> int:
    """A run that is due now."""
    now = line.clock()
    with line.parts.db.transaction() as session:
        run = completeness.begin(session, kind, now, accounts_of(line.parts.outside), now)
        assert run is not None
        return run.id


def pull(line: Line, kind: Kind = Kind.FULL) -> PullRun:
    """Pull everything now, and work through what it found."""
    line.clock.tick(minutes=5)  # nothing is on its way any more
    run_id = begin(line, kind)
    while pull_due(line.parts, 100):
        pass
    line.work()
    with line.parts.db.reading() as session:
        run = session.get_one(PullRun, run_id)
    assert (run.state, run.failed) == (RunState.DONE, 0)
    return run


def trouble(line: Line, **switches: Any) -> None:
    """Replace the trouble switches of the platforms."""
    LOOPBACK.post(f"{line.base}/sandbox/trouble", json=switches).raise_for_status()


def release(line: Line) -> int:
    """What was kept back arrives after all, and is worked through."""
    number: int = LOOPBACK.post(f"{line.base}/sandbox/release").json()["released"]
    line.work()
    return number


def reconciled(line: Line) -> list[str]:
    """Kinds of the inbox rows that pulls wrote, in order."""
    with line.parts.db.reading() as session:
        rows = session.scalars(
            select(InboxEvent.event_type)
            .where(InboxEvent.source == completeness.SOURCE)
            .order_by(InboxEvent.id)
        )
        return [kind.removeprefix("reconcile/") for kind in rows]


def snapshot(line: Line) -> dict[str, Any]:
    """Everything that callbacks about contacts, followers and tags lead to, by person."""
    with line.parts.db.reading() as session:
        people = {p.external_userid: key for key, p in line.world.persons.items()}
        people |= {p.openid: key for key, p in line.world.persons.items() if p.openid}
        people.pop("", None)
        rows = session.scalars(select(Identifier)).all()
        named = {row.id: people[row.value] for row in rows if row.value in people}
        return {
            "relations": sorted(_relations(session, named)),
            "one_ids": sorted(_one_ids(session, rows, named)),
            "tags": sorted(_tags(session, named)),
            "journey": sorted(_journey(session, named)),
            "consent": sorted(_consent(session, named)),
            "corp_tags": sorted(tagging.corp_tags(session, "wwtestcorp").values()),
            "waiting_names": sorted(name.raw for name in tagging.unmapped(session)),
        }


def _relations(session: Session, named: dict[int, str]) -> list[Any]:
    rows = session.execute(select(reps.RepContact, reps.Rep.userid).join(reps.Rep))
    return [
        (named[row.identifier_id], userid, row.state, row.remark or "", row.channel_state,
         row.since.isoformat())
        for row, userid in rows
    ]  # fmt: skip


def _one_ids(session: Session, rows: Any, named: dict[int, str]) -> list[Any]:
    return [(named[row.id], len(identity.identifiers_of(session, row.one_id))) for row in rows
            if row.id in named]  # fmt: skip


def _tags(session: Session, named: dict[int, str]) -> list[Any]:
    rows = session.execute(
        select(TagAssertion.identifier_id, Tag.key)
        .join(Tag, Tag.id == TagAssertion.tag_id)
        .where(TagAssertion.superseded_at.is_(None))
    )
    return [(named[row.identifier_id], row.key) for row in rows]


def _journey(session: Session, named: dict[int, str]) -> list[Any]:
    """Without the times of ends, which a look cannot know, and without what we sent."""
    rows = session.execute(
        select(Touchpoint, reps.Rep.userid).outerjoin(reps.Rep, reps.Rep.id == Touchpoint.rep_id)
    )
    ends = journey.Happened.CONTACT_REMOVED
    return [
        (named[row.identifier_id], row.kind, userid or "",
         "" if row.kind == ends else row.at.isoformat(), (row.detail or {}).get("channel") or "")
        for row, userid in rows
        if row.kind != journey.Happened.MESSAGE_SENT
    ]  # fmt: skip


def _consent(session: Session, named: dict[int, str]) -> list[Any]:
    rows = session.scalars(select(ConsentEntry))
    return [(named[r.identifier_id], r.action, r.source, r.channel, r.at.isoformat()) for r in rows]


def count(session: Session, model: Any) -> int:
    """Rows of a table."""
    return session.scalar(select(func.count()).select_from(model)) or 0


__all__ = [
    "begin", "consent", "count", "pull", "reconciled", "release", "snapshot", "trouble",
]  # fmt: skip
