"""I1–I10, from three witnesses: the database, the platform's ledger, and the sender.

I1   acknowledged is processed, with the effect that the event must have
I2   nothing is processed twice, judged by a ledger that no unique key protects
I3   nobody gets a message twice
I4   what was not delivered is visible with a reason; what counts as sent was delivered
I5   relations and tags are those of the platform
I6   per contact in order of arrival; no member gets more than the platform lets through
I7   nothing waits: no event, no message, no run, no spilled line
I8   no personal data and no secret in logs and files
I9   the chain of the audit holds
I10  each due time of a schedule has one run
"""

from __future__ import annotations

from typing import Any

from app import accounts
from faults.invariants import contacts, events, leaks, messages, rest
from faults.invariants.findings import Finding, Findings, Witnesses


def check(seen: Witnesses) -> tuple[Findings, dict[str, Any]]:
    """What does not hold, and figures."""
    found = Findings()
    figures: dict[str, Any] = {}
    for part in (events, messages, contacts, rest, leaks):
        figures |= part.check(found, seen)
    broken = accounts.verify_audit(seen.session)
    if broken is not None:
        found.note("I9", "the audit chain is broken", broken)
    return found, figures


__all__ = ["Finding", "Findings", "Witnesses", "check"]
