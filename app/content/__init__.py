"""The library of material that may be sent: versions, approval, tags."""

from app.content.approval import NAMES as STAGE_NAMES
from app.content.library import (
    Usable,
    add_brand,
    approve,
    brands,
    count_by_stage,
    draft,
    edit,
    get_version,
    listing,
    problem,
    reject,
    replacement,
    search_usable,
    submit,
    tags_of,
    titles,
    usable,
    usable_version,
    versions_of,
    withdraw,
)
from app.content.lint import warnings
from app.content.models import Brand, Content, ContentVersion, Stage
from app.content.page import reading_seconds, render

__all__ = [
    "STAGE_NAMES",
    "Brand",
    "Content",
    "ContentVersion",
    "Stage",
    "Usable",
    "add_brand",
    "approve",
    "brands",
    "count_by_stage",
    "draft",
    "edit",
    "get_version",
    "listing",
    "problem",
    "reading_seconds",
    "reject",
    "render",
    "replacement",
    "search_usable",
    "submit",
    "tags_of",
    "titles",
    "usable",
    "usable_version",
    "versions_of",
    "warnings",
    "withdraw",
]
