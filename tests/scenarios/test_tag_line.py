"""A tag's way: a rep's word in WeCom, the vocabulary, the court, back to WeCom, audiences, cards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from app import journey, segments, tagging
from app.content import ContentVersion
from app.identity import Kind
from app.journey import Happened
from app.recommend import Suggestion
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_main_line import physician_of, suggest
from workers.judging import look_at_due
from workers.mirroring import keep_mirror

TOKEN = {"Authorization": "Bearer setup-token-of-the-tests"}
MARK, WORD = "et1", "et2"  # 房颤, as an administrator named it; a word that nobody knows


def call(line: Line, method: str, path: str, status: int = 200, **kwargs: Any) -> Any:
    answer = line.web.open(f"/api/v1{path}", method=method, headers=TOKEN, **kwargs)
    assert answer.status_code == status, answer.text
    return answer.json


def count(line: Line, text: str) -> int:
    asked = {"expression": text}
    return int(call(line, "GET", "/segments/count", query_string=asked)["size"])


def marks(line: Line) -> list[str]:
    """What the rep sees on the physician in WeCom, when everything has been followed."""
    keep_mirror(line.parts)
    line.work()
    (side,) = [one for one in line.world.relations if one.userid == "rep01"]
    return list(side.tag_ids)


def titles(line: Line, planned: list[Suggestion]) -> set[str]:
    with line.parts.db.reading() as session:
        versions = [session.get_one(ContentVersion, one.content_version_id) for one in planned]
        return {version.title for version in versions}


def was_sent(line: Line, one_id: str, versions: list[ContentVersion]) -> None:
    """Weeks ago the rep sent these, and none was opened."""
    with line.parts.db.transaction() as session:
        who = physician_of_id(session, one_id)
        for version in versions:
            journey.note(
                session, who, Happened.CONTENT_SENT, channel="wecom", ref=f"sent:{version.id}",
                at=line.clock() - timedelta(days=20), content_version_id=version.id,
            )  # fmt: skip
