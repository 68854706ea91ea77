"""Words of 洞察: what is stored by a key is read as a name, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask_babel import Babel, force_locale

from app.recommend.day.way import NAMES, By
from app.web.console.insights.insight_words import link_way

TRANSLATIONS = Path(__file__).parents[2] / "translations"


@pytest.mark.parametrize("by", By)
def test_every_way_of_a_suggestion_has_its_name(by: By) -> None:
    app = Flask("app")
    Babel(app, default_locale="zh", default_translation_directories=str(TRANSLATIONS))
    with app.test_request_context():
        assert link_way(by.value) == NAMES[by]
        with force_locale("en"):
            assert link_way(by.value).isascii()
    assert link_way("carrier pigeon") == "carrier pigeon"
