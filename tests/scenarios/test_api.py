"""What systems can do over /api/v1, and what they are told when they cannot."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from openpyxl import Workbook

from app import content
from tests.company import renew
from tests.scenarios.conftest import Line, publish
from tests.segments.test_index import ONE_DATABASE

TOKEN = {"Authorization": "Bearer setup-token-of-the-tests"}
HEADER = "姓名,执业证号,手机,医院,科室,职称,专业,城市,CRM编号,标签"
GOOD = "王某某,110440000012345,19912345678,示例市第一医院,心内科,主任医师,心血管,示例市,HCP-1,房颤；抗凝治疗"


def call(line: Line, method: str, path: str, **kwargs: Any) -> Any:
    return line.web.open(f"/api/v1{path}", method=method, headers=TOKEN, **kwargs)


def upload(line: Line, text: str, encoding: str = "utf-8-sig") -> Any:
    data = {"file": (io.BytesIO(text.encode(encoding)), "医生.csv")}
    return call(line, "POST", "/imports/physicians", data=data)


def test_the_line_over_the_api(line: Line) -> None:
    made = call(line, "POST", "/contents", json={
        "title": "房颤抗凝新进展", "summary": "摘要", "body": "正文" * 100, "tags": ["房颤"],
    })  # fmt: skip
    assert made.status_code == 201, made.text
    content_id = made.json["id"]
    approved = call(line, "POST", f"/contents/{content_id}/approve", json={"approval_no": "示例 1"})
    assert approved.status_code == 200, approved.text
    assert approved.json["stage"] == "approved"
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    campaign = call(line, "POST", "/campaigns", json={
        "name": "房颤月", "content_id": content_id, "expression": "标签:房颤 且 企微好友",
    })  # fmt: skip
    assert campaign.status_code == 201, campaign.text
    run = call(line, "POST", f"/campaigns/{campaign.json['id']}/run")
    assert run.status_code == 202, run.text
    assert run.json["results"]["planned"] == 1
    line.clock.tick(minutes=2)
    line.work()
    (suggestion,) = call(line, "GET", "/suggestions?rep=rep01").json["items"]
    assert suggestion["state"] == "delivered"
    assert suggestion["reasons"]
    found = line.api_says(
        kind="wecom_external_userid", namespace="wwtestcorp",
        value=line.person("wang").external_userid,
    )["items"]  # fmt: skip
    assert found[0]["one_id"] == suggestion["one_id"]
    assert {tag["name"] for tag in found[0]["tags"]} == {"房颤"}
    timeline = call(line, "GET", f"/physicians/{suggestion['one_id']}/timeline").json
    assert "contact_added" in {entry["kind"] for entry in timeline["items"]}
    assert call(line, "GET", "/inbox?state=done").json["counts"]["done"] >= 2


def test_an_import_takes_good_rows_and_explains_the_others(line: Line) -> None:
    rows = [
        HEADER,
        GOOD,
        ",110440000012346,,,,,,,,",
        "李某某,,010-88886666,,,,,,,",
        "赵某某,,,,,,,,,",
        "王某某,110440000012345,,,,,,,,",
        "孙某某,,19900001111,,,,,,HCP-9,处方量高",
    ]
    answer = upload(line, "\n".join(rows))
    assert answer.status_code == 201, answer.text
    assert answer.json["accepted"] == 1
    told = {(r["line"], r["code"]) for r in answer.json["rejected"]}
    assert told == {
        (3, "missing"),
        (4, "invalid"),
        (5, "no_identifier"),
        (6, "duplicate"),
        (7, "forbidden"),
    }
    (found,) = line.api_says(kind="licence_no", value="110440000012345")["items"]
    assert (found["name"], found["verified"], found["hospital"]) == (
        "王某某",
        True,
        "示例市第一医院",
    )
    assert {tag["name"] for tag in found["tags"]} == {"房颤", "抗凝"}
    assert {i["kind"] for i in found["identifiers"]} == {"licence_no", "crm_id", "phone"}


def test_a_phone_from_crm_meets_the_phone_a_rep_typed(line: Line) -> None:
    upload(line, f"{HEADER}\n{GOOD}")
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", phones=["19912345678"])
    (crm,) = line.api_says(kind="crm_id", value="HCP-1")["items"]
    external = line.person("wang").external_userid
    (contact,) = line.api_says(
        kind="wecom_external_userid", namespace="wwtestcorp", value=external
    )["items"]
    assert crm["one_id"] == contact["one_id"]
    assert contact["name"] == "王某某"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_the_usual_encodings_are_read(line: Line, encoding: str) -> None:
    assert upload(line, f"{HEADER}\n{GOOD}", encoding).json["accepted"] == 1


def test_a_spreadsheet_is_read_and_numbers_stay_whole(line: Line) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["姓名", "手机", "CRM编号"])
    sheet.append(["王某某", 19912345678.0, "HCP-1"])
    data = io.BytesIO()
    book.save(data)
    answer = call(
        line, "POST", "/imports/physicians", data={"file": (io.BytesIO(data.getvalue()), "a.xlsx")}
    )
    assert answer.json["accepted"] == 1, answer.text
    assert line.api_says(kind="phone", value="199 1234 5678")["total"] == 1


@pytest.mark.parametrize(
    "text",
    ["", "没有,列名\n1,2", "姓名,处方量\n王某某,3", "姓名\n\x00", '姓名,手机\n"王'],
)
def test_a_file_that_cannot_be_used_changes_nothing(line: Line, text: str) -> None:
    answer = upload(line, text)
    assert answer.status_code in (201, 400, 409), answer.text
    assert line.api_says()["total"] == 0


def test_a_broken_spreadsheet_is_refused_with_a_sentence(line: Line) -> None:
    data = {"file": (io.BytesIO(b"PK\x03\x04 not a zip"), "a.xlsx")}
    answer = call(line, "POST", "/imports/physicians", data=data)
    assert answer.status_code == 409
    assert "XLSX" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/contents", {}, 400),
        ("/contents", {"title": "x", "body": "y", "tags": ["没有这个"]}, 409),
        ("/contents", {"title": "x", "body": "y", "surprise": 1}, 400),
        ("/contents/999/approve", {"approval_no": "1"}, 404),
        ("/campaigns", {"name": "x", "content_id": 999, "expression": "全部"}, 409),
        ("/campaigns", {"name": "x", "content_id": 1, "expression": "标签:房颤 且"}, 400),
        ("/campaigns", {"name": "x", "content_id": 1, "expression": "标签:没有"}, 409),
        ("/campaigns/999/run", {}, 404),
        ("/inbox/replay", {}, 400),
    ],
)
def test_bad_requests_are_told_what_is_wrong(
    line: Line, path: str, body: dict[str, Any], status: int
) -> None:
    answer = call(line, "POST", path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.json["error"]["message"]


def test_nobody_without_a_valid_token(line: Line) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
        assert line.web.get("/api/v1/physicians", headers=headers).status_code == 401
    assert line.web.get("/api/v1/openapi.json").status_code == 200


def test_the_document_names_every_promised_route(line: Line) -> None:
    paths = line.web.get("/api/v1/openapi.json").json["paths"]
    for path, method in (
        ("/physicians", "get"), ("/physicians/{one_id}", "get"),
        ("/physicians/{one_id}/timeline", "get"), ("/contents", "post"), ("/contents", "get"),
        ("/contents/{content_id}/approve", "post"), ("/campaigns", "post"), ("/campaigns", "get"),
        ("/campaigns/{campaign_id}/run", "post"), ("/suggestions", "get"), ("/inbox", "get"),
        ("/imports/physicians", "post"),
    ):  # fmt: skip
        assert method in paths[f"/api/v1{path}"]
    body = paths["/api/v1/contents"]["post"]["requestBody"]
    assert body["content"]["application/json"]["schema"]["$ref"].endswith("NewContent")


def test_one_person_cannot_write_and_approve(line: Line) -> None:
    made = call(line, "POST", "/contents", json={
        "title": "x", "body": "正文", "tags": ["af"], "author": "甲", "purpose": "safety",
    })  # fmt: skip
    assert made.json["purpose"] == "safety"
    path = f"/contents/{made.json['id']}/approve"
    assert call(line, "POST", path, json={"approval_no": "1", "approver": "甲"}).status_code == 409
    assert call(line, "POST", path, json={"approval_no": "1", "approver": "乙"}).status_code == 200


@ONE_DATABASE
@pytest.mark.parametrize("withdrawn_after", [0, 2], ids=["before it begins", "before that is seen"])
def test_a_withdrawal_stops_what_is_approved_for_later_too(
    line: Line, withdrawn_after: int
) -> None:
    now = line.clock()
    old = publish(line, "房颤抗凝新进展", ["af"])
    with line.parts.db.transaction() as session:
        newer = renew(session, old, now, begins=now + timedelta(days=1))
    told = call(line, "GET", f"/contents/{old.content_id}").json
    assert (told["version_id"], told["stage"]) == (old.id, "approved"), "what is in force"
    (later,) = told["later"]
    assert later == {
        "version_id": newer.id, "version": 2, "title": "更正", "stage": "approved",
        "valid_from": (now + timedelta(days=1)).isoformat(),
    }  # fmt: skip
    line.clock.tick(days=withdrawn_after)
    told = call(line, "GET", f"/contents/{old.content_id}").json
    assert (told["version"], len(told["later"])) == ((2, 0) if withdrawn_after else (1, 1))
    path = f"/contents/{old.content_id}/withdraw"
    assert call(line, "POST", path, json={"reason": "有错"}).json["version_id"] == old.id
    with line.parts.db.reading() as session:
        stages = {version.stage for version in content.versions_of(session, old.content_id)}
        assert stages == {"withdrawn"}
    now = line.clock.tick(minutes=1)
    with line.parts.db.transaction() as session:  # nothing is in force, one is for later
        third = renew(session, newer, now, begins=now + timedelta(days=1))
        content.edit(session, third.id, author="user:1", fields={"title": "草稿"}, tags={}, now=now)
    told = call(line, "GET", f"/contents/{old.content_id}").json
    assert (told["stage"], [one["version_id"] for one in told["later"]]) == ("draft", [third.id])
