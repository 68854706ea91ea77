"""Physicians from a CSV or XLSX file of the CRM: each row whole or not at all, each reason told.

    sheet = read(filename, data)      all of it is checked before anything is stored
    batch = begin(session, …)         a transaction
    for rows in slices(sheet): take(session, batch.id, rows, …)      a transaction for each

A large file takes minutes, and SQLite lets one transaction write at a time: in one piece it would
keep callbacks from being committed. A file that is sent again changes nothing, so whoever was
interrupted sends it again; the batch says how many rows were taken.

Columns in Chinese or English. Columns that speak of prescription volume make us refuse the whole
file: such data must never enter (医药代表备案管理办法).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from app import identity, tagging
from app.identity import Id, Kind, Known
from app.identity.models import ImportBatch
from app.infra.errors import Refused
from app.infra.table_file import read_table
from app.tagging import Source
from app.tagging.forbidden import FORBIDDEN

MAX_ROWS = 50_000
SLICE = 10  # rows in a transaction: a callback waits 3.5 s at most, also on a busy machine
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


Row = tuple[int, dict[str, str]]


@dataclass(slots=True)
class Sheet:
    """Rows that can be taken, with their line numbers, and those that cannot."""

    rows: list[Row] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    digest: str = ""
    ignored: list[str] = field(default_factory=list)
    """Columns that we do not know."""


def read(filename: str, data: bytes, forbidden: Mapping[str, str] = FORBIDDEN) -> Sheet:
    """Read and check a file; tags with a `forbidden` word are rejected with their row. Raises
    Refused when nothing of it can be used."""
    table = read_table(filename, data)
    header = [str(cell).strip().lower() for cell in next(table, ())]
    _check_header(header)
    names = [KNOWN.get(cell, "") for cell in header]
    sheet = Sheet(
        digest=hashlib.sha256(data).hexdigest()[:16],
        ignored=[cell for cell, name in zip(header, names, strict=True) if cell and not name],
    )
    seen: dict[str, int] = {}
    for line, cells in enumerate(table, start=2):
        if line > MAX_ROWS + 1:
            raise Refused(f"一次最多导入 {MAX_ROWS:,} 行，请拆分后再上传。")
        row = {n: c.strip() for n, c in zip(names, cells, strict=False) if n and c.strip()}
        if row:
            _take(sheet, line, row, seen, forbidden)
    return sheet


def begin(
    session: Session, filename: str, sheet: Sheet, *, actor: str, now: datetime
) -> ImportBatch:
    """The record of an upload, with what was rejected; nothing is taken yet."""
    batch = ImportBatch(
        kind="physicians", filename=filename[:200], actor=actor, at=now,
        rows=len(sheet.rows) + len(sheet.rejected), accepted=0, rejected=len(sheet.rejected),
        rejections=[rejection.as_json() for rejection in sheet.rejected[:1000]],
    )  # fmt: skip
    session.add(batch)
    session.flush()
    return batch


def slices(sheet: Sheet) -> Iterator[Sequence[Row]]:
    """The rows, as many at a time as one transaction should store."""
    return (sheet.rows[i : i + SLICE] for i in range(0, len(sheet.rows), SLICE))


def take(
    session: Session, batch_id: int, rows: Sequence[Row], *, digest: str, now: datetime
) -> None:
    """Store these rows; a row of a file is taken once."""
    told = [
        identity.Told(
            [one for one, _ in _ids(row) if one is not None], f"import:{digest}:{line}",
            "crm.import", now, kind="crm_master", trust=TRUST, name=row["name"],
        )
        for line, row in rows
    ]  # fmt: skip
    found = identity.recognise_many(session, told, now=now)
    for (_, row), identifiers in zip(rows, found, strict=True):
        _describe(session, row, identifiers[0], now)
    session.get_one(ImportBatch, batch_id).accepted += len(rows)


def _describe(session: Session, row: Mapping[str, str], anchor: Known, now: datetime) -> None:
    identity.describe(session, anchor, row, source="crm.import", trust=TRUST, at=now, now=now)
    names = {raw: f"CRM 标签「{raw}」" for raw in _tags(row.get("tags", ""))}
    if names:  # a file without tags says nothing about them
        tagging.take_names(
            session, anchor.id, source=Source.CRM, scope="crm", names=names, at=now, now=now
        )


def _take(
    sheet: Sheet, line: int, row: dict[str, str], seen: dict[str, int], forbidden: Mapping[str, str]
) -> None:
    problem = _problem(line, row, seen) or _banned(line, row, forbidden)
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
    return None


def _banned(line: int, row: Mapping[str, str], forbidden: Mapping[str, str]) -> Rejection | None:
    word = next((w for w in forbidden if w in row.get("tags", "")), "")
    return Rejection(line, "tags", "forbidden", f"标签不能包含“{word}”") if word else None


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
