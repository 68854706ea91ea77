"""The vocabulary over /api/v1: read, change, merge, take back, out and in."""

from __future__ import annotations

import io
from typing import Any

from tests.scenarios.conftest import Line
from tests.scenarios.test_api import call

NEW = {"key": "mitral", "name": "瓣膜病", "category": "disease", "owner": "medical",
       "meaning": "经常诊治心脏瓣膜病", "parent": "cardio",
       "names": [{"name": "二尖瓣"}, {"name": "VHD", "source": "crm"}]}  # fmt: skip


def tags_of(line: Line) -> set[str]:
    (found,) = line.api_says(q="王某某")["items"]
    return {tag["key"] for tag in found["tags"]}


def ok(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text
    return answer.json


def test_a_tag_is_made_changed_merged_and_taken_back(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    made = ok(call(line, "POST", "/tags", json=NEW), 201)
    assert made["names"][1] == {"name": "vhd", "source": "crm"}
    assert ok(call(line, "GET", "/tags?q=vhd"))["items"][0]["key"] == "mitral"
    changed = ok(call(line, "PATCH", "/tags/mitral", json={
        "name": "心脏瓣膜病", "half_life_days": 400, "opposites": ["elderly"], "sensitivity": "staff",
        "base": made["version"],
    }))  # fmt: skip
    assert (changed["half_life_days"], changed["parent"]) == (400, "cardio")
    assert {"source": "any", "name": "瓣膜病"} in changed["names"]  # still understood
    stale = call(line, "PATCH", "/tags/mitral", json={"meaning": "x", "base": made["version"]})
    assert stale.status_code == 409
    assert str(changed["version"]) in stale.json["error"]["message"]

    seen = ok(call(line, "POST", "/tags/af/merge", json={"into": "mitral", "dry_run": True}))
    assert seen["moves"] == [{"to": "mitral", "count": 1, "sample": ["王某某"]}]
    assert tags_of(line) == {"af"}
    merged = ok(call(line, "POST", "/tags/af/merge", json={"into": "mitral"}))
    assert (merged["active"], merged["merged_into"]) == (False, "mitral")
    assert tags_of(line) == {"mitral"}
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])  # says 房颤 again
    assert tags_of(line) == {"mitral"}
    size = ok(call(line, "GET", "/segments/count?expression=标签:房颤"))["size"]
    assert size == 1
    undone = ok(call(line, "POST", f"/tags/versions/{merged['version']}/undo"))
    assert (undone["number"], tags_of(line)) == (merged["version"] + 1, {"af"})
    back = ok(call(line, "POST", f"/tags/versions/{made['version']}/rollback"))
    assert ok(call(line, "GET", "/tags/mitral"))["name"] == "瓣膜病"
    told = ok(call(line, "GET", f"/tags/versions/{back['number']}/diff?against={made['version']}"))
    assert told["changes"] == []
    kinds = [one["kind"] for one in ok(call(line, "GET", "/tags/versions"))["items"]]
    assert kinds[:4] == ["rollback", "undo", "merge", "edit"]
    assert ok(call(line, "GET", f"/tags/versions/{made['version']}"))["vocabulary"]["tags"]


