"""A list of hospitals from a CSV or XLSX file: all of it checked, looked at, then taken.

    sheet = read(filename, data)
    upload = keep(session, …)          what it would do is shown, nothing is taken yet
    apply(db, upload.id, …)            part by part; then written names are looked at again

Whoever was interrupted applies it again: what is there already stays as it is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app import hospitals, identity
from app.flows.identity.hospitals import catch_up
from app.hospitals import HospitalImport, load
from app.hospitals.models import Institution
from app.hospitals.rows import COLUMNS, REJECTED, Remark, Row, check, from_json
from app.identity import Physician
from app.infra.db import Database
from app.infra.errors import NotFound, Refused
from app.infra.table_file import read_table

MAX_ROWS = 50_000
KEPT = timedelta(days=7)  # an upload that nobody confirmed
_KNOWN = {alias: name for name, aliases in COLUMNS.items() for alias in aliases}


@dataclass(slots=True)
class Sheet:
    """Each institution of the file once, and what there is to say about its lines."""

    rows: list[Row] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    """Columns that we do not know."""


def read(filename: str, data: bytes) -> Sheet:
    """Read and check a file. Raises Refused when nothing of it can be used."""
    table = read_table(filename, data)
    header = [cell.strip().lower() for cell in next(table, ())]
    columns = [_KNOWN.get(cell, "") for cell in header]
    if "name" not in columns:
        raise Refused(
            "没有找到“医院名称”列。第一行应为列名，例如：医院名称,别名,等级,省份,城市,院区。"
        )
    sheet = Sheet(ignored=[c for c, name in zip(header, columns, strict=True) if c and not name])
    for line, cells in enumerate(table, start=2):
        if line > MAX_ROWS + 1:
            raise Refused(f"一次最多导入 {MAX_ROWS:,} 行，请拆分后再上传。")
        row = {n: c.strip() for n, c in zip(columns, cells, strict=False) if n and c.strip()}
        found = check(line, row) if row else None
        if isinstance(found, Row):
            sheet.rows.append(found)
        elif found is not None:
            sheet.remarks.append(found)
    sheet.rows, same = load.distinct(sheet.rows)
    sheet.remarks += same
    if not sheet.rows:
        raise Refused("文件里没有可以导入的医院。请检查第一列是否为医院全称。")
    return sheet


def keep(
    session: Session, filename: str, sheet: Sheet, *, actor: str, now: datetime
) -> HospitalImport:
    """Keep an upload until somebody has looked at it."""
    old = delete(HospitalImport).where(
        HospitalImport.applied_at.is_(None), HospitalImport.at < now - KEPT
    )
    session.execute(old)
    upload = HospitalImport(
        filename=filename[:200], actor=actor, at=now, figures={},
        rows=[row.as_json() for row in sheet.rows],
        rejections=[remark.as_json() for remark in sheet.remarks],
    )  # fmt: skip
    session.add(upload)
    session.flush()
    return upload


def look(session: Session, upload: HospitalImport, now: datetime) -> load.Done:
    """What it would do now."""
    done = load.preview(session, [from_json(row) for row in upload.rows], now)
    return _with_those_of_the_file(done, upload)


def apply(db: Database, upload_id: int, *, actor: str, now: datetime) -> load.Done:
    """Take all of it. Raises NotFound, and Refused when it was taken before."""
    with db.reading() as session:
        upload = session.get(HospitalImport, upload_id)
        if upload is None:
            raise NotFound("没有这个文件，请重新上传。")
        if upload.applied_at is not None:
            raise Refused("这个文件已经导入过了。")
    done = load.Done()
    for part in load.parts([from_json(row) for row in upload.rows]):
        with db.transaction() as session:
            done.add(load.take(session, part, source=f"import:{upload_id}", actor=actor, now=now))
            _tell_audiences(session, now)
    done = _with_those_of_the_file(done, upload)
    with db.transaction() as session:
        row = session.get_one(HospitalImport, upload_id)
        row.applied_at, row.figures = now, dict(done.figures)
        row.rows, row.rejections = [], [remark.as_json() for remark in done.remarks[:1000]]
    catch_up(db, now)
    return done


def _tell_audiences(session: Session, now: datetime) -> None:
    """Audiences ask for the level of a hospital: whoever works where something has changed."""
    touched = select(Institution.id).where(Institution.updated_at == now)
    concerned = Physician.institution_id.in_(touched), Physician.anchor_id.is_not(None)
    identity.changed.note_all(session, Physician.anchor_id, *concerned)


def _with_those_of_the_file(done: load.Done, upload: HospitalImport) -> load.Done:
    for row in upload.rejections:
        remark = Remark(row["line"], hospitals.rows.Said(row["code"]), row["name"], row["other"])
        done.remarks.append(remark)
        done.figures += Counter(["rejected" if remark.code in REJECTED else remark.code])
    done.remarks.sort(key=lambda remark: (remark.code not in REJECTED, remark.line))
    return done
