"""The one vocabulary and who asserts what about whom.

seed                 the starter vocabulary
map_name             a foreign tag name → our tag, or the queue of unknown names
take_names           a source's whole list of names: known ones are assertions, unknown ones wait
fold_name, make_tag, ignore_name   an unknown name means this tag, is one, or means nothing
undo, folding_history, preview     taken back, listed, looked at before
assert_tag           one assertion, once per evidence
replace_from_source  a source's whole list of tags: missing ones are superseded
weights, reasons     what holds now, how strongly, and why
held, lines_of, shape   how strongly every tag holds for one person, and until when
keywords_in          tags that a text speaks of
keep_corp_tags, corp_tags   the corp's own list, as WeCom showed it last
"""

from app.tagging import suggesting
from app.tagging.assign import assert_tag, replace_from_source, supersede
from app.tagging.corp_tags import corp_tags, keep_corp_tags, tags_deleted_at
from app.tagging.fold_looks import Preview, batch_of, folded_by, folding_history, is_undone, preview
from app.tagging.fold_models import FoldKind, TagFolding
from app.tagging.folding import has_names_of, map_name, take_names, unmapped
from app.tagging.foldings import fold_name, ignore_name, make_tag, settle
from app.tagging.held import Held, Line, held
from app.tagging.models import (
    NameState,
    Owner,
    Sensitivity,
    Source,
    Tag,
    TagCategory,
    UnmappedName,
)
from app.tagging.naming import why_forbidden
from app.tagging.read import Reason, Weight, holders, lines_of, reasons, weights
from app.tagging.shape import Shape, shape
from app.tagging.suggesting import Suggestion
from app.tagging.unfolding import undo
from app.tagging.vocabulary import (
    add_synonym,
    add_tag,
    by_key,
    by_name,
    categories,
    id_of,
    keywords_in,
    retire,
    seed,
    synonyms_of,
    tags,
)

__all__ = [
    "FoldKind",
    "Held",
    "Line",
    "NameState",
    "Owner",
    "Preview",
    "Reason",
    "Sensitivity",
    "Shape",
    "Source",
    "Suggestion",
    "Tag",
    "TagCategory",
    "TagFolding",
    "UnmappedName",
    "Weight",
    "add_synonym",
    "add_tag",
    "assert_tag",
    "batch_of",
    "by_key",
    "by_name",
    "categories",
    "corp_tags",
    "fold_name",
    "folded_by",
    "folding_history",
    "has_names_of",
    "held",
    "holders",
    "id_of",
    "ignore_name",
    "is_undone",
    "keep_corp_tags",
    "keywords_in",
    "lines_of",
    "make_tag",
    "map_name",
    "preview",
    "reasons",
    "replace_from_source",
    "retire",
    "seed",
    "settle",
    "shape",
    "suggesting",
    "supersede",
    "synonyms_of",
    "tags",
    "tags_deleted_at",
    "take_names",
    "undo",
    "unmapped",
    "weights",
    "why_forbidden",
]
