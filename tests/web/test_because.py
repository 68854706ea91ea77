"""Reasons that reps read."""

from __future__ import annotations

from app.tagging import Source
from app.web.console.physicians.because import TALKS


def test_a_tag_of_every_source_is_explained() -> None:
    assert set(TALKS) == set(Source)
