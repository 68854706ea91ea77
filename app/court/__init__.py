"""The tag court: what contradicts itself about a physician, who is right, and how often who is.

examine, examine_due      contradictions become cases; sure ones settle themselves
mark, mark_ripened        whom to look at, because something has changed
next_for, pace, listing   what waits for whom
decide, undo, appeal      verdicts, their exact undoing, and a second person
evidence                  what both sides have to say
learn, truth              how reliable sources are, from what physicians open
retirements               tags that predict nothing
"""

from app.court.decide import appeal, decide, erase, get, undo
from app.court.due import are_due, is_night, mark, mark_everybody, mark_ripened
from app.court.evidence import Evidence, Told, evidence
from app.court.examine import examine, examine_due
from app.court.learning import learn
from app.court.models import (
    CaseEvent,
    CaseState,
    RetirementState,
    TagCase,
    TagCaseEvent,
    TagCourt,
    TagRetirement,
)
from app.court.queue import (
    DECIDES,
    Pace,
    Viewer,
    count_by_state,
    events,
    find_visible,
    last_of,
    listing,
    may_decide,
    may_undo,
    next_for,
    pace,
    sees,
)
from app.court.rules import Kind, Verdict, options
from app.court.terms import (
    Words,
    is_learning_due,
    learned_at,
    set_settle_at,
    settle_at,
    words,
)
from app.court.truth import Truth, decide_retirement, retirements, truth

__all__ = [
    "DECIDES",
    "CaseEvent",
    "CaseState",
    "Evidence",
    "Kind",
    "Pace",
    "RetirementState",
    "TagCase",
    "TagCaseEvent",
    "TagCourt",
    "TagRetirement",
    "Told",
    "Truth",
    "Verdict",
    "Viewer",
    "Words",
    "appeal",
    "are_due",
    "count_by_state",
    "decide",
    "decide_retirement",
    "erase",
    "events",
    "evidence",
    "examine",
    "examine_due",
    "find_visible",
    "get",
    "is_learning_due",
    "is_night",
    "last_of",
    "learn",
    "learned_at",
    "listing",
    "mark",
    "mark_everybody",
    "mark_ripened",
    "may_decide",
    "may_undo",
    "next_for",
    "options",
    "pace",
    "retirements",
    "sees",
    "set_settle_at",
    "settle_at",
    "truth",
    "undo",
    "words",
]
