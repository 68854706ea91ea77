"""A static list from a CSV or XLSX file: what each line means, looked at first, then confirmed.

    sheet = read(filename, data)
    row = keep(session, sheet, …)        a draft, its columns known by what was said, by a file
                                         with the same header, or by their names
    reread(session, row.id, columns, …)  read otherwise, by choice

A line names a physician by one or several columns; of the file nothing is kept but whom it named,
and, encrypted and until the list is confirmed, its lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import identity
from app.identity import WEAK, Id, Identifier, Kind, Physician, make_id
from app.identity.models import IdentifierStatus
from app.identity.register import read as known_identifiers
from app.infra.errors import Refused
from app.infra.table_file import read_table
from app.segments import SegmentList, lists

MAX_ROWS = 50_000
AT_ONCE = 1000
COLUMNS = {
    "one_id": ("one_id", "one id", "oneid"),
    "crm_id": ("crm_id", "crm编号", "客户编号", "crm id"),
    "licence_no": ("licence_no", "license_no", "执业证号", "执业证书编号", "医师执业证号"),
    "unionid": ("unionid",),
    "external_userid": ("external_userid", "外部联系人", "外部联系人id"),
    "phone": ("phone", "mobile", "手机", "手机号", "电话"),
}
KINDS = {
    "crm_id": Kind.CRM_ID, "licence_no": Kind.LICENCE_NO, "unionid": Kind.UNIONID,
    "external_userid": Kind.WECOM_EXTERNAL_USERID, "phone": Kind.PHONE,
}  # fmt: skip
_GUESSED = {alias: name for name, aliases in COLUMNS.items() for alias in aliases}


@dataclass(frozen=True, slots=True)
class Sheet:
    """Names of the columns, and the lines that hold anything, with their numbers."""

    header: list[str]
    rows: list[tuple[int, list[str]]]

    @property
    def guessed(self) -> dict[str, int]:
        """Which column is which, as far as the names tell."""
        found: dict[str, int] = {}
        for at, name in enumerate(self.header):
            code = _GUESSED.get(name.lower())
            if code:
                found.setdefault(code, at)
        return found

    @property
    def mark(self) -> str:
        """The same for files with the same columns."""
        return sha256("\x1f".join(self.header).encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """To be kept until the list is confirmed."""
        return {"header": self.header, "rows": [[line, *cells] for line, cells in self.rows]}


def from_json(kept: Mapping[str, Any]) -> Sheet:
    """The other way round."""
    return Sheet(list(kept["header"]), [(line, list(cells)) for line, *cells in kept["rows"]])


@dataclass(slots=True)
class Resolved:
    """`members`: an identifier of each physician once, if possible none that may come to mean
    several; `report`: the lines that name nobody, or not one alone, or nobody new: {line, column,
    value, why}."""

    members: list[int] = field(default_factory=list)
    report: list[dict[str, Any]] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Met:
    identifier_id: int
    one_id: str
    shared: bool


def read(filename: str, data: bytes) -> Sheet:
    """Raises Refused when it is no table, or too long a one."""
    table = read_table(filename, data)
    header = [cell.strip() for cell in next(table, [])]
    numbered = enumerate(table, start=2)
    rows = [(line, cells) for line, cells in numbered if any(map(str.strip, cells))]
    if len(rows) > MAX_ROWS:
        raise Refused(f"一次最多导入 {MAX_ROWS:,} 行，请拆分后再上传。")
    if not rows:
        raise Refused("文件里没有数据。第一行应为列名，之后每行一位医生。")
    return Sheet(header, rows)


def keep(
    session: Session,
    sheet: Sheet,
    said: str,
    *,
    name: str,
    purpose: str,
    filename: str,
    expires_at: datetime | None,
    author: str,
    corp_id: str,
    now: datetime,
) -> SegmentList:
    """A draft of whom the file names; `said`: which column is which, as `chosen` reads it. A file
    whose columns nobody knows is kept as well, so that they can be chosen. Raises Refused."""
    columns = chosen(sheet, said) or lists.columns_of(session, sheet.mark) or sheet.guessed
    found = resolve(session, sheet, columns, corp_id=corp_id) if columns else Resolved()
    return lists.draft(
        session, name=name, purpose=purpose, filename=filename, members=found.members,
        figures=found.figures, report=found.report, expires_at=expires_at, author=author, now=now,
        sheet=sheet.as_json(), header_mark=sheet.mark, columns=columns,
    )  # fmt: skip


def reread(
    session: Session, list_id: int, columns: Mapping[str, int], *, corp_id: str
) -> SegmentList:
    """The draft again, with these columns. Raises NotFound, Refused."""
    row = lists.get(session, list_id)
    found = Resolved()
    if row.sheet is not None:
        found = resolve(session, from_json(row.sheet), columns, corp_id=corp_id)
    return lists.read_as(
        session, list_id, members=found.members, figures=found.figures, report=found.report,
        columns=columns,
    )  # fmt: skip


def chosen(sheet: Sheet, said: str) -> dict[str, int]:
    """Which column is which as somebody wrote it: `phone=手机 crm_id=3`, by the column's name or
    its number, from 1. Raises Refused for what is no column."""
    found = {}
    for pair in said.replace("，", " ").replace(",", " ").split():
        code, _sep, name = pair.replace("＝", "=").partition("=")
        if code not in COLUMNS:
            raise Refused(f"看不懂列的对应“{pair}”，例如 phone=手机；可用：{'、'.join(COLUMNS)}。")
        if name in sheet.header:
            found[code] = sheet.header.index(name)
        elif name.isdecimal() and 0 < int(name[:6]) <= len(sheet.header):
            found[code] = int(name) - 1
        else:
            names = "、".join(sheet.header)
            raise Refused(f"文件里没有“{name}”这一列，列名有：{names}。")
    return found


def resolve(
    session: Session, sheet: Sheet, columns: Mapping[str, int], *, corp_id: str
) -> Resolved:
    """Whom the lines mean. `columns`: which column of the file is which identifier, from 0. Raises
    Refused when none is."""
    chosen = {name: at for name, at in columns.items() if name in COLUMNS}
    if not chosen:
        raise Refused("请选择至少一列：ONE ID、CRM 编号、执业证号、unionid、外部联系人或手机号。")
    found, seen = Resolved(), dict[str, int]()
    for start in range(0, len(sheet.rows), AT_ONCE):
        lines = [
            (line, {name: cells[at].strip() for name, at in chosen.items()
                    if at < len(cells) and cells[at].strip()})
            for line, cells in sheet.rows[start : start + AT_ONCE]
        ]  # fmt: skip
        met = _met(session, [values for _, values in lines], corp_id)
        for line, values in lines:
            _take(found, seen, line, values, met)
    return found


def _take(
    found: Resolved, seen: dict[str, int], line: int, values: Mapping[str, str],
    met: Mapping[tuple[str, str], _Met],
) -> None:  # fmt: skip
    hits = [met[name, value] for name, value in values.items() if (name, value) in met]
    people = {hit.one_id for hit in hits if not hit.shared}
    if len(people) == 1:
        one_id = people.pop()
        if one_id not in seen:
            seen[one_id] = line
            found.members.append(next(h.identifier_id for h in hits if h.one_id == one_id))
            found.figures["found"] += 1
            return
        why = f"与第 {seen[one_id]} 行是同一位医生"
        code = "duplicates"
    elif hits:
        code, why = "ambiguous", "几列指向不同的医生" if people else "这个号码由多位医生共用"
    else:
        code, why = "not_found", "没有这位医生" if values else "这一行没有编号"
    found.figures[code] += 1
    column, value = next(iter(values.items()), ("", ""))
    found.report.append({"line": line, "code": code, "column": column, "value": value, "why": why})


def _met(
    session: Session, rows: Sequence[Mapping[str, str]], corp_id: str
) -> dict[tuple[str, str], _Met]:
    """By column and value as written."""
    asked = dict(_asked(rows, corp_id))
    known = known_identifiers(session, set(asked.values()))
    shared = _shared(session, [row.id for row in known.values()])
    told = {key: known[one] for key, one in asked.items() if one in known and known[one].value}
    weak = [row.one_id for row in told.values() if row.kind in WEAK and row.id not in shared]
    anchors = _anchors(session, weak)
    found = {
        key: _Met(anchors.get(row.one_id, row.id) if row.kind in WEAK else row.id,
                  row.one_id, row.id in shared)
        for key, row in told.items()
    }  # fmt: skip
    for value in {row["one_id"] for row in rows if "one_id" in row}:
        current = identity.resolve_one_id(session, value.upper())
        person = session.get(Physician, current) if current else None
        if person is not None and person.anchor_id is not None:
            found["one_id", value] = _Met(person.anchor_id, person.one_id, False)
    return found


def _asked(rows: Sequence[Mapping[str, str]], corp_id: str) -> Iterator[tuple[tuple[str, str], Id]]:
    for row in rows:
        for name, value in row.items():
            if name in KINDS:
                one = make_id(KINDS[name], value, corp_id if name == "external_userid" else "")
                if one is not None:
                    yield (name, value), one


def _anchors(session: Session, people: Sequence[str]) -> dict[str, int]:
    """The identifier that stands for each of these: a phone that is told of somebody else later
    means nobody alone any more, and who was on the list by it has to stay on it."""
    found: dict[str, int] = {}
    for start in range(0, len(people), AT_ONCE):
        chosen = Physician.one_id.in_(people[start : start + AT_ONCE])
        anchored = select(Physician.one_id, Physician.anchor_id)
        rows = session.execute(anchored.where(chosen, Physician.anchor_id.is_not(None)))
        found |= {one_id: anchor for one_id, anchor in rows if anchor is not None}
    return found


def _shared(session: Session, ids: Sequence[int]) -> set[int]:
    """Those that mean more than one person."""
    found: set[int] = set()
    for start in range(0, len(ids), AT_ONCE):
        chosen = Identifier.id.in_(ids[start : start + AT_ONCE])
        loose = Identifier.status != IdentifierStatus.ACTIVE
        found.update(session.scalars(select(Identifier.id).where(chosen, loose)))
    return found
