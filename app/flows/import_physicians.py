"""Physicians from a CSV or XLSX file of the CRM: each row whole or not at all, each reason told.

Columns in Chinese or English. Columns that speak of prescription volume make us refuse the whole
file: such data must never enter (医药代表备案管理办法).
"""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from sqlalchemy.orm import Session

from app import identity, tagging
from app.identity import Id, Kind
from app.identity.models import ImportBatch
from app.infra.errors import Refused
from app.tagging import Source
from app.tagging.starter import FORBIDDEN

MAX_BYTES, MAX_ROWS = 10 * 1024 * 1024, 50_000
TRUST = 80
COLUMNS = {
    "name": ("name", "姓名", "医生姓名"),
    "licence_no": ("licence_no", "license_no", "执业证号", "执业证书编号", "医师执业证号"),
    "phone": ("phone", "mobile", "手机", "手机号", "电话"),
    "hospital": ("hospital", "医院", "医院名称", "机构"),
    "department": ("department", "科室"),
    "title": ("title", "职称"),
    "specialty": ("specialty", "专业", "专科"),
    "city": ("city", "城市"),
    "province": ("province", "省份", "省"),
    "crm_id": ("crm_id", "crm编号", "客户编号", "crm id"),
    "unionid": ("unionid",),
    "tags": ("tags", "标签"),
}
KNOWN = {alias: name for name, aliases in COLUMNS.items() for alias in aliases}
IDS = (("licence_no", Kind.LICENCE_NO), ("crm_id", Kind.CRM_ID), ("unionid", Kind.UNIONID),
       ("phone", Kind.PHONE))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was not taken: its line in the file, the column, and why."""

    line: int
    column: str
    code: str
    reason: str

    def as_json(self) -> dict[str, object]:
        """For the API and the batch row."""
        return {"line": self.line, "column": self.column, "code": self.code, "reason": self.reason}


@dataclass(slots=True)
class Sheet:
    """Rows that can be taken, with their line numbers, and those that cannot."""

    rows: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


def read(filename: str, data: bytes) -> Sheet:
    """Read and check a file. Raises Refused when nothing of it can be used."""
    if len(data) > MAX_BYTES:
        raise Refused("文件超过 10 MB，请拆分后再上传。")
    table = _xlsx(data) if filename.lower().endswith(".xlsx") else _csv(data)
    header = [str(cell).strip().lower() for cell in next(table, ())]
    _check_header(header)
    names = [KNOWN.get(cell, "") for cell in header]
    sheet = Sheet()
    seen: dict[str, int] = {}
    for line, cells in enumerate(table, start=2):
        if line > MAX_ROWS + 1:
            raise Refused(f"一次最多导入 {MAX_ROWS:,} 行，请拆分后再上传。")
        row = {n: c.strip() for n, c in zip(names, cells, strict=False) if n and c.strip()}
        if row:
            _take(sheet, line, row, seen)
    return sheet


def apply(
    session: Session, filename: str, data: bytes, sheet: Sheet, *, actor: str, now: datetime
) -> ImportBatch:
    """Store every row that can be taken, in this transaction; a file is taken once."""
    digest = hashlib.sha256(data).hexdigest()[:16]
    batch = ImportBatch(
        kind="physicians", filename=filename[:200], actor=actor, at=now,
        rows=len(sheet.rows) + len(sheet.rejected), accepted=len(sheet.rows),
        rejected=len(sheet.rejected),
        rejections=[rejection.as_json() for rejection in sheet.rejected[:1000]],
    )  # fmt: skip
    session.add(batch)
    session.flush()
    for line, row in sheet.rows:
        _store(session, row, f"import:{digest}:{line}", now)
    return batch


def _store(session: Session, row: Mapping[str, str], key: str, now: datetime) -> None:
    ids = [one for one, _ in _ids(row) if one is not None]
    identifiers = identity.observe(
        session, ids, event_key=key, source="crm.import", kind="crm_master", trust=TRUST,
        at=now, now=now,
    )  # fmt: skip
    anchor = identifiers[0]
    identity.describe(session, anchor, row, source="crm.import", trust=TRUST, at=now, now=now)
    names = {raw: f"CRM 标签「{raw}」" for raw in _tags(row.get("tags", ""))}
    if names:  # a file without tags says nothing about them
        tagging.take_names(
            session, anchor.id, source=Source.CRM, scope="crm", names=names, at=now, now=now
        )


def _take(sheet: Sheet, line: int, row: dict[str, str], seen: dict[str, int]) -> None:
    problem = _problem(line, row, seen)
    if problem:
        sheet.rejected.append(problem)
        return
    for column in ("licence_no", "crm_id"):
        if column in row:
            seen[f"{column}:{row[column].upper()}"] = line
    sheet.rows.append((line, row))


def _problem(line: int, row: Mapping[str, str], seen: Mapping[str, int]) -> Rejection | None:
    if "name" not in row:
        return Rejection(line, "name", "missing", "缺少姓名")
    found = _ids(row)
    for one, column in found:
        if one is None:
            return Rejection(line, column, "invalid", _invalid(column))
        if len(row[column]) > identity.normalise.MAX_VALUE:
            return Rejection(line, column, "too_long", "内容太长")
    if not found:
        return Rejection(line, "", "no_identifier", "需要执业证号、CRM 编号或手机号中的至少一项")
    for column in ("licence_no", "crm_id"):
        first = seen.get(f"{column}:{row.get(column, '').upper()}")
        if column in row and first:
            return Rejection(line, column, "duplicate", f"与第 {first} 行重复")
    banned = next((w for w in FORBIDDEN if w in row.get("tags", "")), "")
    if banned:
        return Rejection(line, "tags", "forbidden", f"标签不能包含“{banned}”")
    return None


def _ids(row: Mapping[str, str]) -> list[tuple[Id | None, str]]:
    return [(identity.make_id(kind, row[name]), name) for name, kind in IDS if name in row]


def _invalid(column: str) -> str:
    return {
        "phone": "不是有效的手机号（座机、总机和 400 电话不能用来识别医生）",
        "licence_no": "执业证号不正确",
    }.get(column, "编号不正确")


def _tags(text: str) -> list[str]:
    for mark in "；;，,、|/":
        text = text.replace(mark, ";")
    return [part.strip() for part in text.split(";") if part.strip()]


def _check_header(header: Sequence[str]) -> None:
    banned = next((c for c in header for w in ("处方", "统方", "prescription") if w in c), "")
    if banned:
        raise Refused(f"文件包含“{banned}”列。不得采集医生个人的处方量，整个文件没有导入。")
    names = {KNOWN.get(cell) for cell in header}
    if "name" not in names:
        raise Refused(
            "没有找到“姓名”列。第一行应为列名，例如：姓名,执业证号,手机,医院,科室,职称,CRM编号,标签。"
        )


def _csv(data: bytes) -> Iterator[list[str]]:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise Refused("无法识别文件编码，请另存为 UTF-8 的 CSV，或使用 XLSX。")
    if "\x00" in text:
        raise Refused("这不是 CSV 文件。")
    try:
        yield from csv.reader(io.StringIO(text, newline=""))
    except csv.Error:
        raise Refused("CSV 格式不正确，请检查引号是否成对。") from None


def _xlsx(data: bytes) -> Iterator[list[str]]:
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError):
        raise Refused("无法打开这个 XLSX 文件，请重新导出后再试。") from None
    for row in book.worksheets[0].iter_rows(values_only=True):
        yield [_cell(value) for value in row]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # Excel stores phone and licence numbers as floats
    return str(value)
