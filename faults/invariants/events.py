"""I1, I2, I6: every acknowledged event is processed, once, in the order of arrival."""

from __future__ import annotations

from collections import Counter
from typing import Any

from app import inbox
from faults import company, ledger
from faults.invariants.effects import Row, Traces, doubled, missing, rows_of, traces_of
from faults.invariants.findings import Findings, Witnesses
from faults.sender import Posted
from faults.workload import EFFECTS

RECEIVERS = {"wecom": company.CORP, "oa": company.APP}


def check(found: Findings, seen: Witnesses) -> dict[str, Any]:
    """Compare what was acknowledged with what became of it."""
    rows = rows_of(seen.session)
    traces = traces_of(seen.session)
    lost = 0
    for posted in seen.posted:
        event = posted.event
        key = inbox.dedupe_key(event.platform, RECEIVERS[event.platform], event.body.encode())
        lost += _judge(found, posted, rows.get(key), traces, event.number in seen.poison)
    finished = ledger.finished(seen.session)
    _once(found, finished)
    _in_order(found, finished, {row.id: row.partition for row in rows.values() if not row.looked})
    return {"lost": lost}


def _judge(found: Findings, posted: Posted, row: Row | None, traces: Traces, poison: bool) -> int:
    """How many acknowledged effects of this event are lost."""
    event, expected = posted.event, EFFECTS[posted.event.kind]
    name = f"event {event.number} ({event.kind})"
    acked = bool(posted.acked_at)
    if row is None:
        if acked:
            found.note("I1", "acknowledged and not in the inbox", name)
        return acked
    if poison:
        if row.state != "dead":
            found.note("I1", "a poison event is not parked", f"{name} is {row.state}")
        return 0
    if row.state != expected.state:
        waits = row.state == "pending"
        if acked:
            what = "still pending" if waits else f"acknowledged and ended as {row.state}"
            found.note("I1", what, f"{name}, row {row.id}: {row.error}")
        return acked and not waits
    lost = list(missing(traces, row, event))
    for problem in lost:
        found.note("I1", f"processed without its effect: {problem}", f"{name}, row {row.id}")
    for problem in doubled(traces, row, event):
        found.note("I2", f"an effect happened twice: {problem}", f"{name}, row {row.id}")
    return len(lost)


def _once(found: Findings, finished: list[tuple[int, str]]) -> None:
    ended = Counter(event for event, state in finished if state != "dead")
    for event, times in ended.items():
        if times > 1:
            found.note("I2", "an event was finished more than once", f"row {event}: {times} times")


def _in_order(
    found: Findings, finished: list[tuple[int, str]], partitions: dict[int, bytes]
) -> None:
    last: dict[bytes, int] = {}
    for event, state in finished:
        if state == "dead" or event not in partitions:
            continue
        partition = partitions[event]
        if event < last.get(partition, 0):
            found.note("I6", "a later event of the contact was finished first", f"row {event}")
        last[partition] = max(event, last.get(partition, 0))
