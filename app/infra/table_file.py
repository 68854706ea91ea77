"""Cells of an uploaded CSV or XLSX file. Pure; what it is, its bytes say and not its name."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from app.infra.errors import Refused

MAX_BYTES = 10 * 1024 * 1024
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
ZIP = b"PK\x03\x04"
BROKEN = (InvalidFileException, zipfile.BadZipFile, ParseError, LookupError, ValueError,
          TypeError, AttributeError, OSError, NotImplementedError, EOFError)  # fmt: skip


def read_table(filename: str, data: bytes) -> Iterator[list[str]]:
    """Rows as text, the header first. Raises Refused, also while it is read."""
    if len(data) > MAX_BYTES:
        raise Refused("文件超过 10 MB，请拆分后再上传。")
    is_book = data.startswith(ZIP) or filename.lower().endswith(".xlsx")
    return _xlsx(data) if is_book else _csv(data)


def _csv(data: bytes) -> Iterator[list[str]]:
    text = _decoded(data)
    if "\x00" in text:
        raise Refused("这不是 CSV 文件。")
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        yield from rows
    except csv.Error:  # an open quote would swallow the rows behind it without a word
        raise Refused(
            f"CSV 格式不正确，请检查引号是否成对（读到第 {rows.line_num} 行）。"
        ) from None


def _decoded(data: bytes) -> str:
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("无法识别文件编码，请另存为 UTF-8 的 CSV，或使用 XLSX。")


def _xlsx(data: bytes) -> Iterator[list[str]]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
        if unpacked > MAX_UNPACKED_BYTES:  # zipfile unpacks no more than it says here
            raise Refused("这个 XLSX 展开后太大，请拆分后再上传。")
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        for row in book.worksheets[0].iter_rows(values_only=True):
            yield [_cell(value) for value in row]
    except BROKEN:
        raise Refused("无法打开这个 XLSX 文件，请重新导出后再试。") from None


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # Excel stores phone and licence numbers as floats
    return str(value)
