"""治理 → 发送: what waits for a person's decision, and what the platform has stopped."""

from __future__ import annotations

import pytest

from app import accounts, delivery, reps
from app.connectors.errors import BadCredential
from app.consent import Reason, Verdict
from app.web.console.governance import sends
from tests.scenarios.conftest import Line
from tests.scenarios.test_console import Browser, people

__all__ = ["people"]


def test_sends_of_unknown_outcome_are_decided_with_one_click_or_together(
    line: Line, people: dict[str, Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = line.clock()
    with line.parts.db.transaction() as session:
        rep = reps.ensure_rep(session, "wwtestcorp", "rep01", now=now)
        ids = []
        for n, error in enumerate(("ReadTimeout", "message/custom/send: HTTP 503", "x", "x")):
            payload = {"app_id": "wxtestaccount", "openid": "o1", "text": f"第 {n} 条提醒"}
            made = delivery.queue(
                session, way=delivery.Way.OA_TEXT, dedupe_key=f"u{n}", payload=payload,
                rep_id=rep.id, now=now,
            )  # fmt: skip
            assert made is not None
            row = delivery.get(session, made)
            row.state, row.error, row.first_attempt_at = "unknown", error, now
            ids.append(row.id)
            capped = Reason("cap", "本周已联系 2 次")
            row.verdict = Verdict((capped,) if n else ()).as_json(now)
    page = "/console/governance/sends"
    looked = people["reviewer"].get(page).text
    assert "核对：可以联系" in looked
    assert "核对：本周已联系 2 次" in looked
    assert "按建议处理" not in looked
    sent = people["reviewer"].send(page, page, one=f"{ids[0]}:failed").text
    assert "由管理员或市场部处理" in sent
    shown = people["admin"].get(page).text
    for text in ("公众号消息", "第 0 条提醒", rep.name, "多半已送达", "多半没有送达", "刚刚"):
        assert text in shown, text
    monkeypatch.setattr(sends, "PAGE", 3)
    assert "共 4 条，先列出最新的 3 条" in people["admin"].get(page).text
    for role, path in (("reviewer", f"{page}?page=2"), ("admin", f"{page}?state=unknown&page=2")):
        paged = people[role].get(path).text
        assert "2 / 2" in paged
        assert paged.count("公众号消息") == (1 if role == "reviewer" else 4), "and 3 to decide"
    people["admin"].send(page, page, one=f"{ids[2]}:failed")
    people["marketer"].send(page, page, id=ids[:2], decision="likely")
    with line.parts.db.reading() as session:
        states = [delivery.get(session, i).state for i in ids]
        noted = [accounts.audit_trail(session, "dispatch", i)[0].action for i in ids[:3]]
    assert states == ["sent", "queued", "failed", "unknown"]
    assert noted == ["send.sent", "send.resend", "send.failed"]
    again = people["admin"].send(page, page, one=f"{ids[0]}:failed").text
    assert "只有结果未知的消息需要处理" in again
    assert "请先勾选消息" in people["admin"].send(page, page, decision="sent").text


def test_what_no_rep_can_hear_is_read_and_settled_by_reviewers_too(
    line: Line, people: dict[str, Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    line.do("follow", person="wang")
    line.do("member_leaves", userid="rep01")
    line.do("oa_says", person="wang", text="患者服药一周后牙龈出血")
    with line.parts.db.transaction() as session:
        (left,) = delivery.listing(session, state=delivery.State.UNKNOWN)
        made = delivery.queue(
            session, way=delivery.Way.OA_TEXT, dedupe_key="newer", now=line.clock(),
            payload={"app_id": "wxtestaccount", "openid": "o1", "text": "提醒"},
        )  # fmt: skip
        delivery.get(session, made or 0).state = "unknown"
        number = left.id
    page = "/console/governance/sends"
    monkeypatch.setattr(sends, "PAGE", 1)
    for role in ("admin", "reviewer"):
        assert f'href="{page}"' in people[role].get("/console/").text
        assert "牙龈出血" in people[role].get(page).text, "before all that is newer"
    people["reviewer"].send(page, page, one=f"{number}:sent")
    assert "牙龈出血" not in people["reviewer"].get(page).text
    with line.parts.db.reading() as session:
        assert delivery.get(session, number).state == "sent"


def test_a_stopped_api_is_shown_to_people_and_to_alarms(
    line: Line, people: dict[str, Browser]
) -> None:
    now = line.clock()
    with line.parts.db.transaction() as session:
        delivery.note_answer(
            session, "wwtestcorp", delivery.Way.REP_CARD, BadCredential("secret"),
            began=now, now=now, limits=delivery.Limits(),
        )  # fmt: skip
    shown = people["admin"].get("/console/governance/sends").text
    assert "平台接口暂停中" in shown
    assert "message/send" in shown
    metrics = line.web.get("/metrics").text
    assert 'yishu_breaker_open{account="wwtestcorp",api="message/send"} 1.0' in metrics
