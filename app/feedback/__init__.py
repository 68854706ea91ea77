"""What reps say beyond a tap, and what follows from it.

claims     “not my physician”: a queue that staff decide
rules      reasons in own words become rules that marketing approves
reading    what such words ask for (pure)
"""

from app.feedback import claims, reading, rules
from app.feedback.models import (
    ClaimState,
    RefusalNote,
    RelationClaim,
    RuleState,
    Scope,
    StopRule,
    StopRuleVersion,
)

__all__ = [
    "ClaimState",
    "RefusalNote",
    "RelationClaim",
    "RuleState",
    "Scope",
    "StopRule",
    "StopRuleVersion",
    "claims",
    "reading",
    "rules",
]
