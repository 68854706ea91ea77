"""What has no content, and what the API and the command line say of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app import autotag, content, segments, tagging
from app.autotag.spoken import suggested
from app.infra.db import Database
from app.segments import Segment
from tests.company import hire, meet, publish
from tests.conftest import SetClock
from tests.scenarios.conftest import Line, line

__all__ = ["line"]
API = {"Authorization": "Bearer setup-token-of-the-tests"}


@pytest.fixture(params=["tables", "sets"])
def built(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "sets")


def company(session: Session, clock: SetClock) -> None:
    tagging.seed(session, clock())
    rep = hire(session, "rep01", clock())
    for n, tags in enumerate((("af",), ("af", "vte"), ("vte",), ("cardio",), ("stroke",))):
        meet(session, rep, f"p{n}", clock(), tags=tags)
    publish(session, "房颤随访", ("af", "anticoagulation"), clock())
    publish(session, "旧内容", ("vte",), clock() - timedelta(days=200), days=60)  # over
    publish(session, "肺癌", ("nsclc", "targeted"), clock())
    fields = {
        "title": "静脉血栓的延长治疗",
        "summary": "非房颤患者",
        "body": "深静脉血栓用抗凝。" * 9,
    }
    content.draft(session, author="user:1", fields=fields, tags={}, now=clock())
    for name, text in (("房颤", "标签:房颤"), ("血栓", "标签:静脉血栓"), ("坏", "标签:没有")):
        session.add(Segment(name=name, expression=text, created_by="u", created_at=clock()))
    session.flush()


def test_gaps_are_ranked_by_physicians(database: Database, clock: SetClock, built: bool) -> None:
    with database.transaction() as session:
        company(session, clock)
    if built:
        segments.build(database, clock)
    with database.reading() as session:
        found = autotag.coverage(session, clock())
    assert [(one.tag.key, one.people) for one in found.gaps] == [("vte", 2), ("stroke", 1)]
    served = {one.tag.key: (one.people, one.contents) for one in found.tags if one.contents}
    assert served["af"] == (2, 1)
    assert served["cardio"][1] == 1  # by what is about 房颤
    said = {one.segment.name: (one.size, one.served, list(one.missing)) for one in found.segments}
    assert said == {"房颤": (2, 2, []), "血栓": (2, 2, ["静脉血栓"]), "坏": (0, 0, [])}
    assert [one.version.title for one in found.unreached] == ["肺癌"]
    thin = {one.version.title: one for one in found.thin}
    assert thin["静脉血栓的延长治疗"].reasons == ["few", "no_disease"]
    names = [one.tag.name for one in thin["静脉血栓的延长治疗"].suggestions]
    assert names == ["静脉血栓", "抗凝"]
    assert "房颤随访" not in thin


def test_suggestions_are_never_taken_by_themselves(database: Database, clock: SetClock) -> None:
    with database.transaction() as session:
        company(session, clock)
    with database.reading() as session:
        texts = {"title": "房颤", "summary": "", "body": "胸痛中心内部会议室"}
        assert [one.tag.name for one in suggested(session, texts)] == ["房颤"]
        (draft,) = [v for v in content.listing(session) if v.stage == "draft"]
        assert content.tags_of(session, draft.id) == {}


def test_a_rule_by_the_api(line: Line) -> None:
    said = {"gives": "b-active",
            "all": [{"is": "count", "act": "opened", "at_least": 3, "days": 30}]}  # fmt: skip
    at = "/api/v1/tag-rules"
    made = line.web.post(at, json={"name": "活跃", "definition": said}, headers=API)
    assert made.status_code == 201
    rule = made.json["id"]
    assert made.json["says"] == "近 30 天打开 ≥ 3 篇内容的医生，得到标签「近期活跃」，把握 80%。"
    hasty = line.web.post(f"{at}/{rule}/switch", json={"what": "live"}, headers=API)
    assert hasty.status_code == 409
    assert line.web.post(f"{at}/{rule}/test", json={}, headers=API).status_code == 202
    autotag.try_next(line.parts.db, line.clock)
    live = line.web.post(f"{at}/{rule}/switch", json={"what": "live"}, headers=API)
    assert (live.status_code, live.json["state"]) == (200, "live")
    wrong = line.web.put(f"{at}/{rule}", json={"definition": said | {"all": []}}, headers=API)
    assert wrong.status_code == 409
    assert line.web.get("/api/v1/coverage", headers=API).json["thin"] == []
