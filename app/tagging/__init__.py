"""The one vocabulary and who asserts what about whom.

seed                 the starter vocabulary
map_name             a foreign tag name → our tag, or the queue of unknown names
assert_tag           one assertion, once per evidence
replace_from_source  a source's whole list: missing ones are superseded
weights, reasons     what holds now, how strongly, and why
keywords_in          tags that a text speaks of
"""

from app.tagging.assign import assert_tag, replace_from_source, supersede
from app.tagging.models import Owner, Source, Tag, TagCategory, UnmappedName
from app.tagging.read import Reason, Weight, holders, reasons, weights
from app.tagging.vocabulary import (
    add_tag,
    by_key,
    by_name,
    categories,
    fold_unmapped,
    keywords_in,
    map_name,
    seed,
    tags,
    unmapped,
)

__all__ = [
    "Owner",
    "Reason",
    "Source",
    "Tag",
    "TagCategory",
    "UnmappedName",
    "Weight",
    "add_tag",
    "assert_tag",
    "by_key",
    "by_name",
    "categories",
    "fold_unmapped",
    "holders",
    "keywords_in",
    "map_name",
    "reasons",
    "replace_from_source",
    "seed",
    "supersede",
    "tags",
    "unmapped",
    "weights",
]
