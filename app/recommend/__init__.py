"""Suggestions: physician × content × way × time with reasons, for one rep."""

from app.recommend.answers import REFUSALS, Answer, answer, get_suggestion, of_rep, tomorrow
from app.recommend.explain import ago, reasons
from app.recommend.models import DailyPlan, State, Suggestion, SuggestionAnswer
from app.recommend.plan import Candidate, choose
from app.recommend.scoring import Piece, Scored, Scorer

__all__ = [
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
    "ago",
    "answer",
    "choose",
    "get_suggestion",
    "of_rep",
    "reasons",
    "tomorrow",
]
