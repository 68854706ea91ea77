"""A tag's way: a rep's word in WeCom, the vocabulary, the court, back to WeCom, audiences, cards."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from app import court, identity, journey
from app.content import ContentVersion
from app.identity import Id, Kind
from app.journey import Happened
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_api import call
from tests.scenarios.test_main_line import suggest
from tests.scenarios.test_mirror import CORP, mirror, run, say, there
from workers.audiences import keep_audiences
from workers.judging import look_at_due

WORD = "et2"  # 没见过的标签: the vocabulary has never heard of it


def test_a_rep_s_word_becomes_a_tag_is_doubted_and_taken_back_everywhere(line: Line) -> None:
    known = [publish(line, f"房颤 {n}", ["af"]) for n in range(10)]
    liked = [publish(line, f"高血压 {n}", ["hypertension"]) for n in range(6)]
    with line.parts.db.transaction() as session:
        court.set_settle_at(session, None)
    mirror(line, "af")
    line.do("add_contact", userid="rep01", person="wang")
    say(line, "wang", "hypertension", 0.5)
    line.clock.tick(minutes=1)
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=[WORD])
    run(line)
    assert (count(line), there(line, "rep01", "wang")) == (0, {"没见过的标签"})

    (name,) = asked(line, "GET", "/tag-names")["items"]
    decision = {"how": "fold", "names": [{"id": name["id"], "tag": "af"}]}
    asked(line, "POST", "/tag-names/decisions", status=201, json=decision)
    was_sent(line, known, opened=0)
    was_sent(line, liked, opened=5)
    run(line)
    assert (count(line), there(line, "rep01", "wang")) == (1, {"没见过的标签", "房颤"})
    assert planned(line) == {"房颤"}

    look_at_due(line.parts)
    (case,) = asked(line, "GET", "/tag-cases?state=open")["items"]
    assert (case["kind"], case["proposed"]) == ("never_opened", "second")
    verdict = {"verdict": "second", "reason": "发过十篇，一篇没看"}
    asked(line, "POST", f"/tag-cases/{case['id']}/decide", json=verdict)
    run(line)
    assert (count(line), there(line, "rep01", "wang")) == (0, {"没见过的标签"})
    line.clock.tick(days=4)
    assert planned(line) == {"高血压"}

    asked(line, "POST", f"/tag-cases/{case['id']}/undo")
    run(line)
    assert (count(line), there(line, "rep01", "wang")) == (1, {"没见过的标签", "房颤"})


def asked(line: Line, method: str, path: str, status: int = 200, **kwargs: Any) -> Any:
    answer = call(line, method, path, **kwargs)
    assert answer.status_code == status, answer.text
    return answer.json


def count(line: Line) -> int:
    """How many physicians are in the audience, as the console would say while somebody types."""
    return int(asked(line, "GET", "/segments/count?expression=标签:房颤")["size"])


def planned(line: Line) -> set[str]:
    """What the contents are about that the rep is told to send today."""
    rows = suggest(line)
    newest = max(row.day for row in rows)
    with line.parts.db.reading() as session:
        ids = [row.content_version_id for row in rows if row.day == newest]
        return {session.get_one(ContentVersion, version_id).title.split()[0] for version_id in ids}


def was_sent(line: Line, versions: Sequence[ContentVersion], opened: int) -> None:
    """Weeks ago; the first few were opened a day later."""
    with line.parts.db.transaction() as session:
        one = Id(Kind.WECOM_EXTERNAL_USERID, CORP, line.person("wang").external_userid)
        who = identity.find(session, one)
        assert who is not None
        for n, version in enumerate(versions):
            for kind, days in ((Happened.CONTENT_SENT, 20), (Happened.CONTENT_OPENED, 19)):
                if kind == Happened.CONTENT_SENT or n < opened:
                    journey.note(
                        session, who.id, kind, channel="wecom", ref=f"{kind}:{version.id}",
                        at=line.clock() - timedelta(days=days), content_version_id=version.id,
                    )  # fmt: skip
    keep_audiences(line.parts)
