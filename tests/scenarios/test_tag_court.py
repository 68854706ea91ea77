"""Sales says one thing and marketing another: a case, its owner, a verdict, an appeal, the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from app import accounts, court, tagging
from app.accounts.models import Role
from app.court import TagCase, Viewer
from app.identity import Identifier
from app.reps import visible_to
from app.tagging import Source
from tests.company import hire, meet
from tests.scenarios.conftest import Line
from tests.scenarios.test_api import call
from tests.scenarios.test_console import Browser, people
from workers.audiences import keep_audiences
from workers.judging import keep_court, look_at_due

__all__ = ["people"]


@pytest.fixture
def case(line: Line) -> int:
    """What a physician of rep01 is said to be, found by the workers."""
    keep_audiences(line.parts)
    with line.parts.db.transaction() as session:
        court.set_settle_at(session, None)
        rep = hire(session, "rep01", line.clock())
        who = meet(session, rep, "court", line.clock())
        for key, source in (("stage-trial", Source.CRM), ("stage-regular", Source.PERSON)):
            tag = tagging.by_key(session, key)
            assert tag is not None
            tagging.assert_tag(
                session, who.id, tag.id, source=source, ref=f"t:{key}", evidence=f"说 {key}",
                at=line.clock() - timedelta(days=1),
            )  # fmt: skip
    assert keep_court(line.parts)
    assert not keep_court(line.parts)  # until the next night
    keep_audiences(line.parts)
    assert look_at_due(line.parts) > 0
    (found,) = call(line, "GET", "/tag-cases?state=open").json["items"]
    assert (found["kind"], found["owner"], found["proposed"]) == ("exclusive", "sales", "second")
    return int(found["id"])


def test_the_rep_decides_somebody_appeals_and_another_one_decides(
    line: Line, people: dict[str, Browser], case: int
) -> None:
    rep, marketer, admin = people["rep"], people["marketer"], people["admin"]
    assert "待裁定的标签分歧" in rep.get("/console/").text
    said: Any = marketer.send("/console/tags/court", f"/console/tags/court/{case}", verdict="first")
    assert "由其他角色负责" in said.text
    rep.send("/console/tags/court", f"/console/tags/court/{case}", verdict="second")
    whole = call(line, "GET", f"/tag-cases/{case}").json
    assert datetime.fromisoformat(whole["events"][0]["at"]) == line.clock()
    assert (whole["state"], whole["verdict"]) == ("settled", "second")
    assert [len(side["assertions"]) for side in whole["sides"]] == [1, 1]
    assert call(line, "POST", f"/tag-cases/{case}/appeal", json={}).status_code == 400
    asked = call(line, "POST", f"/tag-cases/{case}/appeal", json={"reason": "会上问过", "by": "li"})
    assert (asked.status_code, asked.json["state"]) == (200, "open")
    again = rep.send("/console/tags/court", f"/console/tags/court/{case}", verdict="second")
    assert "申诉" in again.text
    admin.send("/console/tags/court", f"/console/tags/court/{case}", verdict="first")
    kinds = [event["kind"] for event in call(line, "GET", f"/tag-cases/{case}").json["events"]]
    assert kinds == ["opened", "settled", "appealed", "settled"]
    assert "会上问过" in admin.get(f"/console/tags/court/{case}").text
    assert call(line, "POST", f"/tag-cases/{case}/undo").json["state"] == "open"
    assert call(line, "GET", "/tag-truth").json["items"] == []
    with line.parts.db.reading() as session:
        assert accounts.verify_audit(session) is None


def test_a_token_takes_back_its_own_verdicts_and_mirrors_as_people_of_its_role_do(
    line: Line, people: dict[str, Browser], case: int
) -> None:
    with line.parts.db.transaction() as session:
        reviewer = accounts.create_token(session, "desk", Role.REVIEWER, now=line.clock())

    def ask(method: str, path: str, **body: Any) -> Any:
        told = {"Authorization": f"Bearer {reviewer}"}
        return line.web.open(f"/api/v1{path}", method=method, headers=told, json=body)

    people["rep"].send("/console/tags/court", f"/console/tags/court/{case}", verdict="second")
    refused = ask("POST", f"/tag-cases/{case}/undo")
    assert (refused.status_code, "自己的裁定" in refused.text) == (409, True)
    with line.parts.db.transaction() as session:
        found = session.get_one(TagCase, case)
        found.decided_by, found.owner = "token:desk:li", "medical"
    assert ask("POST", f"/tag-cases/{case}/undo").json["state"] == "open"
    refused = ask("PATCH", "/tags/af", mirrored=True)
    assert (refused.status_code, "企业微信" in refused.text) == (409, True)
    assert ask("PATCH", "/tags/af", mirrored=False, meaning="心房颤动").status_code == 200
    assert call(line, "PATCH", "/tags/af", json={"mirrored": True}).status_code == 200
    assert ask("PATCH", "/tags/af", meaning="房颤").json["mirrored"]


def test_a_rep_sees_own_physicians_only(line: Line, people: dict[str, Browser], case: int) -> None:
    with line.parts.db.transaction() as session:
        other = hire(session, "rep09", line.clock())
        who = Viewer("user:99", Role.REP, visible_to(other.id))
        assert court.next_for(session, who) is None
        assert court.find_visible(session, case, who) is None
        assert court.listing(session, who) == ([], 0)
        own = session.get_one(Identifier, session.get_one(TagCase, case).identifier_id)
        assert own.one_id
    assert people["rep"].get(f"/console/tags/court/{case}").status_code == 200
    assert people["rep"].get("/console/tags/truth").status_code == 403
