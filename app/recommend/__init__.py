"""Suggestions: physician × content × way × time with reasons, for one rep.

fit     how well contents fit, and why
day     the few suggestions of a day, and what reps answer
taught  what answers teach (numpy, the extra `recommend`)
policy  how suggestions are chosen, tried and judged
proof   the same scorer measured on any data set
models  suggestions and plans

`flows/planning/plan_day` brings them together with the data.
"""

from app.recommend.day import later, timing, way, way_rates
from app.recommend.day.answers import (
    BESIDE,
    REFUSALS,
    Answer,
    answer,
    count_of_day,
    expire_unanswered,
    give_up,
    hold,
    is_muted,
    mute,
    muted,
    of_rep,
    reopen,
    tomorrow,
)
from app.recommend.day.attention import brand_fee, reserve_prices
from app.recommend.day.plan import Candidate, Ranked, Together, Wish, choose, together
from app.recommend.day.words import LEFT_OUT
from app.recommend.fit import near, reading
from app.recommend.fit.explain import ago, reasons
from app.recommend.fit.kept import current, keep, learned_on
from app.recommend.fit.response import DAY_0, Response
from app.recommend.fit.scoring import Piece, Scored, Scorer, saturation
from app.recommend.fit.table import FastScorer, scorer
from app.recommend.models import (
    DailyPlan,
    LearnedResponse,
    State,
    Suggestion,
    SuggestionAnswer,
)
from app.recommend.policy import explore
from app.recommend.taught import heads

__all__ = [
    "BESIDE",
    "DAY_0",
    "LEFT_OUT",
    "REFUSALS",
    "Answer",
    "Candidate",
    "DailyPlan",
    "FastScorer",
    "LearnedResponse",
    "Piece",
    "Ranked",
    "Response",
    "Scored",
    "Scorer",
    "State",
    "Suggestion",
    "SuggestionAnswer",
    "Together",
    "Wish",
    "ago",
    "answer",
    "brand_fee",
    "choose",
    "count_of_day",
    "current",
    "expire_unanswered",
    "explore",
    "give_up",
    "heads",
    "hold",
    "is_muted",
    "keep",
    "later",
    "learned_on",
    "mute",
    "muted",
    "near",
    "of_rep",
    "reading",
    "reasons",
    "reopen",
    "reserve_prices",
    "saturation",
    "scorer",
    "timing",
    "together",
    "tomorrow",
    "way",
    "way_rates",
]
