"""`yishu recommend`: how good the scorer is on any data set, learning now, and policies."""

from __future__ import annotations

import csv
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from app.bootstrap import build
from app.cli import policies
from app.cli.interactions import Columns, interactions, weighted
from app.cli.learned import told
from app.cli.output import Json, show, teller
from app.flows.fitting import nights
from app.flows.learning.learn_tonight import learn_tonight
from app.infra.errors import Refused
from app.recommend import keep, proof
from app.recommend.proof import Judged, Problem, Split

NUMPY = (
    "需要 numpy：pip install --require-hashes -r requirements-recommend.lock"
    f"（全部对照方法：{proof.HOW}）。"
)


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Recommendations.", no_args_is_help=True)
    group.command()(evaluate)
    group.command()(invent)
    group.command()(learn)
    group.command()(night)
    policies.register(group)
    cli.add_typer(group, name="recommend")


def evaluate(
    interactions_file: Annotated[
        Path,
        typer.Option("--interactions", help="CSV or XLSX: user,item,time; one opening a row."),
    ],
    content_tags: Annotated[Path, typer.Option(help="CSV or XLSX: item,tag,weight.")],
    physician_tags: Annotated[
        Path | None, typer.Option(help="CSV or XLSX: user,tag,weight; as known before any opening.")
    ] = None,
    split: Annotated[
        Split, typer.Option(help="last: everybody's last opening; cold: contents nobody has seen.")
    ] = Split.LAST,
    only: Annotated[
        str, typer.Option(help="Baselines by comma, instead of all: " + ",".join(proof.MODELS))
    ] = "",
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 0,
    user: Annotated[str, typer.Option(help="Column of physicians.")] = "user",
    item: Annotated[str, typer.Option(help="Column of contents.")] = "item",
    at: Annotated[str, typer.Option("--time", help="Column of times.")] = "time",
    tag: Annotated[str, typer.Option(help="Column of tags.")] = "tag",
    weight: Annotated[str, typer.Option(help="Column of weights; may be missing.")] = "weight",
    as_json: Json = False,
) -> None:
    """Rank every content for every physician with the product's own scorer; print how right it is.

    Full ranking, NDCG@10, recall, hit rate, coverage, evenness, calibration, each with a bootstrap
    interval by physician, and the same for what one would use instead. Needs no database. Without
    --physician-tags, interests are what was opened before.
    """
    if not proof.available():
        raise Refused(NUMPY)
    chosen = _baselines(only)
    columns = Columns(user, item, at, tag, weight)
    tell = teller(time.perf_counter(), as_json)
    data = proof.dataset(
        interactions(interactions_file, columns),
        weighted(content_tags, columns.item, columns),
        weighted(physician_tags, columns.user, columns) if physician_tags else None,
    )
    problems = proof.split(data, split, seed)
    tell(f"{len(data.user):,} openings, {_foreseen(problems):,} to foresee")
    judged = proof.judge(problems, tell, chosen)
    show(_as_json(problems, judged), _as_text(problems, judged), as_json)


def invent(
    folder: Annotated[Path, typer.Argument(help="Where three CSV files are written.")],
    kind: Annotated[
        str,
        typer.Option(
            help="fits: tastes follow tags; off: they do not, tags are wrong; taste: to tune on."
        ),
    ] = "fits",
    physicians: Annotated[int, typer.Option(min=50, max=200_000)] = 2000,
    contents: Annotated[int, typer.Option(min=20, max=8000)] = 300,
    tags: Annotated[int, typer.Option(min=5, max=600)] = 60,
    seed: Annotated[int, typer.Option()] = 0,
    as_json: Json = False,
) -> None:
    """Write an invented data set for `evaluate`: physicians, contents, tags, openings."""
    if not proof.available():
        raise Refused(NUMPY)
    if kind not in proof.WORLDS:
        raise Refused(f"没有“{kind}”这个世界，可以选：{'、'.join(proof.WORLDS)}。")
    made = proof.world(kind, physicians, contents, tags, seed)
    folder.mkdir(parents=True, exist_ok=True)
    tables: dict[str, tuple[tuple[str, ...], Sequence[tuple[object, ...]]]] = {
        "interactions": (("user", "item", "time"), made.interactions),
        "content-tags": (("item", "tag", "weight"), made.content_tags),
        "physician-tags": (("user", "tag", "weight"), made.physician_tags),
    }
    for name, (header, rows) in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
    numbers = {name: len(rows) for name, (_, rows) in tables.items()}
    text = (
        f"写入 {folder}：{numbers['interactions']:,} 次打开。下一步：\n"
        f"yishu recommend evaluate --interactions {folder}/interactions.csv "
        f"--content-tags {folder}/content-tags.csv --physician-tags {folder}/physician-tags.csv"
    )
    show({"folder": str(folder), "kind": kind, **numbers}, text, as_json)


