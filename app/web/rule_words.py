"""Rules of automatic tags, and what a tag rests on, in the reader's language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from flask import Flask
from flask_babel import gettext
from sqlalchemy.orm import Session

from app import autotag, tagging
from app.autotag.rules import Rule
from app.tagging import Source
from app.web.sentences import said


class Asserted(Protocol):
    """Something that a source said of somebody, with the sentence that it gave."""

    @property
    def source(self) -> str:
        """Of tagging.Source."""

    @property
    def evidence(self) -> str:
        """In Chinese."""


def init_app(app: Flask) -> None:
    """The filter `evidence_said` of templates."""
    app.add_template_filter(evidence_said)


def evidence_said(one: Asserted) -> str:
    """What it rests on; what a person wrote stays as it was written."""
    if one.source == Source.PERSON:
        return one.evidence
    told = autotag.retold(one.evidence, gettext) if one.source == Source.RULE else None
    return told[0].upper() + told[1:] if told else said(one.evidence)


def teller(session: Session) -> Callable[[Rule], str]:
    """Says rules as sentences; what their keys mean is read once for all."""
    words = autotag.Words(session)
    categories = {category.key: category.name for category in tagging.categories(session)}
    return lambda rule: autotag.sentence(rule, words.meaning(rule), categories, gettext)
