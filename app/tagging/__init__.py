"""The one vocabulary and who asserts what about whom.

seed                 the starter vocabulary
map_name             a foreign tag name → our tag, or the queue of unknown names
take_names           a source's whole list of names: known ones are assertions, unknown ones wait
fold_names, make_tags, ignore_names   unknown names mean these tags, are some, or mean nothing
follow, settle                     whoever carries such names follows, piece by piece
undo, folding_history, preview     taken back, listed, looked at before
assert_tag           one assertion, once per evidence
weights, reasons     what holds now, how strongly, and why; history: what was said when
trust, learn, fix    how reliable a source is about a tag: learned, or set by hand
overrule, reinstate  what a verdict supersedes, and its undoing
withdraw             sources say something no more, verdict or not
delete_own, restore_own, deleted_own   the physician's own word against a tag
held, lines_of, shape   how strongly every tag holds for one person, and until when
keywords_in          tags that a text speaks of
versions, document, moving   every change of the vocabulary is a version; assertions move with it
standing, names_for_reps, without_hidden   what a merged tag stands for; what reps may see
plan_people, read_side, own_marks   our tags on the sides of contacts in WeCom
keep_corp_tags, corp_tags   the corp's own list, as WeCom showed it last
"""

from app.tagging import checking, differences, document, moving, refusals, stored, versions
from app.tagging.assign import (
    STANDS,
    assert_tag,
    overrule,
    reinstate,
    release_overruled,
    supersede,
    withdraw,
)
from app.tagging.held import Held, Line, held
from app.tagging.in_arrays import in_arrays
from app.tagging.lexicon import LEXICON
from app.tagging.mirror import mark_calls, marks, mirror_list, mirror_rules
from app.tagging.mirror.corp_tags import corp_tags, keep_corp_tags, note_corp_tag, tags_deleted_at
from app.tagging.mirror.mark_calls import Todo
from app.tagging.mirror.marks import (
    SideRead,
    forget_side,
    hold_plan,
    own_marks,
    plan_people,
    read_side,
)
from app.tagging.mirror.mirror_figures import counts_by_tag, mirrors
from app.tagging.mirror.mirror_figures import failures as mark_failures
from app.tagging.mirror.mirror_figures import standing as mirror_standing
from app.tagging.mirror.mirror_list import Steps, look_at_list
from app.tagging.mirror.mirror_list import repair as repair_mirror
from app.tagging.mirror.mirror_models import MarkSide, MirrorPlan, MirrorState, TagMark, TagMirror
from app.tagging.mirror.mirror_people import page_of_people
from app.tagging.mirror.mirrored import MAPPED, choose_mirrored, chosen_tags, mirror_of
from app.tagging.mirror.mirrored import is_used as is_mirror_used
from app.tagging.models import (
    NameState,
    Owner,
    Sensitivity,
    Source,
    Tag,
    TagCategory,
    TagReliability,
    TagReliabilityChange,
    UnmappedName,
)
from app.tagging.names import suggesting
from app.tagging.names.carrying import are_following, follow
from app.tagging.names.fold_looks import (
    Preview,
    Progress,
    batch_of,
    folded_by,
    folding_history,
    preview,
    progress,
)
from app.tagging.names.fold_models import (
    Decided,
    FoldKind,
    TagFolding,
    TagImport,
    TagImportChange,
    TagImportWork,
)
from app.tagging.names.folding import has_names_of, map_name, names_of, take_names, unmapped
from app.tagging.names.foldings import are_unsettled, fold_names, ignore_names, settle
from app.tagging.names.making import make_tags
from app.tagging.names.suggesting import Suggestion
from app.tagging.names.unfolding import undo
from app.tagging.own import delete_own, deleted_own, restore_own
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
from app.tagging.values import values
from app.tagging.vocabulary import (
    add_synonym,
    add_tag,
    by_key,
    by_name,
    categories,
    category_names,
    forbidden,
    id_of,
    keywords_in,
    merged,
    merged_into,
    names_for_reps,
    retire,
    seed,
    standing,
    tags,
    tells_hidden,
    topics,
    why_forbidden,
    without_hidden,
)

__all__ = [
    "ANY_TAG",
    "LEARNED_FROM",
    "LEXICON",
    "MAPPED",
    "STANDS",
    "Decided",
    "FoldKind",
    "Held",
    "Learned",
    "Line",
    "MarkSide",
    "MirrorPlan",
    "MirrorState",
    "NameState",
    "Owner",
    "Preview",
    "Progress",
    "Reason",
    "Sensitivity",
    "Shape",
    "SideRead",
    "Source",
    "Steps",
    "Story",
    "Suggestion",
    "Tag",
    "TagCategory",
    "TagFolding",
    "TagImport",
    "TagImportChange",
    "TagImportWork",
    "TagMark",
    "TagMirror",
    "TagReliability",
    "TagReliabilityChange",
    "Todo",
    "Trust",
    "UnmappedName",
    "Weight",
    "add_synonym",
    "add_tag",
    "are_following",
    "are_unsettled",
    "assert_tag",
    "batch_of",
    "by_key",
    "by_name",
    "categories",
    "category_names",
    "checking",
    "choose_mirrored",
    "chosen_tags",
    "corp_tags",
    "counts_by_tag",
    "delete_own",
    "deleted_own",
    "differences",
    "document",
    "fix",
    "fold_names",
    "folded_by",
    "folding_history",
    "follow",
    "forbidden",
    "forget_side",
    "has_names_of",
    "held",
    "history",
    "hold_plan",
    "holders",
    "id_of",
    "ignore_names",
    "in_arrays",
    "is_mirror_used",
    "keep_corp_tags",
    "keywords_in",
    "learn",
    "lines_of",
    "look_at_list",
    "make_tags",
    "map_name",
    "mark_calls",
    "mark_failures",
    "marks",
    "merged",
    "merged_into",
    "mirror_list",
    "mirror_of",
    "mirror_rules",
    "mirror_standing",
    "mirrors",
    "moving",
    "names_for_reps",
    "names_of",
    "note_corp_tag",
    "overrule",
    "own_marks",
    "page_of_people",
    "plan_people",
    "preview",
    "prior",
    "progress",
    "read_side",
    "reasons",
    "refusals",
    "reinstate",
    "release",
    "release_overruled",
    "reliabilities",
    "reliability_changes",
    "repair_mirror",
    "restore_own",
    "retire",
    "seed",
    "settle",
    "shape",
    "standing",
    "stored",
    "suggesting",
    "supersede",
    "tags",
    "tags_deleted_at",
    "take_names",
    "tells_hidden",
    "topics",
    "trust",
    "undo",
    "unmapped",
    "values",
    "versions",
    "weights",
    "why_forbidden",
    "withdraw",
    "without_hidden",
]
