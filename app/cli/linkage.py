"""`yishu identity candidates` and `evaluate`: who may be one physician, and how right that is."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from app import linkage
from app.bootstrap import build
from app.cli.output import Json, show, teller
from app.flows.identity import link_all
from app.flows.identity.import_physicians import KNOWN
from app.identity import Kind
from app.infra.errors import Refused
from app.linkage import model as weights
from app.linkage.compare import COLUMNS
from app.linkage.fields import Field, guess
from app.linkage.figures import Figures, figures, over_merged
from app.linkage.rows import OURS, link

ID, SOURCE, IGNORE = "id", "source", "ignore"
TRUTH_IDS = ("id", "rec_id", "record_id", "unique_id")
MEANINGS = (*OURS, *Kind, *Field, ID, SOURCE, IGNORE)
Rows = list[dict[str, str]]


def evaluate(
    records: Annotated[list[Path], typer.Option(help="CSV with a header; may be given again.")],
    truth: Annotated[
        Path, typer.Option(help="CSV of two columns: record, and which person it is.")
    ],
    map_: Annotated[
        list[str], typer.Option("--map", help="COLUMN=MEANING, as often as needed.")
    ] = [],  # noqa: B006
    least: Annotated[
        float, typer.Option(help="Bits from which two are one; 0: as likely as not.")
    ] = 0.0,
    single: Annotated[bool, typer.Option(help="Each source holds everybody at most once.")] = False,
    model: Annotated[
        Path | None, typer.Option(help="Weights to use, for files of physicians.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Link a labelled file as the product does and print how right that was.

    Meanings: name, hospital, department, title, city; licence_no, crm_id, unionid, phone … (the
    kinds of identifiers); text, date, code, choice (any other data); id, source, ignore. Without
    --map, columns are taken by their names. Several files are several sources.
    """
    table, columns = _read(records)
    meanings = _meanings(columns, map_)
    key = next((column for column, meaning in meanings.items() if meaning == ID), "")
    if not key:
        raise Refused("没有记录编号列。请用 --map 列名=id 指出哪一列与 --truth 文件的第一列对应。")
    labels = _labels(truth, [row.get(key, "") for row in table])
    source = next((column for column, meaning in meanings.items() if meaning == SOURCE), "")
    if single and not source:
        raise Refused("--single 需要来源列：给出多个文件，或用 --map 列名=source 指出。")
    known = weights.loads(model.read_text(), COLUMNS) if model else None
    begun = time.perf_counter()
    linked = link(
        table, meanings, least=least, source=source if single else "", model=known,
        tell=teller(begun, as_json),
    )  # fmt: skip
    took = time.perf_counter() - begun
    found = {name: figures(labels, made) for name, made in linked.steps.items()}
    over = {name: over_merged(made, linked.marks) for name, made in linked.steps.items()}
    data = {
        "records": len(table), "seconds": round(took, 2), "pairs": linked.pairs,
        "meanings": meanings, "model": linked.model.version,
        "steps": {name: one.as_json() | {"over_merges": over[name]} for name, one in found.items()},
    }  # fmt: skip
    show(data, _as_text(found, over, meanings, took, linked.model.trained_on), as_json)


