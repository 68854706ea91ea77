"""QR codes and what their scenes say."""

from __future__ import annotations

import pytest

from app import links
from app.infra.db import Database
from app.infra.errors import NotFound, Refused
from tests.conftest import NOON


def test_a_scene_means_one_thing_per_platform(database: Database) -> None:
    with database.transaction() as session:
        code = links.create_code(
            session, kind="wecom", scene="hall-1", name=" 展台 ", tag_keys=["af"],
            welcome_text="您好", now=NOON,
        )  # fmt: skip
        links.create_code(session, kind="oa", scene="hall-1", name="海报", now=NOON)
        with pytest.raises(Refused, match="已经使用"):
            links.create_code(session, kind="wecom", scene="hall-1", name="又一个", now=NOON)
        assert links.find_code(session, "wecom", "hall-1") is code
        assert (code.name, code.tag_keys) == ("展台", ["af"])
        assert links.find_code(session, "wecom", "") is None
        assert len(links.codes(session)) == 2


@pytest.mark.parametrize(
    ("kind", "scene", "name"),
    [
        ("wecom", "x" * 31, "n"), ("oa", "x" * 65, "n"), ("oa", "", "n"), ("sms", "x", "n"),
        ("wecom", "王医生", "n"), ("wecom", "a b", "n"), ("wecom", "ok", " "),
    ],
)  # fmt: skip
def test_scenes_that_a_platform_would_not_carry_are_refused(
    database: Database, kind: str, scene: str, name: str
) -> None:
    with database.transaction() as session, pytest.raises(Refused):
        links.create_code(session, kind=kind, scene=scene, name=name, now=NOON)


def test_a_retired_code_is_still_understood(database: Database) -> None:
    with database.transaction() as session:
        code = links.create_code(session, kind="oa", scene="poster", name="海报", now=NOON)
        assert not links.retire_code(session, code.id).active
        assert links.find_code(session, "oa", "poster") is code
        with pytest.raises(NotFound):
            links.retire_code(session, 999)
