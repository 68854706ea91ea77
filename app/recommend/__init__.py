"""Suggestions: physician × content × way × time with reasons, for one rep.

scoring, response, reading, near, explore, plan, timing and explain are pure; `flows/plan_day`
brings them together with the data. learning, laplace, neighbours, table and kernel need numpy (the
extra `recommend`); `proof` measures.
"""

from app.recommend import explore, heads, later, near, reading, timing, way, way_rates
from app.recommend.answers import (
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
    of_rep,
    reopen,
    tomorrow,
)
from app.recommend.attention import brand_fee, reserve_prices
from app.recommend.explain import ago, reasons
from app.recommend.kept import current, keep, learned_on
from app.recommend.models import (
    DailyPlan,
    LearnedResponse,
    State,
    Suggestion,
    SuggestionAnswer,
)
from app.recommend.plan import Candidate, Ranked, Together, Wish, choose, together
from app.recommend.response import DAY_0, Response
from app.recommend.scoring import Piece, Scored, Scorer, saturation
from app.recommend.table import FastScorer, scorer
from app.recommend.words import LEFT_OUT

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