def candidates(
    train: Annotated[
        bool, typer.Option(help="Learn the weights from your own physicians.")
    ] = False,
    splink: Annotated[
        bool, typer.Option(help="Let Splink learn them, if it is installed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare all physicians, queue those who may be one, join the sure; the product may run.

    --train also learns from what people decided; --splink cannot. Workers compare whoever is new or
    has changed by themselves: this is for the first time, and after training. Trained weights are
    kept and used from then on, by every worker.
    """
    parts = build(process="cli")
    tell = teller(time.perf_counter(), as_json)
    everybody = link_all.read(parts.db, tell)
    taught = {}
    if train or splink:
        with parts.db.reading() as session:
            decided = linkage.decided(session)
        if not splink:
            taught = {"same": decided.same.total(), "different": decided.different.total()}
        model = link_all.train(everybody, decided, parts.clock(), splink=splink)
        with parts.db.transaction() as session:
            linkage.save_model(session, model, parts.clock())
    else:
        with parts.db.reading() as session:
            model = linkage.current_model(session)
    found = link_all.scored(everybody, model)
    tell(f"{len(found):,} pairs that may be one physician")
    told = link_all.place_all(parts.db, found, model.version, parts.clock, tell)
    with parts.db.reading() as session:
        waiting = linkage.counts(session)[linkage.State.OPEN]
    text = (
        f"比较了 {len(everybody):,} 位医生（权重 {model.version}），"
        f"找到 {len(found):,} 对可能相同的："
        f"自动合并 {told.get('automatic', 0):,} 对，现有 {waiting:,} 对等待人工判断，"
        f"{told.get('expired', 0):,} 对不再需要判断。{_taught(taught)}"
    )
    data = {"physicians": len(everybody), "pairs": len(found), "model": model.version,
            "waiting": waiting, "decisions": taught, **told}  # fmt: skip
    show(data, text, as_json)


def _taught(decisions: dict[str, int]) -> str:
    if not decisions:
        return ""
    same, different = decisions["same"], decisions["different"]
    return f"训练用了 {same + different:,} 条人工判断：{same:,} 对是同一人，{different:,} 对不是。"


def _read(paths: Sequence[Path]) -> tuple[Rows, list[str]]:
    table: Rows = []
    columns: dict[str, None] = {}
    for path in paths:
        rows, header = _read_csv(path)
        columns |= dict.fromkeys(header)
        if len(paths) > 1 and SOURCE not in header:
            columns[SOURCE] = None
            rows = [row | {SOURCE: path.name} for row in rows]
        table += rows
    if not table:
        raise Refused("文件里没有记录。第一行应为列名，之后每行一条记录。")
    return table, list(columns)


def _read_csv(path: Path) -> tuple[Rows, list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            header = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = header
            rows = [{k: (v or "").strip() for k, v in row.items() if k} for row in reader]
    except OSError as problem:
        raise Refused(f"无法读取 {path}：{problem.strerror}。") from problem
    except (UnicodeDecodeError, csv.Error) as problem:
        raise Refused(f"{path} 不是 UTF-8 编码的 CSV 文件，请另存为 CSV UTF-8。") from problem
    if len(header) != len(set(header)) or not header:
        raise Refused(f"{path} 的第一行应为列名，且不能重复。")
    return rows, header


def _meanings(columns: Sequence[str], asked: Sequence[str]) -> dict[str, str]:
    wanted = {}
    for text in asked:
        column, _, meaning = text.rpartition("=")
        if column not in columns or meaning not in MEANINGS:
            raise Refused(
                f"--map {text} 无法使用：列是 {'、'.join(columns)}；含义是 {'、'.join(MEANINGS)}。"
            )
        wanted[column] = meaning
    ours = {column: _ours(column) for column in columns}
    physicians = OURS[0] in {*ours.values(), *wanted.values()}
    found = {}
    for column in columns:
        own = ours[column] if physicians or ours[column] in (ID, SOURCE) else ""
        other = IGNORE if physicians else str(guess(column))
        found[column] = str(wanted.get(column) or own or other)
    return found


def _ours(column: str) -> str:
    name = column.strip().lower()
    if name in TRUTH_IDS:
        return ID
    meaning = KNOWN.get(name, name)
    return meaning if meaning in (*OURS, *Kind, SOURCE) else ""


def _labels(path: Path, keys: Sequence[str]) -> list[str]:
    rows, header = _read_csv(path)
    if len(header) < 2:
        raise Refused(f"{path} 需要两列：记录编号，以及它是哪个人。")
    person = {row[header[0]]: row[header[1]] for row in rows}
    lost = [key for key in keys if key not in person]
    if lost:
        raise Refused(
            f"{path} 里没有 {len(lost):,} 条记录的答案，例如“{lost[0]}”。"
            f"第一列应与记录的编号列相同。"
        )
    if len(set(keys)) < len(keys):
        raise Refused("记录的编号有重复，无法与答案对应。")
    return [person[key] for key in keys]


def _as_text(
    found: dict[str, Figures], over: dict[str, int], meanings: dict[str, str], took: float,
    trained_on: str,
) -> str:  # fmt: skip
    one = next(iter(found.values()))
    lines = [
        f"{one.records:,} records, {one.persons:,} persons, {took:.1f} s; weights: {trained_on}",
        "columns: " + ", ".join(f"{column} = {meaning}" for column, meaning in meanings.items()),
        f"{'':16}{'pairwise':^24}{'B-cubed (per record)':^24}{'exact':>8}{'largest':>9}"
        f"{'over-':>8}",
        f"{'':16}{'P':>8}{'R':>8}{'F1':>8}{'P':>8}{'R':>8}{'F1':>8}{'F1':>8}"
        f"{f'(of {one.largest_true})':>9}{'merges':>8}",
    ]
    for name, figure in found.items():
        p, b = figure.pairwise, figure.b_cubed
        lines.append(
            f"{name:16}{p.precision:8.4f}{p.recall:8.4f}{p.f1:8.4f}{b.precision:8.4f}"
            f"{b.recall:8.4f}{b.f1:8.4f}{figure.exact.f1:8.4f}{figure.largest:9}{over[name]:8}"
        )
    return "\n".join(lines)
