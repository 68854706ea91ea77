"""Tags that follow from behaviour, words found in texts, and what content is missing.

create, revise, switch, ask_test    writing rules, and switching them on and off
listing, show, versions, carriers   rules for pages; naming_tag: those that name a tag
naming, follow_rename               rules that name a segment, list or campaign
check_segment                       no rule follows from itself by a segment
sentence, retold                    a rule, and the evidence that it gave, as a sentence in a
                                    reader's language
fold, sweep, is_due, is_sweep_due   keeping what rules say up to date
is_test_due, try_next              trying a rule on the past
seed                                rules to begin with
suggested                           tags that a text speaks of, with the places
coverage                            tags, audiences and contents without each other
"""

from app.autotag.audiences import check_segment, follow_rename, naming
from app.autotag.backtest import is_test_due, try_next
from app.autotag.coverage import Coverage, coverage, coverage_json
from app.autotag.following import fold, is_due, is_sweep_due, sweep
from app.autotag.journeys import Library
from app.autotag.life import NAMES as STATE_NAMES
from app.autotag.life import State, Switch
from app.autotag.live import Words
from app.autotag.manage import Shown, ask_test, checked, create, revise, rule_of, switch
from app.autotag.models import TagRule, TagRuleTest, TestState
from app.autotag.phrases import retold
from app.autotag.reading import carriers, listing, naming_tag, show, sweeping, versions
from app.autotag.sentence import sentence
from app.autotag.spoken import suggested
from app.autotag.starter import seed
from app.autotag.suggest import Suggestion

__all__ = [
    "STATE_NAMES",
    "Coverage",
    "Library",
    "Shown",
    "State",
    "Suggestion",
    "Switch",
    "TagRule",
    "TagRuleTest",
    "TestState",
    "Words",
    "ask_test",
    "carriers",
    "check_segment",
    "checked",
    "coverage",
    "coverage_json",
    "create",
    "fold",
    "follow_rename",
    "is_due",
    "is_sweep_due",
    "is_test_due",
    "listing",
    "naming",
    "naming_tag",
    "retold",
    "revise",
    "rule_of",
    "seed",
    "sentence",
    "show",
    "suggested",
    "sweep",
    "sweeping",
    "switch",
    "try_next",
    "versions",
]
