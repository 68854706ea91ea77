"""Suggestions for contents, with the vocabulary and the library as they are."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.autotag.suggest import Suggestion, suggest
from app.content.models import ContentVersion, Stage, VersionTag
from app.tagging.lexicon import LEXICON

ABOUT = ("disease", "topic", "product")
"""Categories that say what a content is about."""


def suggested(session: Session, texts: Mapping[str, str]) -> list[Suggestion]:
    """Tags for a content with this title, summary and body, best first."""
    frequent, contents = _frequent(session)
    return suggest(LEXICON.of(session).finder(ABOUT), texts, frequent, contents)


def suggested_many(
    session: Session, many: Mapping[int, Mapping[str, str]]
) -> dict[int, list[Suggestion]]:
    """The same for several."""
    frequent, contents = _frequent(session)
    finder = LEXICON.of(session).finder(ABOUT)
    return {key: suggest(finder, texts, frequent, contents) for key, texts in many.items()}


def _frequent(session: Session) -> tuple[dict[int, int], int]:
    """Tag id → contents that have it; and contents in all."""
    living = ContentVersion.stage != Stage.WITHDRAWN
    rows = session.execute(
        select(VersionTag.tag_id, func.count(ContentVersion.content_id.distinct()))
        .join(ContentVersion, ContentVersion.id == VersionTag.version_id)
        .where(living)
        .group_by(VersionTag.tag_id)
    )
    whole = select(func.count(ContentVersion.content_id.distinct())).where(living)
    return dict(rows.all()), session.scalar(whole) or 0
