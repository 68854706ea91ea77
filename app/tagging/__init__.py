"""The one vocabulary and who asserts what about whom.

seed                 the starter vocabulary
map_name             a foreign tag name → our tag, or the queue of unknown names
take_names           a source's whole list of names: known ones are assertions, unknown ones wait
fold_unmapped        an unknown name means this tag, also for everybody who carries it
assert_tag           one assertion, once per evidence
replace_from_source  a source's whole list of tags: missing ones are superseded
weights, reasons     what holds now, how strongly, and why; history: what was said when
trust, learn, fix    how reliable a source is about a tag: learned, or set by hand
overrule, reinstate  what a verdict supersedes, and its undoing
held, lines_of, shape   how strongly every tag holds for one person, and until when
keywords_in          tags that a text speaks of
versions, document, moving   every change of the vocabulary is a version; assertions move with it
standing, names_for_reps, without_hidden   what a merged tag stands for; what reps may see
keep_corp_tags, corp_tags   the corp's own list, as WeCom showed it last
"""

from app.tagging import checking, differences, document, moving, refusals, stored, versions
from app.tagging.assign import assert_tag, overrule, reinstate, replace_from_source, supersede
from app.tagging.corp_tags import corp_tags, keep_corp_tags, tags_deleted_at
from app.tagging.folding import fold_unmapped, map_name, suggest, take_names, unmapped
from app.tagging.held import Held, Line, held
from app.tagging.models import (
    Owner,
    Sensitivity,
    Source,
    Tag,
    TagCategory,
    TagReliability,
    TagReliabilityChange,
    UnmappedName,
)
from app.tagging.read import (
    Reason,
    Story,
    Weight,
    history,
    holders,
    lines_of,
    reasons,
    weights,
)
from app.tagging.reliability import (
    ANY_TAG,
    LEARNED_FROM,
    Learned,
    Trust,
    fix,
    learn,
    release,
    reliabilities,
    reliability_changes,
    trust,
)
from app.tagging.rules import prior
from app.tagging.shape import Shape, shape
from app.tagging.vocabulary import (
    add_synonym,
    add_tag,
    by_key,
    by_name,
    categories,
    forbidden,
    id_of,
    keywords_in,
    merged_into,
    names_for_reps,
    retire,
    seed,
    standing,
    synonyms_of,
    tags,
    why_forbidden,
    without_hidden,
)

__all__ = [
    "ANY_TAG",
    "LEARNED_FROM",
    "Held",
    "Learned",
    "Line",
    "Owner",
    "Reason",
    "Sensitivity",
    "Shape",
    "Source",
    "Story",
    "Tag",
    "TagCategory",
    "TagReliability",
    "TagReliabilityChange",
    "Trust",
    "UnmappedName",
    "Weight",
    "add_synonym",
    "add_tag",
    "assert_tag",
    "by_key",
    "by_name",
    "categories",
    "checking",
    "corp_tags",
    "differences",
    "document",
    "fix",
    "fold_unmapped",
    "forbidden",
    "held",
    "history",
    "holders",
    "id_of",
    "keep_corp_tags",
    "keywords_in",
    "learn",
    "lines_of",
    "map_name",
    "merged_into",
    "moving",
    "names_for_reps",
    "overrule",
    "prior",
    "reasons",
    "refusals",
    "reinstate",
    "release",
    "reliabilities",
    "reliability_changes",
    "replace_from_source",
    "retire",
    "seed",
    "shape",
    "standing",
    "stored",
    "suggest",
    "supersede",
    "synonyms_of",
    "tags",
    "tags_deleted_at",
    "take_names",
    "trust",
    "unmapped",
    "versions",
    "weights",
    "why_forbidden",
    "without_hidden",
]