def learn(as_json: Json = False) -> None:
    """Learn from all answers so far, now; the scheduler does it every night by itself.

    What was learned is used only when it foresees the newest answers better than tags alone; the
    same for what other physicians open who opened the same.
    """
    parts = build(process="cli")
    with parts.db.reading() as session:
        learned = learn_tonight(session, parts.clock())
    with parts.db.transaction() as session:
        keep(session, learned, parts.clock())
    figures = dict(learned.figures)
    show(figures, told(figures), as_json)


def night(as_json: Json = False) -> None:
    """How far the nightly working out of everybody's best contents is."""
    parts = build(process="cli")
    with parts.db.reading() as session:
        found = nights.progress(session, parts.clock())
    if found.night is None:
        show({"night": None}, "还没有算过。定时进程每天凌晨会开始，处理进程分片计算；"
             "在这之前，推荐在用到时当场计算，结果相同。", as_json)  # fmt: skip
        return
    one = found.night
    data = {
        "night": one.id, "day": one.day, "begun_at": one.begun_at, "shards": one.shards,
        "done": found.done, "people": found.people, "finished_at": found.finished_at,
        "failing": found.failing, "current": found.current, "changed_since": found.changed,
    }  # fmt: skip
    text = f"{one.day}（第 {one.id} 次）：{found.done:,}/{one.shards:,} 片，"
    text += f"{found.people:,} 位医生。"
    if found.failing:
        text += f"\n{found.failing} 片出错，租约到期后自动重试；原因见处理进程的日志。"
    if not found.current:
        text += "\n内容库、标签体系或日期已变化，下一次会自动开始；在这之前当场计算。"
    text += f"\n之后有变化的 {found.changed:,} 位医生在用到时当场计算。"
    show(data, text, as_json)


def _baselines(only: str) -> Sequence[str]:
    asked = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in asked if name not in proof.MODELS]
    if unknown:
        raise Refused(f"没有对照方法“{unknown[0]}”，可以选：{'、'.join(proof.MODELS)}。")
    return asked or tuple(proof.MODELS)


def _foreseen(problems: Sequence[Problem]) -> int:
    return sum(len(one.asked_user) for one in problems)


def _as_json(problems: Sequence[Problem], judged: Judged) -> dict[str, Any]:
    problem = problems[0]
    physicians, contents = problem.size
    return {
        "split": problem.kind, "physicians": physicians, "contents": contents,
        "ranked_contents": int(problem.among.sum()), "tags": len(problem.data.tags),
        "openings": len(problem.data.user), "foreseen": _foreseen(problems),
        "models": {
            name: {key: figure.as_json() for key, figure in row.items()}
            for name, row in judged.rows.items()
        },
        "ours_minus": {name: figure.as_json() for name, figure in judged.apart.items()},
        "calibration": {name: figure.as_json() for name, figure in judged.calibration.items()},
        "settings": judged.chosen, "gate": judged.gate, "left_out": judged.left_out,
        "best_baseline": judged.best, "holds": judged.holds, "seconds": judged.seconds,
    }  # fmt: skip


def _as_text(problems: Sequence[Problem], judged: Judged) -> str:
    problem = problems[0]
    physicians, contents = problem.size
    lines = [
        f"{physicians:,} physicians, {contents:,} contents, {len(problem.data.tags):,} tags; "
        f"split {problem.kind}: {_foreseen(problems):,} openings to foresee among "
        f"{int(problem.among.sum()):,} contents",
        f"{'':14}{'NDCG@10':^23}{'ours minus it':^24}{'recall':>8}{'hit':>8}{'cover':>8}"
        f"{'Gini':>8}{'s':>7}",
    ]
    for name, row in judged.rows.items():
        apart = judged.apart.get(name)
        lines.append(
            f"{name:14}{_told(row['ndcg']):23}{_told(apart, '+') if apart else '':24}"
            f"{row['recall'].value:8.4f}{row['hit'].value:8.4f}{row['coverage'].value:8.4f}"
            f"{row['gini'].value:8.4f}{judged.seconds[name]:7.1f}"
        )
    said = ", ".join(f"{name} {_told(one)}" for name, one in judged.calibration.items())
    best = "alone"
    if judged.best:
        verdict = "not below, within the interval," if judged.holds else "surely below"
        best = f"{verdict} the best of them ({judged.best})"
    return "\n".join([
        *lines, f"calibration of ours: {said}",
        *(f"learned with {settings}; EASE: {gate}"
          for settings, gate in zip(judged.chosen, judged.gate, strict=True)),
        f"ours is {best}",
        *(f"left out: {name} needs {how}" for name, how in judged.left_out.items()),
    ])  # fmt: skip


def _told(figure: Any, sign: str = "") -> str:
    return f"{figure.value:{sign}.4f} [{figure.low:{sign}.4f} {figure.high:{sign}.4f}]"
