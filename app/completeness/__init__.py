"""Completeness: the platforms do not promise every callback, so we also look ourselves.

tick, begin                begin what is due, or now
claim, held, go_on, end    one call at a time, by any number of workers
compare                    what differs between a list and what we know (pure)
mark_of                    how a rep's side of a contact looked, in 32 bytes (pure)
body_of, translate         a difference as an inbox row, and back as a fact (pure)
figures, standings         how complete we are
"""

from app.completeness import compare
from app.completeness.calls import Call, claim, end, fail, go_on, held, is_due, note, see
from app.completeness.compare import Difference, What
from app.completeness.figures import (
    ALARM_ABOVE,
    LISTS,
    Figures,
    Standing,
    figures,
    recent_runs,
    standings,
)
from app.completeness.letter import SOURCE, body_of, partition_of, translate
from app.completeness.mark import mark_of
from app.completeness.models import (
    Kind,
    PullRun,
    PullSeen,
    PullSubject,
    RunState,
    Source,
    Stage,
)
from app.completeness.runs import (
    PULL,
    Accounts,
    baseline,
    begin,
    forget_old,
    open_run,
    start_contacts,
    tick,
)

__all__ = [
    "ALARM_ABOVE",
    "LISTS",
    "PULL",
    "SOURCE",
    "Accounts",
    "Call",
    "Difference",
    "Figures",
    "Kind",
    "PullRun",
    "PullSeen",
    "PullSubject",
    "RunState",
    "Source",
    "Stage",
    "Standing",
    "What",
    "baseline",
    "begin",
    "body_of",
    "claim",
    "compare",
    "end",
    "fail",
    "figures",
    "forget_old",
    "go_on",
    "held",
    "is_due",
    "mark_of",
    "note",
    "open_run",
    "partition_of",
    "recent_runs",
    "see",
    "standings",
    "start_contacts",
    "tick",
    "translate",
]
