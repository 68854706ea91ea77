"""What events leave behind, and whether each left what it must, once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.connectors.payload import read
from app.consent.models import ConsentEntry
from app.delivery import Dispatch
from app.flows.sending.sent import not_sent_key
from app.inbox import InboxEvent
from app.journey import Touchpoint
from app.links import TrackedLink
from app.recommend import SuggestionAnswer
from faults.workload import EFFECTS, Event

SAME_WITHIN = timedelta(seconds=10)  # a look and a callback that far apart are one happening


@dataclass(slots=True)
class Row:
    """An event in the inbox."""

    id: int
    partition: bytes
    state: str
    error: str
    at: datetime | None
    looked: bool  # written by a comparison of our own, whose transaction may end later


@dataclass(frozen=True, slots=True)
class Traces:
    """Everything that events may have left behind."""

    touchpoints: set[str]
    consents: Counter[str]
    dispatches: set[str]
    answers: set[str]
    read_again: Counter[int]
    links: Counter[int]
    not_got: set[int]  # suggestions of which no message left: links are gone, the rep is told
    pulled: dict[tuple[bytes, str], list[datetime]]  # what a comparison noted, by partition, kind

    def told(self, row: Row, kind: str) -> bool:
        """True when a comparison with the platform noted this first, as the product counts it.

        What was noted once stands for one callback.
        """
        noted = self.pulled.get((row.partition, kind), [])
        for at in noted:
            if row.at is not None and abs(at - row.at) <= SAME_WITHIN:
                noted.remove(at)
                return True
        return False


def rows_of(session: Session) -> dict[bytes, Row]:
    """The inbox, by dedupe key."""
    chosen = select(
        InboxEvent.dedupe_key, InboxEvent.id, InboxEvent.partition, InboxEvent.state,
        InboxEvent.error, InboxEvent.occurred_at, InboxEvent.source,
    )  # fmt: skip
    return {
        key: Row(number, partition, state, error, at, source == "reconcile")
        for key, number, partition, state, error, at, source in session.execute(chosen)
    }


def traces_of(session: Session) -> Traces:
    """Read them all."""
    noted = session.execute(select(Touchpoint.ref, Touchpoint.kind, Touchpoint.at)).all()
    linked = select(TrackedLink.suggestion_id).where(TrackedLink.suggestion_id.is_not(None))
    keys = set(session.scalars(select(Dispatch.dedupe_key)))
    return Traces(
        touchpoints={one.ref for one in noted},
        consents=Counter(session.scalars(select(ConsentEntry.evidence))),
        dispatches=keys,
        answers=set(session.scalars(select(SuggestionAnswer.ref))),
        read_again=_read_again(session),
        links=Counter(session.scalars(linked)),
        not_got=_not_got(session, keys),
        pulled=_pulled(session, [(one.ref, one.kind, one.at) for one in noted]),
    )


def missing(traces: Traces, row: Row, event: Event) -> Iterator[str]:
    """What the event should have left and did not."""
    expected, ref = EFFECTS[event.kind], f"inbox:{row.id}"
    if expected.touchpoint and ref not in traces.touchpoints and traces.told(row, event.kind):
        expected = replace(expected, touchpoint=False, consent=False)
    if expected.touchpoint and ref not in traces.touchpoints:
        yield "touchpoint"
    if expected.consent and not traces.consents[ref]:
        yield "consent"
    message = expected.dispatch.format(ref=ref, code=event.code)
    if message and message not in traces.dispatches:
        yield "message"
    if expected.answer and ref not in traces.answers:
        yield "answer"
    if expected.read_again and not traces.read_again[row.id]:
        yield "reading the contact"
    suggestion = _suggestion(event) if expected.link else 0
    if expected.link and not traces.links[suggestion] and suggestion not in traces.not_got:
        yield "link"


def doubled(traces: Traces, row: Row, event: Event) -> Iterator[str]:
    """What it left twice, although no unique key would have prevented it."""
    if traces.consents[f"inbox:{row.id}"] > 1:
        yield "consent"
    if traces.read_again[row.id] > 1:
        yield "reading the contact"
    if EFFECTS[event.kind].link and traces.links[_suggestion(event)] > 1:
        yield "link"


def _not_got(session: Session, keys: set[str]) -> set[int]:
    """Adopted, but cancelled before it left, as when a clock jumped past the time it was good for:
    nobody has the link, so it is taken back. The rep is told of each by a message of its own; one
    of which nothing was told must have its link."""
    carries = Dispatch.suggestion_id.is_not(None), Dispatch.counts_as_contact.is_(True)
    rows = session.execute(select(Dispatch.id, Dispatch.suggestion_id).where(*carries)).all()
    kept = {row.suggestion_id for row in rows if not_sent_key(row.id) not in keys}
    return {row.suggestion_id for row in rows} - kept


def _read_again(session: Session) -> Counter[int]:
    """How often each event asked for its contact to be read again later."""
    chosen = select(InboxEvent.body).where(
        InboxEvent.event_type == "change_external_contact/read_again", InboxEvent.body != b""
    )
    bodies = session.scalars(chosen.execution_options(yield_per=1000))
    return Counter(int(read(body).text("After").split()[0]) for body in bodies)


def _pulled(
    session: Session, noted: list[tuple[str, str, datetime]]
) -> dict[tuple[bytes, str], list[datetime]]:
    looks = select(InboxEvent.id, InboxEvent.partition).where(InboxEvent.source == "reconcile")
    looked = {f"inbox:{row.id}": row.partition for row in session.execute(looks)}
    pulled: dict[tuple[bytes, str], list[datetime]] = defaultdict(list)
    for ref, kind, at in noted:
        if ref in looked:
            pulled[looked[ref], kind].append(at)
    return pulled


def _suggestion(event: Event) -> int:
    return int(read(event.body.encode()).text("TaskId").rpartition("-")[2])