def test_split_by_source_and_words(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    part = {"to": "cad", "source": "wecom_tag"}
    seen = ok(call(line, "POST", "/tags/af/split", json={"parts": [part], "dry_run": True}))
    assert (seen["moves"][0]["count"], seen["stay"]["count"]) == (1, 0)
    ok(call(line, "POST", "/tags/af/split", json={"parts": [part]}))
    assert tags_of(line) == {"cad"}
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    assert tags_of(line) == {"cad"}  # what WeCom calls so is the other one now
    nothing = call(line, "POST", "/tags/af/split", json={"parts": [{"to": "cad"}]})
    assert nothing.status_code == 409


WRONG: list[tuple[str, str, dict[str, Any], int, str]] = [
    ("POST", "/tags", NEW | {"name": "高处方量"}, 409, "处方量"),
    ("POST", "/tags", NEW | {"name": "冠心病"}, 409, "冠心病"),
    ("POST", "/tags", NEW | {"key": "af"}, 409, "房颤"),
    ("POST", "/tags", NEW | {"key": "Bad Key"}, 400, "key"),
    ("POST", "/tags", NEW | {"key": "versions"}, 409, "versions"),
    ("POST", "/tags", NEW | {"surprise": 1}, 400, "surprise"),
    ("PATCH", "/tags/cardio", {"parent": "af"}, 409, "绕了一圈"),
    ("PATCH", "/tags/af", {"owner": "nobody"}, 400, "owner"),
    ("PATCH", "/tags/nothing", {"meaning": "x"}, 404, "nothing"),
    ("POST", "/tags/af/merge", {"into": "af"}, 409, "另一个"),
    ("POST", "/tags/af/merge", {"into": "nothing", "dry_run": True}, 404, "nothing"),
    ("POST", "/tags/versions/999/undo", {}, 404, "999"),
    ("POST", "/tags/categories", {"key": "disease", "remove": True}, 409, "标签"),
    ("POST", "/tags/forbidden", {"word": "红包", "reason": "x"}, 409, "内置"),
    ("POST", "/tags/forbidden", {"word": "房颤", "reason": "x"}, 409, "房颤"),
]


def test_what_cannot_be_is_told(line: Line) -> None:
    before = ok(call(line, "GET", "/tags"))["version"]
    for method, path, body, status, names in WRONG:
        answer = call(line, method, path, json=body)
        assert answer.status_code == status, answer.text
        assert names in answer.json["error"]["message"], answer.text
    assert ok(call(line, "GET", "/tags"))["version"] == before


def test_words_of_the_company_count_everywhere(line: Line) -> None:
    ok(call(line, "POST", "/tags/forbidden", json={"word": "大 客户", "reason": "按内部规定不用"}))
    answer = call(line, "POST", "/tags", json=NEW | {"names": [{"name": "大客户"}]})
    assert "按内部规定不用" in answer.json["error"]["message"]
    rows = "姓名,CRM编号,标签\n李某,HCP-9,大客户\n赵某,HCP-8,房颤\n"
    told = call(
        line, "POST", "/imports/physicians", data={"file": (io.BytesIO(rows.encode()), "a.csv")}
    )
    assert [one["code"] for one in told.json["rejected"]] == ["forbidden"]
    listed = ok(call(line, "GET", "/tags/forbidden"))["items"]
    assert {"word": "大客户", "reason": "按内部规定不用", "built_in": False} in listed
    ok(call(line, "POST", "/tags/forbidden", json={"word": "大客户"}))
    ok(call(line, "POST", "/tags", json=NEW | {"names": [{"name": "大客户"}]}), 201)


def test_the_tree_of_categories(line: Line) -> None:
    ok(
        call(
            line,
            "POST",
            "/tags/categories",
            json={"key": "tumour", "name": "肿瘤各科", "parent": "disease"},
        )
    )
    ok(call(line, "PATCH", "/tags/lung-cancer", json={"category": "tumour"}))
    found = {t["key"] for t in ok(call(line, "GET", "/tags?category=disease"))["items"]}
    assert {"lung-cancer", "af"} <= found
    loop = call(line, "POST", "/tags/categories", json={"key": "disease", "parent": "tumour"})
    assert "自己的下级" in loop.json["error"]["message"]
    assert any(c["parent"] == "disease" for c in ok(call(line, "GET", "/tags/categories"))["items"])


def test_out_and_in_again(line: Line) -> None:
    data = call(line, "GET", "/tags/export?format=xlsx").data

    def send(data: bytes, name: str, **query: str) -> Any:
        return call(line, "POST", "/tags/import", query_string=query,
                    data={"file": (io.BytesIO(data), name)})  # fmt: skip

    assert ok(send(data, "v.xlsx"))["applied"] is False
    text = call(line, "GET", "/tags/export?format=csv").data.decode("utf-8-sig")
    wrong = send(text.replace("冠心病", "房颤", 1).encode(), "v.csv")
    assert wrong.status_code == 409
    assert wrong.json["problems"][0]["code"] == "name_twice"
    right = text.replace("经常诊治冠心病", "以冠心病为主要方向", 1).encode()
    assert ok(send(right, "v.csv", dry_run="true"))["applied"] is False
    told = ok(send(right, "v.csv"))
    assert (told["applied"], [c["field"] for c in told["changes"]]) == (True, ["meaning"])
    assert ok(call(line, "GET", "/tags/cad"))["meaning"] == "以冠心病为主要方向"
