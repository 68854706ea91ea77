"""The API from outside: clear answers to bad input, and imports that let others work."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import select

from app.flows.identity import import_physicians
from app.identity.models import ImportBatch
from app.web.api import imports
from tests.scenarios.conftest import Line
from tests.scenarios.test_api import GOOD, HEADER, call, upload

TOO_LARGE = 2**63
CONTENT = {"name": "x", "expression": "标签:房颤"}


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/physicians?kind=mobile", "kind"),
        ("/physicians?kind=phone", "value"),
        ("/physicians?surprise=1", "surprise"),
        ("/physicians?limit=0", "limit"),
        (f"/physicians?offset={TOO_LARGE}", "offset"),
        ("/suggestions", "rep"),
        ("/suggestions?rep=x&day=tomorrow", "day"),
        (f"/inbox?before={TOO_LARGE}", "before"),
        ("/inbox?state=lost", "state"),
    ],
)
def test_a_wrong_parameter_is_named(line: Line, path: str, names: str) -> None:
    answer = call(line, "GET", path)
    assert answer.status_code == 400
    assert names in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("path", "body", "names"),
    [
        ("/contents", {}, "title"),
        ("/contents", {"title": "x", "surprise": 1}, "surprise"),
        ("/contents", {"title": "a\x00b", "body": "y"}, "NUL"),
        ("/campaigns", CONTENT | {"content_id": TOO_LARGE}, "content_id"),
        ("/campaigns", CONTENT | {"content_id": 1, "expression": "标签:房颤 且"}, "expression"),
        ("/inbox/replay", {"ids": [TOO_LARGE]}, "ids"),
        ("/inbox/replay", {}, "ids"),
    ],
)
def test_a_wrong_field_is_named(line: Line, path: str, body: dict[str, Any], names: str) -> None:
    answer = call(line, "POST", path, json=body)
    assert answer.status_code == 400
    assert names in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/contents/{TOO_LARGE}", 404),
        (f"/campaigns/{TOO_LARGE}", 404),
        ("/physicians/%00", 404),
        ("/physicians/YS%00/timeline", 404),
        ("/suggestions?rep=%00", 400),
        ("/physicians?kind=phone&value=%00", 400),
        ("/physicians?q=%00", 400),
    ],
)
def test_what_no_row_can_hold_is_no_failure(line: Line, path: str, status: int) -> None:
    assert call(line, "GET", path).status_code == status


def test_once_and_again_and_again_do_not_go_together(line: Line) -> None:
    content = call(line, "POST", "/contents", json={"title": "x", "body": "y"}).json
    body = CONTENT | {"content_id": content["id"], "cron": "0 9 * * *", "at": "2030-01-01T00:00:00"}
    assert call(line, "POST", "/campaigns", json=body).status_code == 409


def test_answers_are_readable(line: Line) -> None:
    assert "没有" in call(line, "GET", "/contents/999").get_data(as_text=True)


def test_every_reference_of_the_document_leads_somewhere(line: Line) -> None:
    document = line.web.get("/api/v1/openapi.json").json
    for reference in references(document):
        where: Any = document
        for part in reference.removeprefix("#/").split("/"):
            where = where[part]
    paths = document["paths"]
    upload_to = paths["/api/v1/imports/physicians"]["post"]
    assert {"multipart/form-data", "text/csv"} <= set(upload_to["requestBody"]["content"])
    assert "201" in upload_to["responses"]
    assert "202" in paths["/api/v1/campaigns/{campaign_id}/run"]["post"]["responses"]
    assert paths["/api/v1/openapi.json"]["get"]["security"] == []


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


@pytest.mark.parametrize(
    "kind", ["text/csv", "application/x-www-form-urlencoded", "application/octet-stream", None]
)
def test_a_file_may_be_the_whole_body(line: Line, kind: str | None) -> None:
    data = f"{HEADER}\n{GOOD}".encode()
    answer = call(line, "POST", "/imports/physicians", data=data, content_type=kind)
    assert answer.status_code == 201, answer.text
    assert answer.json["accepted"] == 1


def test_unicode_text_of_a_spreadsheet_program_is_read(line: Line) -> None:
    assert upload(line, f"{HEADER}\n{GOOD}", "utf-16").json["accepted"] == 1


def test_columns_that_nobody_knows_are_told(line: Line) -> None:
    answer = upload(line, "姓名,手机,星座\n王某某,19912345678,水瓶")
    assert answer.json["accepted"] == 1
    assert answer.json["ignored_columns"] == ["星座"]


def test_an_open_quote_never_swallows_the_rows_behind_it(line: Line) -> None:
    answer = upload(line, '姓名,手机\n"王某某,19912345678\n李某某,19912345679\n')
    assert answer.status_code == 409
    assert "引号" in answer.json["error"]["message"]
    assert line.api_says()["total"] == 0


def test_bytes_say_what_a_file_is(line: Line) -> None:
    answer = send(line, book(), "客户.csv")
    assert answer.json["accepted"] == 1, answer.text


@pytest.mark.parametrize("broken", ["xml", "no sheet", "bomb", "cut"])
def test_a_spreadsheet_that_cannot_be_read_is_refused(line: Line, broken: str) -> None:
    whole = book()
    data = {
        "xml": lambda: replaced(whole, b"<broken"),
        "bomb": lambda: replaced(whole, b" " * (201 * 1024 * 1024)),
        "no sheet": only_a_chart,
        "cut": lambda: whole[: len(whole) // 2],
    }[broken]()
    answer = send(line, data, "a.xlsx")
    assert answer.status_code == 409, answer.text
    assert "XLSX" in answer.json["error"]["message"]


def test_a_long_import_lets_others_write_between_its_rows(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = import_physicians.SLICE * 2 + 1
    between: list[int] = []

    def somebody_writes(pause_s: float) -> None:
        with line.parts.db.transaction() as session:
            between.append(session.scalars(select(ImportBatch.accepted)).one())

    monkeypatch.setattr(imports.time, "sleep", somebody_writes)
    text = "\n".join(["姓名,手机", *(f"某{i},{19912340000 + i}" for i in range(rows))])
    assert upload(line, text).json["accepted"] == rows
    one_writer = line.parts.db.engine.dialect.name == "sqlite"
    slices = [import_physicians.SLICE, import_physicians.SLICE * 2]
    assert between == (slices if one_writer else []), "with many writers nobody has to wait"
    with line.parts.db.reading() as session:
        assert session.scalars(select(ImportBatch.accepted)).one() == rows
    assert line.api_says()["total"] == 0  # a phone alone is nobody
    assert line.api_says(kind="phone", value=str(19912340000 + rows - 1))["total"] == 1


def send(line: Line, data: bytes, name: str) -> Any:
    return call(line, "POST", "/imports/physicians", data={"file": (io.BytesIO(data), name)})


def book() -> bytes:
    made = Workbook()
    sheet = made.active
    assert sheet is not None
    sheet.append(["姓名", "手机"])
    sheet.append(["王某某", 19912345678])
    data = io.BytesIO()
    made.save(data)
    return data.getvalue()


def only_a_chart() -> bytes:
    made = Workbook()
    made.create_chartsheet()
    made.remove(made.worksheets[0])
    data = io.BytesIO()
    made.save(data)
    return data.getvalue()


def replaced(workbook: bytes, sheet: bytes) -> bytes:
    data = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook)) as old,
        zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, sheet if "sheet1" in name else old.read(name))
    return data.getvalue()
