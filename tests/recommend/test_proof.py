"""`yishu recommend evaluate`: a known world is judged rightly, and bad files say what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("numpy", reason="numpy (requirements-recommend.lock) is not installed")

from app.cli.main import command_line
from app.infra.errors import Refused
from app.recommend.proof import Interaction, Split, Weighted, dataset, split


def run(*words: object) -> str:
    done = CliRunner().invoke(command_line("recommend"), ["recommend", *map(str, words)])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    run("invent", folder, "--physicians", 250, "--contents", 120, "--tags", 12, "--seed", 5)
    return folder


def judged(world: Path, split: str) -> dict[str, dict[str, object]]:
    said = run(
        "evaluate", "--interactions", world / "interactions.csv", "--content-tags",
        world / "content-tags.csv", "--physician-tags", world / "physician-tags.csv",
        "--split", split, "--only", "popularity,cosine", "--json",
    )  # fmt: skip
    found: dict[str, dict[str, object]] = json.loads(said.splitlines()[-1])
    return found


def test_contents_that_nobody_has_opened_are_ranked_by_tags_and_not_below_the_cosine(
    world: Path,
) -> None:
    found = judged(world, "cold")
    models = found["models"]
    assert models["ours"]["ndcg"][0] > models["popularity"]["ndcg"][0] + 0.02  # type: ignore[index]
    assert found["ours_minus"]["cosine"][2] >= 0  # type: ignore[index]
    value, low, high = models["ours"]["ndcg"]  # type: ignore[index,misc]
    assert low < value < high
    assert found["calibration"]["ece"][0] < 0.15  # type: ignore[index]


def test_every_content_is_unknown_once(world: Path) -> None:
    rows = [line.split(",") for line in (world / "interactions.csv").read_text().split()[1:]]
    data = dataset([Interaction(u, i, float(t)) for u, i, t in rows], [Weighted("c1", "t1", 1.0)])
    problems = split(data, Split.COLD, 3)
    assert (sum(one.among.astype(int) for one in problems) == 1).all()
    for one in problems:
        assert one.among[one.asked_item].all()
        assert not one.among[one.item].any()
        assert len(one.item) + len(one.asked_item) == len(data.user)


def test_the_same_files_are_judged_in_the_same_way(world: Path) -> None:
    one, other = judged(world, "last"), judged(world, "last")
    assert {**one, "seconds": 0} == {**other, "seconds": 0}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("user,item\na,b\n", "没有“time”列"),
        ("user,item,time\na,b,soon\n", "第 2 行的时间“soon”"),
        ("user,item,time\n,b,1\n", "第 2 行没有医生"),
        ("user,item,time\n", "没有记录"),
        ("user,item,time\na,unknown,1\n", "没有相同的内容"),
        ("user,item,time\na,c1,1\na,c2,2\n", "少于 30 位"),
        ("PAR1\n", "Parquet"),
    ],
)
def test_bad_files_say_what_to_do(world: Path, tmp_path: Path, text: str, problem: str) -> None:
    file = tmp_path / "interactions.csv"
    file.write_text(text)
    with pytest.raises(Refused, match=problem):
        run("evaluate", "--interactions", file, "--content-tags", world / "content-tags.csv")
