"""Saved segments, overlaps and lists as another system meets them."""

from __future__ import annotations

import io

import pytest

from tests.scenarios.conftest import Line
from tests.scenarios.test_api import call


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_segments_and_lists_over_the_api(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    made = call(line, "POST", "/segments", json={
        "name": "好友", "expression": "企微好友", "author": "anna",
    })  # fmt: skip
    assert made.status_code == 201, made.text
    path = f"/segments/{made.json['id']}"
    changed = call(line, "POST", path, json={"expression": "企微好友 且 非 已退订", "name": "朋友"})
    assert changed.status_code == 200, changed.text
    assert [(v["number"], v["size"]) for v in changed.json["versions"]] == [(2, 1), (1, 1)]
    assert changed.json["versions"][1]["author"] == "token:anna"
    back = call(line, "POST", path, json={"back_to": 1})
    assert (back.json["version"], back.json["expression"]) == (3, "企微好友")
    (item,) = call(line, "GET", "/segments").json["items"]
    assert (item["name"], item["version"]) == ("朋友", 3)
    stale = call(line, "POST", path, json={"expression": "已退订", "base": 1})
    assert (stale.status_code, "已有第 3 版" in stale.text) == (409, True)
    page = call(line, "GET", "/segments/members?expression=人群:朋友&limit=1")
    (member,) = page.json["items"]
    assert page.json["next"] is None
    regions = call(line, "POST", "/segments/overlap", json={"expressions": ["人群:朋友", "已退订"]})
    assert [(r["inside"], r["size"]) for r in regions.json["regions"]] == [([True, False], 1)]

    file = io.BytesIO(f"ONE_ID\n{member['one_id']}\nYS0\n".encode())
    upload = call(
        line, "POST", "/segments/lists?name=签到&purpose=会议", data={"file": (file, "a.csv")}
    )
    assert upload.status_code == 201, upload.text
    assert upload.json["figures"] == {"found": 1, "not_found": 1}
    assert [one["line"] for one in upload.json["report"]] == [3]
    number = upload.json["id"]
    assert call(line, "POST", f"/segments/lists/{number}/confirm").json["state"] == "ready"
    count = call(line, "GET", "/segments/count?expression=名单:签到")
    assert count.json["size"] == 1
    rule = call(line, "POST", "/segments/suppressions", json={"list_id": number})
    assert rule.status_code == 201
    used = call(line, "DELETE", f"/segments/lists/{number}")
    assert used.status_code == 409
    assert "排除规则" in used.json["error"]["message"]
    assert call(line, "DELETE", f"/segments/suppressions/{rule.json['id']}").status_code == 200
    assert call(line, "DELETE", f"/segments/lists/{number}").json == {"deleted": "签到"}
    assert call(line, "DELETE", path).json == {"deleted": "朋友"}
    wrong = call(line, "POST", "/segments", json={"name": "错", "expression": "标签:没有 且"})
    assert wrong.status_code == 400
    assert call(line, "GET", path).status_code == 404
