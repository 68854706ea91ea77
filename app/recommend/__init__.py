"""Suggestions: physician × content × way × time with reasons, for one rep.

scoring, plan, timing and explain are pure; `flows/plan_day` brings them together with the data.
"""

from app.recommend import timing
from app.recommend.answers import (
    REFUSALS,
    Answer,
    answer,
    count_of_day,
    expire_unanswered,
    get_suggestion,
    is_muted,
    mute,
    of_rep,
    tomorrow,
)
from app.recommend.attention import brand_fee, reserve_prices
from app.recommend.explain import ago, reasons
from app.recommend.models import DailyPlan, State, Suggestion, SuggestionAnswer
from app.recommend.plan import Candidate, Together, Wish, choose, together
from app.recommend.scoring import Piece, Scored, Scorer, saturation
from app.recommend.words import LEFT_OUT

__all__ = [
    "LEFT_OUT",
    "REFUSALS",
    "Answer",
    "Candidate",
    "DailyPlan",
    "Piece",
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
    "expire_unanswered",
    "get_suggestion",
    "is_muted",
    "mute",
    "of_rep",
    "reasons",
    "reserve_prices",
    "saturation",
    "timing",
    "together",
    "tomorrow",
]
