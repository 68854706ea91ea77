"""Tables of openings and tags, from CSV or XLSX files of any size, checked row by row."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.infra.errors import Refused
from app.infra.table_file import ZIP, read_table
from app.recommend.proof import Interaction, Weighted

OTHERWISE = {  # what a column may be called besides its own name
    "user": ("user_id", "userid", "physician", "医生"),
    "item": ("item_id", "itemid", "content", "内容"),
    "time": ("timestamp", "datetime", "date", "时间"),
    "tag": ("tag_id", "标签"),
    "weight": ("confidence", "权重"),
}


@dataclass(frozen=True, slots=True)
class Columns:
    """The name of each column."""

    user: str = "user"
    item: str = "item"
    time: str = "time"
    tag: str = "tag"
    weight: str = "weight"


def interactions(path: Path, columns: Columns) -> Iterator[Interaction]:
    """Openings. Raises Refused with the row that cannot be read."""
    header, rows = _rows(path)
    wanted = [_place(path, header, name) for name in (columns.user, columns.item, columns.time)]
    for line, row in rows:
        user, item, time = (row[place].strip() if place < len(row) else "" for place in wanted)
        if not user or not item:
            raise Refused(f"{path} 第 {line} 行没有医生或内容编号。")
        yield Interaction(user, item, _moment(path, line, time))


def weighted(path: Path, owner: str, columns: Columns) -> Iterator[Weighted]:
    """Tags of contents or physicians; the weight is 1 where there is none. Raises Refused."""
    header, rows = _rows(path)
    whose, tag = _place(path, header, owner), _place(path, header, columns.tag)
    weight = _find(header, columns.weight)
    for line, row in rows:
        if max(whose, tag) >= len(row) or not row[whose].strip() or not row[tag].strip():
            raise Refused(f"{path} 第 {line} 行缺少编号或标签。")
        text = row[weight].strip() if weight is not None and weight < len(row) else ""
        yield Weighted(row[whose].strip(), row[tag].strip(), _share(path, line, text))


def _rows(path: Path) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The header, and numbered rows that are not empty."""
    found = _lines(path)
    _, header = next(found, (1, []))
    return [name.strip() for name in header], found


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start in (b"PAR1",):
            raise Refused(f"{path} 是 Parquet 文件，请另存为 CSV 或 XLSX。")
        if start == ZIP:
            table = enumerate(read_table(path.name, path.read_bytes()), start=1)
            yield from ((line, row) for line, row in table if any(row))
            return
        with path.open(encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text, strict=True)
            yield from ((reader.line_num, row) for row in reader if any(row))
    except OSError as problem:
        raise Refused(f"无法读取 {path}：{problem.strerror}。") from problem
    except (UnicodeDecodeError, csv.Error) as problem:
        raise Refused(
            f"{path} 不是 UTF-8 编码的 CSV 文件，请另存为 CSV UTF-8 或 XLSX。"
        ) from problem


def _find(header: list[str], name: str) -> int | None:
    for called in (name, *OTHERWISE.get(name, ())):
        for place, column in enumerate(header):
            if column.lower() == called.lower():
                return place
    return None


def _place(path: Path, header: list[str], name: str) -> int:
    place = _find(header, name)
    if place is None:
        raise Refused(
            f"{path} 没有“{name}”列，它的列是：{'、'.join(header) or '（空）'}。"
            f"请用 --user、--item、--time、--tag、--weight 指出列名。"
        )
    return place


def _moment(path: Path, line: int, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise Refused(
                f"{path} 第 {line} 行的时间“{text}”无法识别：请用数字，或 2026-11-24 09:30。"
            ) from None
        value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(value):
        raise Refused(f"{path} 第 {line} 行的时间“{text}”不是有限的数。")
    return value


def _share(path: Path, line: int, text: str) -> float:
    try:
        value = float(text or 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise Refused(f"{path} 第 {line} 行的权重“{text}”应为 0 以上的数。")
    return value
