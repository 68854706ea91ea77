"""The library of material that may be sent: versions, approval, tags."""

from app.content import meeting
from app.content.approval import EXPIRED
from app.content.approval import NAMES as STAGE_NAMES
from app.content.finding import (
    Usable,
    count_by_stage,
    listing,
    replacement,
    search_usable,
    usable,
    usable_version,
)
from app.content.library import (
    add_brand,
    approve,
    approved_versions,
    brands,
    draft,
    edit,
    get_version,
    get_versions,
    give_way,
    problem,
    reject,
    submit,
    tags_of,
    tags_of_many,
    titles,
    topics_of,
    versions_of,
    withdraw,
)
from app.content.lint import warnings
from app.content.models import Brand, Content, ContentTerms, ContentVersion, Purpose, Stage
from app.content.page import reading_seconds, render
from app.content.shelf import Shelved, safety_notices, shelf
from app.content.succession import Successor, in_force, replaced, successors
from app.content.terms import TERMS, set_terms, terms_of

__all__ = [
    "EXPIRED",
    "STAGE_NAMES",
    "TERMS",
    "Brand",
    "Content",
    "ContentTerms",
    "ContentVersion",
    "Purpose",
    "Shelved",
    "Stage",
    "Successor",
    "Usable",
    "add_brand",
    "approve",
    "approved_versions",
    "brands",
    "count_by_stage",
    "draft",
    "edit",
    "get_version",
    "get_versions",
    "give_way",
    "in_force",
    "listing",
    "meeting",
    "problem",
    "reading_seconds",
    "reject",
    "render",
    "replaced",
    "replacement",
    "safety_notices",
    "search_usable",
    "set_terms",
    "shelf",
    "submit",
    "successors",
    "tags_of",
    "tags_of_many",
    "terms_of",
    "titles",
    "topics_of",
    "usable",
    "usable_version",
    "versions_of",
    "warnings",
    "withdraw",
]
