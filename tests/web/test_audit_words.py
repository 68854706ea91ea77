"""Whoever reads the audit log reads words, not our names of actions."""

from __future__ import annotations

import re
from pathlib import Path

from app.web.console.records import ACTIONS, OBJECTS

APP = Path(__file__).parents[2] / "app"
OF_TAGS = "tag|tags|category|word|vocabulary|rule|segment|list|court|suppression"
ACTION = re.compile(rf'"((?:{OF_TAGS})\.[a-z_]+)"')
OBJECT = re.compile(r'audit\(\s*session, [\w.]+, [^,]+, "(\w+)"')


def test_everything_about_tags_and_audiences_that_is_audited_has_words() -> None:
    texts = [
        path.read_text()
        for folder in ("web", "flows", "cli")
        for path in (APP / folder).rglob("*.py")
    ]
    actions = {found for text in texts for found in ACTION.findall(text)}
    objects = {found for text in texts for found in OBJECT.findall(text)}
    assert {"tag.merged", "vocabulary.undone", "segment.members"} <= actions
    assert actions - set(ACTIONS) == set()
    assert objects - set(OBJECTS) == set()
